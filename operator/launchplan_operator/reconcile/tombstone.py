"""Occupying the name of a run that never starts, or never again."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import cause_of
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.render import labels
from launchplan_operator.render.tombstone import render_tombstone


async def occupy_name(
    context: Context, run: Mapping[str, Any], end: End, plan: Mapping[str, Any] | None
) -> Mapping[str, Any] | Failed:
    """Return the Job that now has a run's name: a tombstone, or whatever was there before.

    Args:
        context: the reconcilers' world.
        run: the execution's metadata, or as much of it as a seat has: namespace, name and uid.
        end: why the run never starts.
        plan: the run's plan; of a bare workflow's run the tombstone is its own alone, and so it is where the plan is
            being deleted: the run may outlive that, and a request for its Job as well.
    """
    namespace, name, uid = run["namespace"], run["name"], run["uid"]
    plan_name = plan["metadata"]["name"] if plan is not None else None
    manifest = render_tombstone((namespace, name), uid, tell_cause(end), plan_name, _owners(context, run, plan))
    reply = await context.client.create(JOBS, manifest)
    if reply.ok:
        return reply.body
    if not reply.exists:
        return Failed(f"tombstone of {name}: {reply.message}")
    found = await context.client.get(JOBS, namespace, name)
    return found if found is not None else Failed(f"Job {name} vanished between two looks")


def is_tombstone_of(job: Mapping[str, Any], uid: str) -> bool:
    """Tell whether a Job occupies the name of this very run."""
    return labels.is_tombstone(job) and (job["metadata"].get("annotations") or {}).get(labels.RUN_UID) == uid


def told_end(status: Mapping[str, Any]) -> End:
    """Return why a run has ended, as its status says."""
    reason, message = cause_of(status)
    return End(Reason[reason or "Aborted"], message)


def tell_cause(end: End) -> dict[str, str]:
    """Return why a run ends, as its Job bears it: `{reason, message}`."""
    return {"reason": str(end.reason), "message": end.cause}


def read_end(job: Mapping[str, Any]) -> End | None:
    """Return why a run never starts, or was told to end, as its Job bears it; None where nothing that we wrote is there."""
    cause = _read_cause(job)
    reason = Reason.__members__.get(str(cause.get("reason")))
    return End(reason, str(cause.get("message"))) if reason is not None else None


def occupied_since(tombstone: Mapping[str, Any]) -> datetime:
    """Return since when a Job is a tombstone: as a rule since it was made, where it became one later its cause says."""
    made = to_instant(tombstone["metadata"]["creationTimestamp"])
    with suppress(KeyError, TypeError, ValueError):
        return max(made, to_instant(_read_cause(tombstone)["since"]))
    return made


def _read_cause(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a Job bears as its cause: anything, as people can write there."""
    text = (job["metadata"].get("annotations") or {}).get(labels.CAUSE)
    with suppress(ValueError):
        cause = json.loads(text or "{}")
        return cause if isinstance(cause, dict) else {}
    return {}


def _owners(context: Context, run: Mapping[str, Any], plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return whom a tombstone goes with: it stays while either its run or its plan is there."""
    if plan is None or plan["metadata"].get("deletionTimestamp"):
        return [_own(run, controller=True)]
    live = context.caches.executions.get(run["namespace"], run["name"])
    owners = [labels.owner_reference(plan, controller=False)]
    if live is not None and live["metadata"]["uid"] == run["uid"]:
        owners.append(_own(run, controller=False))
    cronjob = context.caches.cronjobs.get(run["namespace"], plan["metadata"]["name"])
    if cronjob is not None and labels.is_owned_by(cronjob, plan["metadata"]["uid"]):
        # A CronJob stops firing where a Job that is not its own has the name of one of its slots.
        owners.append(labels.owner_reference(cronjob, controller=True))
    return owners


def _own(run: Mapping[str, Any], *, controller: bool) -> dict[str, Any]:
    kind = {"apiVersion": "launchplan.dev/v1alpha1", "kind": "LaunchPlanExecution"}
    return labels.owner_reference({**kind, "metadata": run}, controller=controller)
