"""Ending a run that has no Job: rejected, skipped or aborted, its name occupied where a Job may yet be on its way."""

from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.conditions import Finding, Reason, tell
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.mending import target_of
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.ledger import Skipped
from launchplan_operator.decide.progress import rejected_status, skipped_status
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.booking import TOO_LATE, remove_late
from launchplan_operator.reconcile.context import Context, may_start_until, write_status
from launchplan_operator.reconcile.follow import follow_job, is_job_of
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.standing import Standing, find_standing
from launchplan_operator.reconcile.tombstone import is_tombstone_of, occupy_name, read_end
from launchplan_operator.reconcile.unstarted import ASK_AGAIN, let_wait, requested_facts, write_aborted
from launchplan_operator.render import labels

#: Seconds after the last instant at which a request may arrive.
_MOMENT: Final = 1.0
#: Why a run that nothing was wrong with ends before it starts; any other reason of a tombstone is a rejection's.
_ENDS: Final = frozenset(
    {Reason.Aborted, Reason.Replaced, Reason.JobDeleted, Reason.ExecutionDeleted, Reason.RequesterGone}
)

_UNTOLD: Final = End(Reason.Aborted, "its Job is kept from running, and does not say why")


async def reject(context: Context, execution: Mapping[str, Any], *findings: Finding) -> Outcome:
    """End a run before it starts."""
    standing = find_standing(context, execution)
    met = await occupy_if_starting(context, execution, standing, End(findings[0].reason, tell(findings)))
    if met is not None:
        return met
    previous = {**requested_facts(context, execution), **(execution.get("status") or {})}
    target = target_of(LAUNCH_PLAN_EXECUTIONS, execution)
    status = rejected_status(findings, target, execution["metadata"]["generation"], context.clock(), previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if isinstance(outcome, Done):
        context.events.record(execution, "Warning", findings[0].reason, status["error"]["message"][:900])
    return outcome


async def finish_unstarted(context: Context, execution: Mapping[str, Any], tombstone: Mapping[str, Any]) -> Outcome:
    """End a run whose name a tombstone of its own occupies already."""
    standing = find_standing(context, execution)
    if standing.skipped is not None:
        return await skip(context, execution, standing, standing.skipped)
    end = read_end(tombstone) or _UNTOLD
    if end == TOO_LATE:
        # Whoever found it late was cut off before the run was removed.
        return await remove_late(context, execution)
    if end.reason in _ENDS:
        return await write_aborted(context, execution, end)
    return await reject(context, execution, Finding(end.reason, end.cause, "spec"))


async def occupy_if_starting(
    context: Context, execution: Mapping[str, Any], standing: Standing, end: End
) -> Outcome | None:
    """Occupy a run's name where a Job may yet be made for it; an outcome if one was made already."""
    if labels.is_through_reference(execution):
        return None
    if standing.seat is None and may_start_until(context, execution) is None:
        return None
    found = await occupy_name(context, execution["metadata"], end, standing.plan)
    if isinstance(found, Failed):
        return found
    if labels.is_tombstone(found):
        return None if is_tombstone_of(found, execution["metadata"]["uid"]) else await _outwait(context, execution)
    if is_job_of(found, execution):
        return await follow_job(context, execution, found)
    return await _outwait(context, execution)


async def _outwait(context: Context, execution: Mapping[str, Any]) -> Outcome | None:
    """Let a run not end yet whose name somebody else's Job has, and may give free while a request of ours arrives."""
    until = may_start_until(context, execution)
    if until is None:
        return None
    name = execution["metadata"]["name"]
    message = (
        f"found a Job {name!r} that does not belong to this execution, expected none while a request for its own may "
        f"still arrive: it waits until that Job is gone, or until {instant_text(until)}"
    )
    finding = Finding(Reason.JobNameTaken, message, "metadata.name", transient=True)
    outcome = await let_wait(context, execution, (finding,), {})
    remaining = (until - context.clock()).total_seconds() + _MOMENT
    return Again(min(remaining, ASK_AGAIN)) if isinstance(outcome, Done) else outcome


async def skip(context: Context, execution: Mapping[str, Any], standing: Standing, skipped: Skipped) -> Outcome:
    """Note that a run never starts, as its plan's ledger says."""
    met = await occupy_if_starting(context, execution, standing, End(skipped.reason, skipped.message))
    if met is not None:
        return met
    previous, generation = execution.get("status") or {}, execution["metadata"]["generation"]
    status = skipped_status(skipped.reason, skipped.message, generation, context.clock(), previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if isinstance(outcome, Done):
        context.events.record(execution, "Normal", skipped.reason, skipped.message[:900])
    return outcome


async def abort(context: Context, execution: Mapping[str, Any], standing: Standing, end: End) -> Outcome:
    """End a run that somebody wants to end, or that a newer one replaces."""
    met = await occupy_if_starting(context, execution, standing, end)
    return met if met is not None else await write_aborted(context, execution, end)
