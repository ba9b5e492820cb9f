"""Starting a run that a person asked for: every check first, then one Job of the execution's name."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.mending import target_of
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.progress import rejected_status, run_status, waiting_status
from launchplan_operator.decide.readiness import PATIENCE
from launchplan_operator.decide.references import check_run_name
from launchplan_operator.decide.refusals import show_quota
from launchplan_operator.decide.run import RunError, RunState
from launchplan_operator.decide.runcommand import RunWish, run_instead, wish_of
from launchplan_operator.kube.client import Reply
from launchplan_operator.reconcile.choice import choose_content, read_wish
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.follow import follow_job, is_job_of, manual_origin
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.render.job import JobContent, render_job

_ASK_AGAIN = 15.0


async def launch(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Check and start a run, or say why it waits or never starts."""
    terminate = execution["spec"].get("terminate")
    if terminate is not None:
        return await _abort(context, execution, str(terminate.get("cause")))
    spec = await read_wish(context, execution)
    if isinstance(spec, tuple):
        return await _refuse(context, execution, spec)
    if misnamed := check_run_name(execution["metadata"]["name"]):
        return await reject(context, execution, *run_instead((misnamed,), wish_of(spec)))
    if _plan_is_another(context, execution, spec):
        gone = _plan_deleted(spec.launch_plan_ref.name)
        return await reject(context, execution, *run_instead((gone,), wish_of(spec)))
    content = await choose_content(context, execution, spec)
    if content is None:
        # The verdict on the workflow or the plan wakes the runs that wait for it.
        return Done()
    if isinstance(content, tuple):
        return await _refuse(context, execution, content)
    return await _create(context, execution, content, wish_of(spec))


async def reject(context: Context, execution: Mapping[str, Any], *findings: Finding) -> Outcome:
    """End a run before it starts."""
    previous = {**_requested(context, execution), **(execution.get("status") or {})}
    target = target_of(LAUNCH_PLAN_EXECUTIONS, execution)
    status = rejected_status(findings, target, execution["metadata"]["generation"], context.clock(), previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if isinstance(outcome, Done):
        context.events.record(execution, "Warning", findings[0].reason, status["error"]["message"][:900])
    return outcome


def taken(name: str) -> Finding:
    """Return the finding for a Job of the run's name that is not the run's."""
    message = f"found a Job {name!r} that does not belong to this execution, expected none of that name"
    return Finding(Reason.JobNameTaken, message, "metadata.name", "create the execution under another name")


async def _create(context: Context, execution: Mapping[str, Any], content: JobContent, wish: RunWish) -> Outcome:
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    reply = await context.client.create(JOBS, render_job(content, execution))
    if reply.ok:
        return await follow_job(context, execution, reply.body)
    if reply.exists:
        job = await context.client.get(JOBS, namespace, name)
        if job is None:
            return Failed(f"Job {name} vanished between two looks")
        if is_job_of(job, execution):
            return await follow_job(context, execution, job)
        return await reject(context, execution, *run_instead((taken(name),), wish))
    return await _job_refused(context, execution, content.version, reply)


async def _job_refused(context: Context, execution: Mapping[str, Any], version: str, reply: Reply) -> Outcome:
    if not reply.refused:
        return Failed(reply.message)
    # A 403 is a quota's or an admission's word, which may change; 400 and 422 are about the Job itself.
    transient = reply.status == HTTPStatus.FORBIDDEN
    message = f"the API server refuses the Job: {reply.message}"
    finding = Finding(Reason.JobRefused, message, "spec", transient=transient, fix=show_quota(reply.message))
    return await _refuse(context, execution, (finding,), {"launchPlanVersion": version})


async def _refuse(
    context: Context,
    execution: Mapping[str, Any],
    findings: tuple[Finding, ...],
    fixed: Mapping[str, Any] | None = None,
) -> Outcome:
    """Reject the run, or let it wait while another object's arrival may still mend all that is wrong.

    `fixed` is what the status says of the run from now on.
    """
    if any(not finding.transient for finding in findings) or _patience(context, execution) <= timedelta():
        return await reject(context, execution, *findings)
    previous = {**_requested(context, execution), **(execution.get("status") or {}), **(fixed or {})}
    target = target_of(LAUNCH_PLAN_EXECUTIONS, execution)
    status = waiting_status(findings, target, execution["metadata"]["generation"], context.clock(), previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if not isinstance(outcome, Done):
        return outcome
    return Again(min(_patience(context, execution).total_seconds(), _ASK_AGAIN))


async def _abort(context: Context, execution: Mapping[str, Any], cause: str) -> Outcome:
    now = context.clock()
    state = RunState(Reason.Aborted, cause, completed=instant_text(now), error=RunError("User", Reason.Aborted, cause))
    previous = {**_requested(context, execution), **(execution.get("status") or {})}
    status = run_status(state, execution["metadata"]["generation"], now, previous)
    return await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)


def _requested(context: Context, execution: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a run that never had a Job."""
    reference = execution["spec"].get("launchPlanRef") or {}
    known: dict[str, Any] = {
        "origin": {"type": manual_origin(execution)},
        "queuedTime": execution["metadata"]["creationTimestamp"],
    }
    if reference.get("kind", "LaunchPlan") == "LaunchPlan":
        plan = context.caches.plans.get(execution["metadata"]["namespace"], str(reference.get("name")))
        known |= {"planUid": plan["metadata"]["uid"]} if plan is not None else {}
    return known


def _plan_is_another(context: Context, execution: Mapping[str, Any], spec: LaunchPlanExecutionSpec) -> bool:
    """Tell whether the plan that a waiting run is bound to was deleted since, made anew or not."""
    bound = (execution.get("status") or {}).get("planUid")
    if bound is None or spec.launch_plan_ref.kind != "LaunchPlan":
        return False
    plan = context.caches.plans.get(execution["metadata"]["namespace"], spec.launch_plan_ref.name)
    return plan is None or plan["metadata"]["uid"] != bound


def _plan_deleted(name: str) -> Finding:
    message = (
        f"found that the LaunchPlan {name!r} was deleted while the run waited, expected the one that it waited for"
    )
    hint = "apply the plan again, then create a new execution"
    return Finding(Reason.PlanDeleted, message, "spec.launchPlanRef.name", hint)


def _patience(context: Context, execution: Mapping[str, Any]) -> timedelta:
    return to_instant(execution["metadata"]["creationTimestamp"]) + PATIENCE - context.clock()
