"""Removing ended executions beyond a plan's history: first the Job, then, once it is seen gone, the record."""

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, Kind
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal, noted_end
from launchplan_operator.decide.retention import MINIMUM_AGE, Ended, HistoryLimits, decide_retention, marks_of
from launchplan_operator.reconcile.caches import launcher_key, scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.tombstone import occupied_since

#: What is kept of the runs of a bare workflow: as a plan keeps by default.
BARE_LIMITS = HistoryLimits(succeeded=10, failed=10, skipped=10)
_UNTIL_GONE = 1.0


def executions_of(context: Context, namespace: str, kind: str, name: str) -> list[dict[str, Any]]:
    """Return the executions that refer to a plan or a bare workflow."""
    return context.caches.executions.by("launcher", launcher_key(namespace, kind, name))


async def retain_bare(context: Context, kind: Kind, namespace: str, name: str) -> Outcome:
    """Keep the history of a workflow's runs without a plan, or of the runs through a reference."""
    ended = [e for e in executions_of(context, namespace, kind.kind, name) if is_terminal(e.get("status") or {})]
    return await retain(context, ended, BARE_LIMITS)


async def retain(context: Context, ended: Sequence[Mapping[str, Any]], limits: HistoryLimits) -> Outcome:
    """Remove what the limits say of these ended executions; `Again` names the next removal."""
    if not ended:
        return Done()
    by_name = {execution["metadata"]["name"]: execution for execution in ended}
    now = context.clock()
    decision = decide_retention([_ended(execution) for execution in ended], limits, now)
    for name in decision.remove:
        outcome = await remove_execution(context, by_name[name])
        if not isinstance(outcome, Done):
            return outcome
    return Again((decision.next_at - now).total_seconds()) if decision.next_at else Done()


async def remove_execution(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Delete an ended execution's Job and then the execution itself, each only if it is that very one."""
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    job = execution["status"].get("jobRef")
    if job is not None:
        await context.client.delete(JOBS, namespace, job["name"], uid=job["uid"])
        left = await context.client.get(JOBS, namespace, job["name"])
        if left is not None and left["metadata"]["uid"] == job["uid"]:
            return Again(_UNTIL_GONE)
        _forget_job(context, namespace, job)
    reply = await context.client.delete(LAUNCH_PLAN_EXECUTIONS, namespace, name, uid=execution["metadata"]["uid"])
    return Failed(reply.message) if reply.refused else Done()


def _forget_job(context: Context, namespace: str, job: Mapping[str, Any]) -> None:
    """Nobody may tell us that a Job is gone: one that is held on would be recorded anew, removed again, and so on."""
    held = context.caches.jobs.get(namespace, job["name"])
    if held is not None and held["metadata"]["uid"] == job["uid"]:
        context.caches.jobs.remove(held)


async def remove_tombstones(context: Context, plan: Mapping[str, Any]) -> float | None:
    """Delete the tombstones of a plan that are old enough; returns the seconds until the next one is."""
    namespace, name, now = plan["metadata"]["namespace"], plan["metadata"]["name"], context.clock()
    left: list[float] = []
    for tombstone in context.caches.jobs.by("tombstone", scoped(namespace, name)):
        metadata = tombstone["metadata"]
        wait = (occupied_since(tombstone) + MINIMUM_AGE - now).total_seconds()
        if wait > 0:
            left.append(wait)
            continue
        await context.client.delete(JOBS, namespace, metadata["name"], uid=metadata["uid"])
    return min(left, default=None)


def _ended(execution: Mapping[str, Any]) -> Ended:
    metadata, status = execution["metadata"], execution["status"]
    at = status.get("completionTime") or metadata["creationTimestamp"]
    noted = noted_end(status) or at
    return Ended(metadata["name"], status["phase"], to_instant(at), to_instant(noted), marks_of(metadata))
