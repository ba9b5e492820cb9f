"""LaunchPlanExecution: a request becomes a Job, a Job becomes a record, and both follow it to its end."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.progress import is_terminal, run_status
from launchplan_operator.decide.run import RunError, RunState
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.follow import adopt_stray, follow_job, is_job_of, origin_type
from launchplan_operator.reconcile.launch import launch, reject, taken
from launchplan_operator.reconcile.result import Done, Failed, Outcome
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_record


async def reconcile_execution(context: Context, namespace: str, name: str) -> Outcome:
    """Bring one run forward: record it, start it, follow its Job, or note that it is over."""
    execution = context.caches.executions.get(namespace, name)
    job = context.caches.jobs.get(namespace, name)
    if execution is None:
        return await record_job(context, job) if job is not None else Done()
    if execution["metadata"].get("deletionTimestamp"):
        return Done()
    if is_terminal(execution.get("status") or {}):
        return await _look_after(context, execution, job)
    if job is None and (is_record(execution) or _was_started(execution)):
        # Absence is never concluded from a cache.
        job = await context.client.get(JOBS, namespace, name)
        if job is None:
            return await _end_without_job(context, execution)
    if job is None:
        return await launch(context, execution)
    if not is_job_of(job, execution):
        return await reject(context, execution, taken(name))
    return await follow_job(context, execution, job)


def is_record(execution: Mapping[str, Any]) -> bool:
    """Tell whether we made the execution to record what a schedule started; a person's has no controller."""
    controller = labels.controller_of(execution)
    return controller is not None and controller["kind"] == "LaunchPlan"


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
    """A run that ended keeps its Job, and is told that a later `terminate` has no effect."""
    if job is not None and is_job_of(job, execution):
        outcome = await adopt_stray(context, execution, job)
        if not isinstance(outcome, Done):
            return outcome
    return await _observe_late_wish(context, execution)


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
    now = context.clock()
    status = execution.get("status") or {}
    asked = "terminate" in execution["spec"]
    reason = Reason.Aborted if asked else Reason.JobDeleted
    message = execution["spec"]["terminate"]["cause"] if asked else "the Job was deleted while the run had not ended"
    error = RunError("User", reason, message)
    state = RunState(reason, message, status.get("startTime"), instant_text(now), error=error)
    final = run_status(state, execution["metadata"]["generation"], now, status)
    return await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, final)


def _was_started(execution: Mapping[str, Any]) -> bool:
    return "jobRef" in (execution.get("status") or {})
