"""Starting a run that a person or a slot asks for: every check first, then its turn, then one Job of its name."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.progress import queued_status
from launchplan_operator.decide.references import check_run_name
from launchplan_operator.decide.refusals import show_quota
from launchplan_operator.decide.runcommand import RunWish, run_instead, wish_of
from launchplan_operator.kube.client import Reply
from launchplan_operator.kube.queue import Priority
from launchplan_operator.reconcile.choice import choose_content, read_wish
from launchplan_operator.reconcile.context import Context, is_as_known, may_be_starting, write_status
from launchplan_operator.reconcile.ending import abort, finish_unstarted, reject, skip
from launchplan_operator.reconcile.follow import accepted_facts, follow_job, is_job_of
from launchplan_operator.reconcile.requester import meet_requester
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.standing import (
    Standing,
    find_end,
    find_standing,
    is_accepted,
    origin_of,
    plan_of,
    tell_standing,
)
from launchplan_operator.reconcile.tombstone import is_tombstone_of
from launchplan_operator.reconcile.unstarted import let_wait
from launchplan_operator.reconcile.waiting import refuse
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent, render_job


async def launch(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Check a run and start it when its turn has come, or say why it waits or never starts."""
    standing = find_standing(context, execution)
    if (outcome := await _forestall(context, execution, standing)) is not None:
        return outcome
    spec = await read_wish(context, execution)
    if isinstance(spec, tuple):
        return await refuse(context, execution, spec)
    if misnamed := check_run_name(execution["metadata"]["name"]) if not labels.is_slot_run(execution) else None:
        return await reject(context, execution, *run_instead((misnamed,), wish_of(spec)))
    if _plan_is_another(context, execution, spec):
        gone = _plan_deleted(spec.launch_plan_ref.name)
        return await reject(context, execution, *run_instead((gone,), wish_of(spec)))
    if standing.must_wait and is_accepted(execution):
        return await _wait(context, execution, standing, {})
    content = await choose_content(context, execution, spec)
    if content is None:
        # The verdict on the workflow or the plan wakes the runs that wait for it.
        return Done()
    if isinstance(content, tuple):
        return await refuse(context, execution, content)
    if standing.must_wait:
        return await _wait(context, execution, standing, accepted_facts(execution, content))
    return await _create(context, execution, standing, content, wish_of(spec))


async def _forestall(context: Context, execution: Mapping[str, Any], standing: Standing) -> Outcome | None:
    """End a run that is not to start, or let it wait for whoever asks for it; None where nothing is in its way."""
    if end := find_end(execution, standing):
        return await abort(context, execution, standing, end)
    if standing.skipped is not None:
        return await skip(context, execution, standing, standing.skipped)
    return await meet_requester(context, execution, standing)


async def meet_tombstone(context: Context, execution: Mapping[str, Any], tombstone: Mapping[str, Any]) -> Outcome:
    """End a run by its own tombstone; let it wait until an earlier one of the same name is gone, which wakes it."""
    if is_tombstone_of(tombstone, execution["metadata"]["uid"]):
        return await finish_unstarted(context, execution, tombstone)
    name = execution["metadata"]["name"]
    message = f"an execution {name!r} ended before it started, and its name is kept for some minutes"
    return await let_wait(
        context, execution, (Finding(Reason.JobNameTaken, message, "metadata.name", transient=True),), {}
    )


async def meet_other_job(
    context: Context, execution: Mapping[str, Any], job: Mapping[str, Any], wish: RunWish | None = None
) -> Outcome:
    """Reject a run whose name somebody's Job has; let it wait for one of an earlier run, which is deleted with that."""
    controller = labels.controller_of(job) or {}
    earlier = {"kind": LAUNCH_PLAN_EXECUTIONS.kind, "name": execution["metadata"]["name"]}
    if controller.items() >= earlier.items():
        return await refuse(context, execution, (_leaving(execution),))
    found = (_taken(execution),)
    return await reject(context, execution, *(run_instead(found, wish) if wish is not None else found))


def _leaving(execution: Mapping[str, Any]) -> Finding:
    name = execution["metadata"]["name"]
    message = (
        f"an earlier execution {name!r} was deleted, and its Job is still to be: this one starts when that is gone"
    )
    return Finding(Reason.JobNameTaken, message, "metadata.name", transient=True)


def _taken(execution: Mapping[str, Any]) -> Finding:
    """Return the finding for a Job of the run's name that is not the run's."""
    name = execution["metadata"]["name"]
    message = f"found a Job {name!r} that does not belong to this execution, expected none of that name"
    hint = "create the execution under another name"
    if labels.is_slot_run(execution):
        hint = "the slot has no other name: start a run by hand if it is still wanted"
    return Finding(Reason.JobNameTaken, message, "metadata.name", hint)


async def _create(
    context: Context, execution: Mapping[str, Any], standing: Standing, content: JobContent, wish: RunWish
) -> Outcome:
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    manifest = _render(context, execution, replace(content, limited=standing.limited))
    if may_be_starting(context, execution) and not await is_as_known(context, LAUNCH_PLAN_EXECUTIONS, execution):
        return Again(0.0, Priority.HIGH)
    # The very plan that was read says the same again.
    if plan_of(context, execution) is not standing.plan and find_standing(context, execution).must_wait:
        # A limit came while the checks asked the server: from its ledger on nobody starts unasked.
        return Again(0.0, Priority.HIGH)
    with context.flights.sending(execution["metadata"]["uid"], context.clock()):
        reply = await context.client.create(JOBS, manifest)
    if reply.ok:
        # Whoever else is due starts first; what the Job has come to by then is told at once.
        context.caches.launched_runs.add(execution["metadata"]["uid"])
        return Again(0.0, Priority.LOW)
    if reply.exists:
        job = await context.client.get(JOBS, namespace, name)
        if job is None:
            return Failed(f"Job {name} vanished between two looks")
        if labels.is_tombstone(job):
            return await meet_tombstone(context, execution, job)
        if is_job_of(job, execution):
            return await follow_job(context, execution, job)
        return await meet_other_job(context, execution, job, wish)
    return await _job_refused(context, execution, content.version, reply)


def _render(context: Context, execution: Mapping[str, Any], content: JobContent) -> dict[str, Any]:
    """Return the Job of a run; of a slot's, where its plan has a CronJob, that CronJob is the controller."""
    if not labels.is_slot_run(execution):
        return render_job(content, execution)
    origin = origin_of(execution)
    owner = labels.controller_of(execution) or {}
    cronjob = context.caches.cronjobs.get(execution["metadata"]["namespace"], str(owner.get("name")))
    own = cronjob is not None and labels.is_owned_by(cronjob, str(owner.get("uid")))
    return render_job(replace(content, slot=origin["slot"]), execution, origin["type"], cronjob if own else None)


async def _job_refused(context: Context, execution: Mapping[str, Any], version: str, reply: Reply) -> Outcome:
    if not reply.refused:
        return Failed(reply.message)
    # A 403 is a quota's or an admission's word, which may change; 400 and 422 are about the Job itself.
    transient = reply.status == HTTPStatus.FORBIDDEN
    message = f"the API server refuses the Job: {reply.message}"
    finding = Finding(Reason.JobRefused, message, "spec", transient=transient, fix=show_quota(reply.message))
    return await refuse(context, execution, (finding,), {"launchPlanVersion": version})


async def _wait(
    context: Context, execution: Mapping[str, Any], standing: Standing, facts: Mapping[str, Any]
) -> Outcome:
    """Let a run wait for its turn; with the facts of its acceptance it stands in line."""
    previous = {**(execution.get("status") or {}), **facts}
    reason, message = tell_standing(execution, standing)
    generation = execution["metadata"]["generation"]
    status = queued_status(reason, message, generation, context.clock(), previous)
    return await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)


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
