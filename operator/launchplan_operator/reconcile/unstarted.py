"""What is noted of a run that has no Job: what it waits for, why it was ended, and what is known of it."""

from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.mending import target_of
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.progress import run_status, waiting_status
from launchplan_operator.decide.run import End, RunError, RunState
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Done, Outcome
from launchplan_operator.reconcile.standing import origin_of

#: Seconds after which a run asks again for what is not watched.
ASK_AGAIN: Final = 15.0


async def let_wait(
    context: Context, execution: Mapping[str, Any], findings: tuple[Finding, ...], fixed: Mapping[str, Any]
) -> Outcome:
    """Note what a run waits for, and what is fixed of it."""
    previous = {**requested_facts(context, execution), **(execution.get("status") or {}), **fixed}
    target = target_of(LAUNCH_PLAN_EXECUTIONS, execution)
    status = waiting_status(findings, target, execution["metadata"]["generation"], context.clock(), previous)
    return await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)


async def write_aborted(context: Context, execution: Mapping[str, Any], end: End) -> Outcome:
    """Note that a run ended before it was done; whatever is known of it stays."""
    now = context.clock()
    error = RunError("User", end.reason, end.cause)
    started = (execution.get("status") or {}).get("startTime")
    state = RunState(end.reason, end.cause, started, completed=instant_text(now), error=error)
    previous = {**requested_facts(context, execution), **(execution.get("status") or {})}
    status = run_status(state, execution["metadata"]["generation"], now, previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if isinstance(outcome, Done):
        context.events.record(execution, "Normal", end.reason, end.cause[:900])
    return outcome


def requested_facts(context: Context, execution: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a run that never had a Job."""
    reference = execution["spec"].get("launchPlanRef") or {}
    known: dict[str, Any] = {
        "origin": origin_of(execution),
        "queuedTime": execution["metadata"]["creationTimestamp"],
    }
    if reference.get("kind", "LaunchPlan") == "LaunchPlan":
        plan = context.caches.plans.get(execution["metadata"]["namespace"], str(reference.get("name")))
        known |= {"planUid": plan["metadata"]["uid"]} if plan is not None else {}
    return known
