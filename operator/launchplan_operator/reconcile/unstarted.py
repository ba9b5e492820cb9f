"""What is noted of a run that has no Job: what it waits for, and what is known of it."""

from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.mending import target_of
from launchplan_operator.decide.progress import waiting_status
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Outcome
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
