"""Ended runs that are to be counted: where another process may have counted them, the server is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.reconcile.context import CLOCKS, Context


async def confirm_uncounted(
    context: Context, plan: Mapping[str, Any], executions: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the runs of a plan, those that are about to be counted as the server has them; who is gone is left out.

    A leader marks what it counted by itself and sees its own marks. Of another's, which may be an earlier leader, the
    plan's status may be newer than what the cache holds of its runs: it tells of runs that are not known to have ended, and
    forgot those whose marks are not known. The plan was read before: whatever is marked after this look makes the write of
    the plan's status fail.
    """
    told = {entry["uid"] for entry in (plan.get("status") or {}).get("uncounted") or ()}
    ended = {each["metadata"]["uid"] for each in executions if is_terminal(each.get("status") or {})}
    if told - ended:
        executions = await _list(context, plan)
    found = [await _as_it_is(context, each) if _is_doubtful(context, each, told) else each for each in executions]
    return [each for each in found if each is not None]


async def _list(context: Context, plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    listing = await context.client.list(LAUNCH_PLAN_EXECUTIONS, namespace, fields=f"spec.launchPlanRef.name={name}")
    for each in listing.items:
        context.caches.take(LAUNCH_PLAN_EXECUTIONS, each)
    return [each for each in listing.items if each["spec"]["launchPlanRef"].get("kind", "LaunchPlan") == "LaunchPlan"]


def _is_doubtful(context: Context, execution: Mapping[str, Any], told: set[str]) -> bool:
    return _is_new(execution, told) and _may_be_counted(context, execution)


def _is_new(execution: Mapping[str, Any], told: set[str]) -> bool:
    status = execution.get("status") or {}
    return is_terminal(status) and not status.get("counted") and execution["metadata"]["uid"] not in told


def _may_be_counted(context: Context, execution: Mapping[str, Any]) -> bool:
    """Tell whether another process may have counted an ended run: without a leader any time, else before this one led."""
    since, ended = context.leader_since(), execution["status"].get("completionTime")
    early = since is not None and (ended is None or to_instant(ended) <= since + CLOCKS)
    return not context.elected or early


async def _as_it_is(context: Context, execution: Mapping[str, Any]) -> Mapping[str, Any] | None:
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    fresh = await context.client.get(LAUNCH_PLAN_EXECUTIONS, namespace, name)
    if fresh is None or fresh["metadata"]["uid"] != execution["metadata"]["uid"]:
        return None
    context.caches.take(LAUNCH_PLAN_EXECUTIONS, fresh)
    return fresh
