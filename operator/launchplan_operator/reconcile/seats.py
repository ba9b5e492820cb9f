"""Which runs of a ledger are over: their Jobs ended and every pod with them. Absence is asked of the server."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, PODS
from launchplan_operator.decide.concurrency import Seat
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.run import End, is_ending, is_finished, is_open
from launchplan_operator.decide.schedule import slot_of_name
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context, starts_until
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.reconcile.tombstone import occupy_name, read_end, told_end
from launchplan_operator.render import labels

#: How long after its run's end a pod may take to end before a person is told.
_LINGERS = timedelta(seconds=60)
_NAMES_AT_ONCE = 50
_MOMENT = 1.0
_DELETED = End(
    Reason.ExecutionDeleted,
    "the execution was deleted after it was admitted and before its Job was made (start a run by hand if it is still wanted)",
)


@dataclass(frozen=True, slots=True)
class SeatReview:
    """Which seats are free now.

    Attributes:
        ended: the uids of the seats whose runs are over.
        again: seconds after which a pod that has not ended is called lingering, or a seat is free by time alone.
        counts: what to add to the plan's counts: slots whose execution was deleted before it started.
        decisions: entries for the plan's status.
    """

    ended: frozenset[str] = frozenset()
    again: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    decisions: tuple[Mapping[str, Any], ...] = ()


async def review_seats(context: Context, plan: Mapping[str, Any], seats: Sequence[Seat]) -> SeatReview | Failed:
    """Return which seats' runs are over."""
    over: list[tuple[Seat, Mapping[str, Any] | None]] = []
    held: list[datetime] = []
    for seat in seats:
        if not _may_be_over(context, plan, seat):
            continue
        job = await _job_of_ended(context, plan, seat)
        if isinstance(job, Failed):
            return job
        until = starts_until(context, seat.uid, seat.admitted_at) if _is_foreign(job, plan) else None
        if until is not None:
            held.append(until)
        elif job is None or labels.is_tombstone(job) or is_finished(job) or _is_foreign(job, plan):
            over.append((seat, job))
    open_pods = await _open_pods(context, plan, [seat.name for seat, _ in over])
    ended = [(seat, job) for seat, job in over if seat.name not in open_pods]
    never = [seat for seat, job in ended if not seat.started and _is_deleted_early(job)]
    lingering = [(seat, job, open_pods[seat.name]) for seat, job in over if seat.name in open_pods]
    lingering += _ending(context, plan, seats)
    told, waits = _tell_lingering(context, plan, lingering)
    waits += [(until - context.clock()).total_seconds() + _MOMENT for until in held]
    plan_name = plan["metadata"]["name"]
    lost = sum(slot_of_name(plan_name, seat.name) is not None for seat in never)
    return SeatReview(
        frozenset(seat.uid for seat, _ in ended),
        min(waits, default=None),
        {"skipped": lost} if lost else {},
        (*told, *(_tell_deleted(context, plan_name, seat) for seat in never)),
    )


def started_names(context: Context, plan: Mapping[str, Any], seats: Sequence[Seat]) -> set[str]:
    """Return the names of the seats whose Jobs are seen."""
    jobs = {seat.name: context.caches.jobs.get(plan["metadata"]["namespace"], seat.name) for seat in seats}
    return {name for name, job in jobs.items() if job is not None and not labels.is_tombstone(job)}


def _ending(
    context: Context, plan: Mapping[str, Any], seats: Sequence[Seat]
) -> Iterator[tuple[Seat, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the seats whose Jobs have ended but for pods that have not."""
    namespace = plan["metadata"]["namespace"]
    for seat in seats:
        job = context.caches.jobs.get(namespace, seat.name)
        if job is None or not is_ending(job):
            continue
        pods = [pod for pod in context.caches.pods.by("job", scoped(namespace, seat.name)) if is_open(pod)]
        if pods:
            yield seat, job, pods[0]


def _may_be_over(context: Context, plan: Mapping[str, Any], seat: Seat) -> bool:
    """Tell from the caches whether it is worth asking: a run that goes on is seen there."""
    namespace = plan["metadata"]["namespace"]
    execution = context.caches.executions.get(namespace, seat.name)
    if execution is not None and execution["metadata"]["uid"] == seat.uid:
        return is_terminal(execution.get("status") or {})
    job = context.caches.jobs.get(namespace, seat.name)
    return job is None or labels.is_tombstone(job) or is_finished(job)


async def _job_of_ended(context: Context, plan: Mapping[str, Any], seat: Seat) -> Mapping[str, Any] | Failed | None:
    """Return the Job of a seat's run, made a tombstone where there was none; None for a run that was not ours to make."""
    namespace = plan["metadata"]["namespace"]
    cached = context.caches.jobs.get(namespace, seat.name)
    if cached is not None:
        return cached
    job = await context.client.get(JOBS, namespace, seat.name)
    if job is not None:
        return job
    execution = await context.client.get(LAUNCH_PLAN_EXECUTIONS, namespace, seat.name)
    status = (execution.get("status") or {}) if execution is not None else {}
    is_there = execution is not None and execution["metadata"]["uid"] == seat.uid
    if execution is not None and is_there and not is_terminal(status):
        context.caches.take(LAUNCH_PLAN_EXECUTIONS, execution)
        return Failed(f"the execution {seat.name} is there after all")
    end = told_end(status) if is_there else _DELETED
    return await occupy_name(context, {"namespace": namespace, "name": seat.name, "uid": seat.uid}, end, plan)


async def _open_pods(context: Context, plan: Mapping[str, Any], names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return a pod of the plan that has not ended for each of these names that has one, as the server has it."""
    found: dict[str, Mapping[str, Any]] = {}
    namespace, of_plan = plan["metadata"]["namespace"], f"{labels.PLAN}={plan['metadata']['name']}"
    rest = iter([name for name in names if not _note_cached_pod(context, namespace, name, found)])
    while chunk := list(islice(rest, _NAMES_AT_ONCE)):
        listing = await context.client.list(PODS, namespace, f"{of_plan},{labels.JOB_NAME} in ({','.join(chunk)})")
        found |= {pod["metadata"]["labels"][labels.JOB_NAME]: pod for pod in listing.items if is_open(pod)}
    return found


def _note_cached_pod(context: Context, namespace: str, name: str, found: dict[str, Mapping[str, Any]]) -> bool:
    """A pod that the cache shows running need not be asked for: its end will be told."""
    pods = [pod for pod in context.caches.pods.by("job", scoped(namespace, name)) if is_open(pod)]
    if pods:
        found[name] = pods[0]
    return bool(pods)


def _is_foreign(job: Mapping[str, Any] | None, plan: Mapping[str, Any]) -> bool:
    """Tell whether somebody's own Job has the run's name: no other can be made while it is there, and none is the run's."""
    return job is not None and (job["metadata"].get("labels") or {}).get(labels.PLAN) != plan["metadata"]["name"]


def _is_deleted_early(job: Mapping[str, Any] | None) -> bool:
    end = read_end(job) if job is not None and labels.is_tombstone(job) else None
    return end is not None and end.reason == Reason.ExecutionDeleted


def _tell_lingering(
    context: Context,
    plan: Mapping[str, Any],
    lingering: Sequence[tuple[Seat, Mapping[str, Any] | None, Mapping[str, Any]]],
) -> tuple[tuple[Mapping[str, Any], ...], list[float]]:
    now = context.clock()
    known = {(d.get("execution"), d.get("reason")) for d in (plan.get("status") or {}).get("decisions") or ()}
    told, waits = [], list[float]()
    for seat, job, pod in lingering:
        left = (_ended_at(job, seat) + _LINGERS - now).total_seconds()
        if left > 0:
            waits.append(left)
        elif (seat.name, Reason.PodLingering) not in known:
            told.append(plain_decision(now, "Waiting", Reason.PodLingering, _lingers(pod), execution=seat.name))
    return tuple(told), waits


def _ended_at(job: Mapping[str, Any] | None, seat: Seat) -> datetime:
    conditions = ((job or {}).get("status") or {}).get("conditions") or ()
    times = [to_instant(c["lastTransitionTime"]) for c in conditions if c.get("lastTransitionTime")]
    return max(times, default=seat.admitted_at)


def _lingers(pod: Mapping[str, Any]) -> str:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    node = (pod.get("spec") or {}).get("nodeName")
    where = f" on node {node}" if node else ""
    mend = f"kubectl delete pod {name} -n {namespace} --force --grace-period=0"
    return f"pod {name}{where} has not ended: its run keeps its place; if the node is lost for good: {mend}"


def _tell_deleted(context: Context, plan: str, seat: Seat) -> Mapping[str, Any]:
    slot = slot_of_name(plan, seat.name)
    text = instant_text(slot) if slot else None
    return plain_decision(context.clock(), "Skipped", _DELETED.reason, _DELETED.cause, execution=seat.name, slot=text)
