"""Following a run's Job: its state into the execution's status, a wish to terminate into the Job."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, PODS
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.progress import is_terminal, run_status
from launchplan_operator.decide.results import ResultContract
from launchplan_operator.decide.run import End, is_finished, needs_pods, observe_run
from launchplan_operator.reconcile.caches import project_pod, scoped
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Done, Failed, Outcome
from launchplan_operator.reconcile.standing import find_end, find_standing, origin_of
from launchplan_operator.reconcile.tombstone import read_end, tell_cause
from launchplan_operator.reconcile.unstarted import write_aborted
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent
from launchplan_operator.render.tombstone import render_burial


def is_job_of(job: Mapping[str, Any], execution: Mapping[str, Any]) -> bool:
    """Tell whether a Job is an execution's: noted or owned by it, or made by the CronJob of its plan."""
    noted = ((execution.get("status") or {}).get("jobRef") or {}).get("uid")
    if job["metadata"]["uid"] == noted or labels.is_owned_by(job, execution["metadata"]["uid"]):
        return True
    controller, owner = labels.controller_of(job), labels.controller_of(execution)
    if owner is None or (job["metadata"].get("annotations") or {}).get(labels.PLAN_UID) != owner["uid"]:
        return False
    # Without a controller it is one that a person orphaned between its record and the note of it.
    return controller is None or (controller["kind"], controller["name"]) == ("CronJob", owner["name"])


def origin_type(job: Mapping[str, Any]) -> str:
    """Return who started a CronJob's Job: its schedule, or a person by `kubectl create job --from`."""
    return "Schedule" if labels.CRONJOB_SLOT in (job["metadata"].get("annotations") or {}) else "Manual"


def accepted_facts(execution: Mapping[str, Any], content: JobContent) -> dict[str, Any]:
    """Return what is fixed once a run was checked, for the status of one that waits for its turn."""
    name, version = content.workflow
    return {
        "origin": origin_of(execution),
        "launchPlanVersion": content.version,
        "workflow": {"name": name, "version": version},
        "planUid": content.launcher_uid,
        "inputs": json.loads(content.inputs_json),
        "queuedTime": execution["metadata"]["creationTimestamp"],
    }


async def follow_job(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any]) -> Outcome:
    """Write what the Job and its pods show; ask the server for pods where the cache may lag behind."""
    end = find_end(execution, find_standing(context, execution))
    outcome = await adopt_stray(context, execution, job)
    if isinstance(outcome, Done) and end is not None:
        if _is_held(job):
            return await _bury(context, execution, job, end)
        outcome = await _end_job(context, execution, job, end)
    if not isinstance(outcome, Done):
        return outcome
    end = end or read_end(job)
    contract = _contract(job)
    pods = await _pods(context, job, contract)
    state = observe_run(job, contract, pods, end=end)
    counted = job["metadata"]["uid"] in context.caches.counted_jobs
    previous = {**_accepted(execution, job, counted=counted), **(execution.get("status") or {})}
    status = run_status(state, execution["metadata"]["generation"], context.clock(), previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    if isinstance(outcome, Done) and is_terminal(status) and state.error is not None:
        context.events.record(execution, "Warning", state.reason, f"{state.error.code}: {state.error.message}"[:900])
    return outcome


async def adopt_job(context: Context, owner: Mapping[str, Any], job: Mapping[str, Any]) -> Outcome:
    """Make the execution, or the plan, one of the Job's owners, so that the Job outlives its CronJob and goes with that."""
    if labels.is_owned_by(job, owner["metadata"]["uid"]):
        return Done()
    metadata = job["metadata"]
    owners = [*(metadata.get("ownerReferences") or ()), labels.owner_reference(owner, controller=False)]
    body = {
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "ownerReferences": owners}
    }
    reply = await context.client.patch(JOBS, metadata["namespace"], metadata["name"], body)
    return Done() if reply.ok or reply.not_found else Failed(f"owner of Job {metadata['name']}: {reply.message}")


async def adopt_stray(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any]) -> Outcome:
    """Own a Job whose CronJob is gone.

    A CronJob's controller may make one from a stale cache after the deletion: it would be collected. One that a person
    orphaned would be left behind when its record goes.
    """
    controller = labels.controller_of(job)
    if controller is None:
        return await adopt_job(context, execution, job)
    if controller["kind"] != "CronJob":
        return Done()
    live = context.caches.cronjobs.get(job["metadata"]["namespace"], controller["name"])
    if live is not None and live["metadata"]["uid"] == controller["uid"]:
        return Done()
    return await adopt_job(context, execution, job)


def _is_held(job: Mapping[str, Any]) -> bool:
    """Tell whether others hold a Job back that never started: a suspended Job has no deadline that could end it."""
    is_over = is_finished(job) or job["metadata"].get("deletionTimestamp")
    return not is_over and bool(job["spec"].get("suspend")) and "startTime" not in (job.get("status") or {})


async def _bury(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any], end: End) -> Outcome:
    """Make a Job that others hold back its own run's tombstone: were it deleted, a late request could make it again."""
    metadata = job["metadata"]
    body = render_burial(job, execution["metadata"]["uid"], tell_cause(end), instant_text(context.clock()))
    reply = await context.client.patch(JOBS, metadata["namespace"], metadata["name"], body)
    if reply.not_found:
        context.caches.jobs.remove(dict(job))
        return Done()
    if not reply.ok:
        return Failed(f"terminate {metadata['name']}: {reply.message}")
    return await write_aborted(context, execution, end)


async def _end_job(context: Context, execution: Mapping[str, Any], job: Mapping[str, Any], end: End) -> Outcome:
    """A running Job gets a deadline of one second, which ends it and keeps its object.

    The cause stands on the Job: a record that is made again would know of none, and call it a time-out.
    """
    metadata = job["metadata"]
    if is_finished(job) or metadata.get("deletionTimestamp"):
        return Done()
    if job["spec"].get("activeDeadlineSeconds") == 1:
        return Done()
    marks = {"uid": metadata["uid"], "annotations": {labels.CAUSE: canonical_json(tell_cause(end))}}
    body = {"metadata": marks, "spec": {"activeDeadlineSeconds": 1}}
    reply = await context.client.patch(JOBS, metadata["namespace"], metadata["name"], body)
    return (
        Done() if reply.ok or reply.not_found else Failed(f"terminate {execution['metadata']['name']}: {reply.message}")
    )


async def _pods(context: Context, job: Mapping[str, Any], contract: ResultContract) -> Sequence[Mapping[str, Any]]:
    namespace, name, uid = (job["metadata"][key] for key in ("namespace", "name", "uid"))
    cached = [pod for pod in context.caches.pods.by("job", scoped(namespace, name)) if labels.is_owned_by(pod, uid)]
    if not needs_pods(job, contract, cached):
        return cached
    listing = await context.client.list(PODS, namespace, {labels.JOB_NAME: name})
    return [project_pod(pod) for pod in listing.items if labels.is_owned_by(pod, uid)]


def _contract(job: Mapping[str, Any]) -> ResultContract:
    results = _results(job)
    return ResultContract(results.get("container", ""), results.get("outputs", {}))


def _accepted(execution: Mapping[str, Any], job: Mapping[str, Any], *, counted: bool) -> dict[str, Any]:
    """What is fixed once a run has a Job, read from the Job itself: it is the snapshot."""
    metadata = job["metadata"]
    annotations = metadata.get("annotations") or {}
    inputs = ((job["spec"]["template"].get("metadata") or {}).get("annotations") or {}).get(labels.INPUTS)
    return {
        "origin": _origin(execution, annotations),
        "launchPlanVersion": (metadata.get("labels") or {}).get(labels.VERSION),
        "workflow": _results(job).get("workflow"),
        "planUid": annotations.get(labels.PLAN_UID),
        "inputs": json.loads(inputs) if inputs else {},
        "jobRef": {"name": metadata["name"], "uid": metadata["uid"]},
        "queuedTime": execution["metadata"]["creationTimestamp"],
    } | ({"counted": True} if counted else {})


def _origin(execution: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    slot = annotations.get(labels.CRONJOB_SLOT)
    if slot is None or labels.is_slot_run(execution):
        return origin_of(execution)
    return {"type": "Schedule", "slot": instant_text(to_instant(slot))}


def _results(job: Mapping[str, Any]) -> dict[str, Any]:
    text = (job["metadata"].get("annotations") or {}).get(labels.RESULTS)
    return json.loads(text) if text else {}
