"""The steps on a plan's CronJob: make, mend, or replace it without losing or doubling a slot."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from launchplan_operator.api.mending import edit_object, run_command
from launchplan_operator.api.settings import RunSettings
from launchplan_operator.decide.adoption import ADOPT
from launchplan_operator.decide.cronjob import last_fired, live_timetable
from launchplan_operator.decide.engine import cron_text_of
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.planreading import Runnable
from launchplan_operator.decide.refusals import show_quota
from launchplan_operator.decide.schedule import schedule_hash
from launchplan_operator.decide.slots import slot_at_hand
from launchplan_operator.kube.client import Reply
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.execution import record_job
from launchplan_operator.reconcile.follow import adopt_job, is_job_of
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.render import labels
from launchplan_operator.render.content import plan_content
from launchplan_operator.render.cronjob import render_cronjob

_UNTIL_GONE = 0.5
_UNTIL_STARTED = 1.0


def wanted_cronjob(plan: Mapping[str, Any], version: Runnable, settings: RunSettings) -> dict[str, Any] | None:
    """Return the CronJob of a plan's version, or None where that has no schedule."""
    table = version.timetable
    kept = cron_text_of(table) if table is not None else None
    if table is None or kept is None or version.inputs is None:
        return None
    versions = (version.version, version.workflow_version)
    content = plan_content(plan, version.spec, versions, version.workflow, version.inputs, settings)
    return render_cronjob(content, plan, *kept, schedule_hash(table))


async def create_cronjob(context: Context, manifest: dict[str, Any]) -> Reply:
    """Create a plan's CronJob; where one exists that the cache does not know, let the cache know it."""
    reply = await context.client.create(CRON_JOBS, manifest)
    if reply.exists:
        metadata = manifest["metadata"]
        found = await context.client.get(CRON_JOBS, metadata["namespace"], metadata["name"])
        if found is not None:
            context.caches.take(CRON_JOBS, found)
    return reply


async def update_cronjob(context: Context, manifest: dict[str, Any], live: Mapping[str, Any]) -> Reply:
    """Replace the CronJob in place, so that what others added to its spec goes too."""
    metadata = {
        **live["metadata"],
        "labels": {**(live["metadata"].get("labels") or {}), **manifest["metadata"]["labels"]},
        "annotations": {**(live["metadata"].get("annotations") or {}), **manifest["metadata"]["annotations"]},
        "ownerReferences": manifest["metadata"]["ownerReferences"],
    }
    return await context.client.replace(CRON_JOBS, {**manifest, "metadata": metadata})


async def remove_cronjob(context: Context, plan: Mapping[str, Any], live: Mapping[str, Any]) -> Outcome:
    """Give every Job of the CronJob its execution as an owner, then delete the CronJob and orphan its Jobs.

    Not beside a slot: of a Job that its controller makes meanwhile nobody would know before it is collected.
    """
    namespace, name, uid, seen = (live["metadata"][key] for key in ("namespace", "name", "uid", "resourceVersion"))
    listing = await context.client.list(JOBS, namespace, {labels.PLAN: name})
    for job in listing.items:
        controller = labels.controller_of(job)
        # A tombstone has nothing to outlive its CronJob for but the minutes in which it is its plan's.
        if controller is None or controller["uid"] != uid or labels.is_tombstone(job):
            continue
        outcome = await _hand_over(context, plan, job)
        if not isinstance(outcome, Done):
            return outcome
    # The Jobs may have taken long. What has started a slot since it was looked at is not as it was, and stays.
    if _is_firing(live, context.clock()):
        return Again(_UNTIL_STARTED)
    reply = await context.client.delete(
        CRON_JOBS, namespace, name, uid=uid, propagation="Orphan", resource_version=seen
    )
    if reply.refused:
        return Failed(f"CronJob of {plan['metadata']['name']}: {reply.message}")
    found = await context.client.get(CRON_JOBS, namespace, name)
    if found is not None and found["metadata"]["uid"] == uid:
        context.caches.take(CRON_JOBS, found)
        return Again(_UNTIL_GONE)
    context.caches.cronjobs.remove(dict(live))
    context.caches.remember_gone(namespace, name, context.clock())
    return Done()


def name_taken(name: str, keeper: str | None = None) -> Finding:
    """Return the finding for somebody else's CronJob of the plan's name; `keeper` says who would bring it back."""
    message = f"found a CronJob {name!r} that does not belong to this plan; it is left untouched"
    if keeper is not None:
        hint = f"{keeper} and would bring it back: let go of it there, and take that mark from it"
        return Finding(Reason.CronJobNameTaken, message, "metadata.name", hint)
    return Finding(
        Reason.CronJobNameTaken,
        message,
        "metadata.name",
        f"let the plan take it over with the annotation {ADOPT}, or name the plan otherwise",
        fix=run_command("kubectl", "annotate", "lp", name, f"{ADOPT}=true"),
    )


def job_refused(reply: Reply) -> Finding:
    """Return the finding for a CronJob that the API server refuses."""
    message = f"the API server refuses the CronJob: {reply.message}"
    fix = show_quota(reply.message) or edit_object()
    return Finding(Reason.JobRefused, message, "spec", "see the workflow's spec.job, labels and annotations", fix=fix)


def _is_firing(cronjob: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a slot of the CronJob is about to come, or its controller may be starting one."""
    table = live_timetable(cronjob)
    base = last_fired(cronjob) or to_instant(cronjob["metadata"]["creationTimestamp"])
    return table is not None and slot_at_hand(table, base, now) is not None


async def _hand_over(context: Context, plan: Mapping[str, Any], job: Mapping[str, Any]) -> Outcome:
    """Let a Job outlive its CronJob, with its execution or, where a person's has that name, with its plan."""
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    if context.caches.executions.get(namespace, name) is None:
        outcome = await record_job(context, job)
        if not isinstance(outcome, Done):
            return outcome
    execution = context.caches.executions.get(namespace, name)
    if execution is None:
        return Failed(f"the execution of Job {name} is not seen yet")
    return await adopt_job(context, execution if is_job_of(job, execution) else plan, job)
