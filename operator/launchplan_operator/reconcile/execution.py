"""LaunchPlanExecution: a request becomes a Job, a Job becomes a record, and both follow it to its end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal, noted_end
from launchplan_operator.decide.retention import MINIMUM_AGE
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.booking import TOO_LATE, inherit, is_straggler, remove_late
from launchplan_operator.reconcile.caches import may_have_come_late, scoped
from launchplan_operator.reconcile.context import Context, may_be_starting, write_status
from launchplan_operator.reconcile.follow import adopt_stray, follow_job, is_job_of, origin_type
from launchplan_operator.reconcile.launch import launch, meet_other_job, meet_tombstone
from launchplan_operator.reconcile.remote import follow_reference
from launchplan_operator.reconcile.requester import end_unasked
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.standing import find_end, find_standing, plan_of
from launchplan_operator.reconcile.tombstone import occupy_name, told_end
from launchplan_operator.reconcile.unstarted import write_aborted
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_record

_JOB_DELETED = (
    "the Job was deleted by hand before the run had ended, and is not made again (kubectl launchplan relaunch runs it "
    "once more)"
)
#: How long a slot's run that is in nobody's books here may yet be taken, here or by the process that made it.
_CLAIMED_WITHIN = timedelta(seconds=60)
#: Seconds after which a run that somebody may be about to take, or not, is looked at again.
_UNTIL_ANSWERED = 1.0


async def reconcile_execution(context: Context, namespace: str, name: str) -> Outcome:
    """Bring one run forward: record it, start it, follow its Job, or note that it is over."""
    execution = context.caches.executions.get(namespace, name)
    job = context.caches.jobs.get(namespace, name)
    if execution is None:
        return await record_job(context, job) if job is not None else Done()
    if execution["metadata"].get("deletionTimestamp"):
        return Done()
    ended = is_terminal(execution.get("status") or {})
    if labels.is_through_reference(execution):
        return await (_observe_late_wish(context, execution) if ended else follow_reference(context, execution))
    return await (_look_after(context, execution, job) if ended else _go_on(context, execution, job))


async def _go_on(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any] | None) -> Outcome:
    """Bring a run that has not ended, and has a Job of its own or none yet, one step forward."""
    if job is None and (is_record(execution) or _was_started(context, execution)):
        # Absence is never concluded from a cache.
        job = await context.client.get(JOBS, execution["metadata"]["namespace"], execution["metadata"]["name"])
        if job is None:
            return await _end_without_job(context, execution)
    if (outcome := await _remove_straggler(context, execution, job)) is not None:
        return outcome
    if job is None:
        return await launch(context, execution)
    if labels.is_tombstone(job):
        return await meet_tombstone(context, execution, job)
    if not is_job_of(job, execution):
        return await meet_other_job(context, execution, job)
    told = await end_unasked(context, execution)
    return told if not isinstance(told, Done) else await follow_job(context, execution, job)


async def _remove_straggler(
    context: Context, execution: Mapping[str, Any], job: Mapping[str, Any] | None
) -> Outcome | None:
    """Delete a slot's run that came after the slot was settled: it is counted as missed, or ran under an older schedule.

    One that has a Job was in the books of whoever made that.
    """
    if not labels.is_slot_run(execution) or _has_started(execution, job):
        return None
    plan = plan_of(context, execution)
    if plan is None:
        return None
    inherit(context, execution)
    if not is_straggler(execution, plan, context.caches.booked_runs, elected=context.elected):
        return _await_booking(context, execution)
    if scoped(execution["metadata"]["namespace"], execution["metadata"]["name"]) in context.caches.asked_runs:
        return Again(_UNTIL_ANSWERED)
    # Where no leader is elected, another process may have it in its books: that one accepts it meanwhile.
    wait = to_instant(execution["metadata"]["creationTimestamp"]) + _CLAIMED_WITHIN - context.clock()
    if not context.elected and wait > timedelta():
        return Again(wait.total_seconds())
    # Whoever has it in its books may have asked for its Job, and waits for an answer.
    found = await occupy_name(context, execution["metadata"], TOO_LATE, plan)
    if isinstance(found, Failed):
        return found
    if _has_started(execution, found):
        return None
    return await remove_late(context, execution)


def _await_booking(context: Context, execution: Mapping[str, Any]) -> Outcome | None:
    """Let a run that may have come late not start while its plan may be about to tell its slot as missed."""
    metadata = execution["metadata"]
    is_taken = metadata["uid"] in context.caches.booked_runs or (execution.get("status") or {}).get("phase")
    if is_taken or not may_have_come_late(execution):
        return None
    is_new = context.clock() < to_instant(metadata["creationTimestamp"]) + _CLAIMED_WITHIN
    return Again(_UNTIL_ANSWERED) if is_new else None


def is_record(execution: Mapping[str, Any]) -> bool:
    """Tell whether we made the execution to record what a CronJob started; a person's has no controller."""
    controller = labels.controller_of(execution)
    return controller is not None and controller["kind"] == "LaunchPlan" and not labels.is_slot_run(execution)


async def record_job(context: Context, job: Mapping[str, Any]) -> Outcome:
    """Make the execution of a CronJob's Job, if the plan that the Job was rendered for still exists."""
    metadata = job["metadata"]
    controller = labels.controller_of(job)
    plan_name = metadata["labels"].get(labels.PLAN)
    if controller is None or controller["kind"] != "CronJob" or controller["name"] != plan_name:
        return Done()
    plan = context.caches.plans.get(metadata["namespace"], plan_name)
    if plan is None or plan["metadata"]["uid"] != metadata["annotations"].get(labels.PLAN_UID):
        return Done()
    record = render_record(job, plan, origin_type(job))
    reply = await context.client.create(LAUNCH_PLAN_EXECUTIONS, record)
    if reply.ok:
        return await follow_job(context, reply.body, job)
    # AlreadyExists: the cache lags behind, and the watch will bring the object.
    return Done() if reply.exists or reply.not_found else Failed(reply.message)


async def _look_after(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any] | None) -> Outcome:
    """A run that ended keeps its Job, or at least its name, and is told that a later `terminate` has no effect."""
    if job is None and _may_start_again(context, execution):
        kept = await _keep_name(context, execution)
        if not isinstance(kept, Done):
            return kept
    if job is not None and is_job_of(job, execution):
        outcome = await adopt_stray(context, execution, job)
        if not isinstance(outcome, Done):
            return outcome
    return await _observe_late_wish(context, execution)


def _may_start_again(context: Context, execution: Mapping[str, Any]) -> bool:
    """Tell whether a request for a Job of a run that ended may still arrive: all were sent before that was noted."""
    noted = noted_end(execution["status"])
    lately = noted is not None and context.clock() - to_instant(noted) <= MINIMUM_AGE
    return lately and _was_started(context, execution) and may_be_starting(context, execution)


async def _keep_name(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Occupy the name of a run that ended and whose Job a person deleted."""
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    if await context.client.get(JOBS, namespace, name) is not None:
        return Done()
    found = await occupy_name(
        context, execution["metadata"], told_end(execution["status"]), plan_of(context, execution)
    )
    return found if isinstance(found, Failed) else Done()


async def _observe_late_wish(context: Context, execution: Mapping[str, Any]) -> Outcome:
    status, generation = execution["status"], execution["metadata"]["generation"]
    if status.get("observedGeneration") == generation:
        return Done()
    outcome = await write_status(
        context, LAUNCH_PLAN_EXECUTIONS, execution, {**status, "observedGeneration": generation}
    )
    if isinstance(outcome, Done) and "terminate" in execution["spec"]:
        message = f"the run had already ended as {status['phase']}: terminate has no effect"
        context.events.record(execution, "Warning", Reason.TerminateIgnored, message)
    return outcome


async def _end_without_job(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """End a run whose Job is gone, with the name occupied: nothing makes the Job again."""
    standing = find_standing(context, execution)
    end = find_end(execution, standing) or End(Reason.JobDeleted, _JOB_DELETED)
    if standing.plan is not None:
        found = await occupy_name(context, execution["metadata"], end, standing.plan)
        if isinstance(found, Failed):
            return found
        if not labels.is_tombstone(found):
            return Failed(f"Job {execution['metadata']['name']} appeared between two looks")
    return await write_aborted(context, execution, end)


def _has_started(execution: Mapping[str, Any], job: Mapping[str, Any] | None) -> bool:
    """Tell whether the Job of a run's name is the run's."""
    return job is not None and not labels.is_tombstone(job) and is_job_of(job, execution)


def _was_started(context: Context, execution: Mapping[str, Any]) -> bool:
    is_launched = execution["metadata"]["uid"] in context.caches.launched_runs
    return is_launched or "jobRef" in (execution.get("status") or {})
