"""Ended runs that are to be counted: where no leader is elected, the server is asked whether another process did."""

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.reconcile.context import Context


async def confirm_uncounted(
    context: Context, plan: Mapping[str, Any], executions: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the runs of a plan, those that are about to be counted as the server has them; who is gone is left out.

    A leader marks what it counted by itself and sees its own marks. Without one, the plan's status may be newer than what
    the watch told of its runs: it tells of runs that are not known to have ended, and forgot those whose marks are not
    known. The plan was read before: whatever is marked after this look makes the write of the plan's status fail.
    """
    if context.elected:
        return list(executions)
    told = {entry["uid"] for entry in (plan.get("status") or {}).get("uncounted") or ()}
    ended = {each["metadata"]["uid"] for each in executions if is_terminal(each.get("status") or {})}
    if told - ended:
        executions = await _list(context, plan)
    found = [await _as_it_is(context, each) if _is_new(each, told) else each for each in executions]
    return [each for each in found if each is not None]


async def _list(context: Context, plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    listing = await context.client.list(LAUNCH_PLAN_EXECUTIONS, namespace, fields=f"spec.launchPlanRef.name={name}")
    for each in listing.items:
        context.caches.take(LAUNCH_PLAN_EXECUTIONS, each)
    return [each for each in listing.items if each["spec"]["launchPlanRef"].get("kind", "LaunchPlan") == "LaunchPlan"]


def _is_new(execution: Mapping[str, Any], told: set[str]) -> bool:
    status = execution.get("status") or {}
    return is_terminal(status) and not status.get("counted") and execution["metadata"]["uid"] not in told


async def _as_it_is(context: Context, execution: Mapping[str, Any]) -> Mapping[str, Any] | None:
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    fresh = await context.client.get(LAUNCH_PLAN_EXECUTIONS, namespace, name)
    if fresh is None or fresh["metadata"]["uid"] != execution["metadata"]["uid"]:
        return None
    context.caches.take(LAUNCH_PLAN_EXECUTIONS, fresh)
    return fresh
