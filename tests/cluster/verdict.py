"""What a log of everything that happened says of the promises: limits, slots, ends and counts. Pure.

It reads Jobs, pods and executions, never a ledger; of plans it reads what they say they counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.cluster.recorder import Seen

Object = dict[str, Any]

PLAN: Final = "launchplan.dev/plan"
TOMBSTONE: Final = "launchplan.dev/tombstone"
JOB_NAME: Final = "batch.kubernetes.io/job-name"
_ENDS: Final = frozenset({"Succeeded", "Failed", "TimedOut", "Aborted", "Rejected", "Skipped"})
_COUNTS: Final = {"Succeeded": "succeeded", "Failed": "failed", "TimedOut": "timedOut", "Aborted": "aborted"}
#: So long after a slot its last Job may be made on a loaded machine: eight seconds were seen.
_AT_IT: Final = timedelta(seconds=10)


@dataclass(slots=True)
class _Underway:
    """What runs at some moment: open Jobs, and open pods with their Jobs, by plan."""

    jobs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    pods: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def runs(self, plan: str) -> set[str]:
        """Return the Jobs of a plan that are open, or have a pod that is."""
        return self.jobs[plan] | set(self.pods[plan].values())

    def take_job(self, seen: Seen) -> None:
        """Note how a Job stands now."""
        plan, name = _labels(seen.obj).get(PLAN, ""), _name(seen.obj)
        change = self.jobs[plan].discard if seen.deleted or _is_finished(seen.obj) else self.jobs[plan].add
        change(name)

    def take_pod(self, seen: Seen) -> None:
        """Note how a pod stands now."""
        plan, name = _labels(seen.obj).get(PLAN, ""), _name(seen.obj)
        if seen.deleted or seen.obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
            self.pods[plan].pop(name, None)
        else:
            self.pods[plan][name] = _labels(seen.obj).get(JOB_NAME, "")


def above_limit(log: Sequence[Seen], limits: Mapping[str, int]) -> list[str]:
    """Return each start of a Job at which as many others of its plan were under way as the limit allows.

    The changes of a gap have no order among each other: what ended in it is taken to have ended first.
    """
    found, here, known = [], _Underway(), set[str]()
    for seen in sorted(log, key=lambda each: (each.version, _begins(each))):
        if seen.plural == "pods":
            here.take_pod(seen)
        if seen.plural != "jobs" or TOMBSTONE in _labels(seen.obj):
            continue
        plan, uid = _labels(seen.obj).get(PLAN, ""), seen.obj["metadata"]["uid"]
        others = here.runs(plan) - {_name(seen.obj)}
        if uid not in known and not _is_finished(seen.obj) and len(others) >= limits.get(plan, len(others) + 1):
            found.append(f"{_name(seen.obj)} started at {seen.version} beside {sorted(others)}")
        known.add(uid)
        here.take_job(seen)
    return found


def started_twice(log: Iterable[Seen]) -> list[str]:
    """Return the names under which more than one Job was made that is no tombstone."""
    uids: dict[str, set[str]] = defaultdict(set)
    for seen in log:
        if seen.plural == "jobs" and TOMBSTONE not in _labels(seen.obj):
            uids[_name(seen.obj)].add(seen.obj["metadata"]["uid"])
    return [f"{name} was started {len(found)} times" for name, found in uids.items() if len(found) > 1]


def changed_ends(log: Iterable[Seen]) -> list[str]:
    """Return the executions whose end was another one later, or none."""
    ends: dict[str, str] = {}
    found = []
    for seen in log:
        if seen.plural != "launchplanexecutions" or seen.deleted:
            continue
        uid, phase = seen.obj["metadata"]["uid"], _phase(seen.obj)
        if ends.get(uid, phase) != phase:
            found.append(f"{_name(seen.obj)} ended as {ends[uid]} and became {phase}")
        if phase in _ENDS:
            ends[uid] = phase
    return found


def not_ended(executions: Iterable[Object]) -> list[str]:
    """Return the executions that have not ended."""
    return [f"{_name(each)} is still {_phase(each) or 'new'}" for each in executions if _phase(each) not in _ENDS]


def wrong_slots(
    plan: str,
    slots: Sequence[str],
    executions: Iterable[Object],
    counts: Mapping[str, int],
    *,
    all_start: bool,
    later: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> list[str]:
    """Return what is wrong with the slots of a plan: names with several outcomes or none.

    Args:
        plan: its name.
        slots: the names of all slots that came before anybody ended the schedule.
        executions: all executions of the plan.
        counts: what the plan says it counted.
        all_start: whether each of these slots has to have been started.
        later: slots that came before the end of the schedule was seen: they may have been missed.
        left_out: slots that Kubernetes' own controller, which stood still, may have passed by: they are unknown then.
    """
    made = Counter(_name(each) for each in executions)
    without, doubtful = ([name for name in names if name not in made] for names in (slots, later))
    counted = counts.get("missed", 0) + counts.get("unknown", 0)
    found = [f"{name} has {count} executions" for name, count in made.items() if count > 1]
    if not len(without) <= counted <= len(without) + len(doubtful):
        found.append(f"{plan}: {counted} slots are counted as missed or unknown, without a run are {without}")
    unknown = counts.get("unknown", 0)
    lost = set(without) - set(left_out)
    if all_start and (lost or unknown != len(without) or set(counts) - {"started", "succeeded", "missed", "unknown"}):
        found.append(f"{plan}: expected every slot to start, found {dict(counts)}, without a run are {without}")
    return found


def came_in(slot: datetime | None, outages: Iterable[tuple[datetime, datetime]]) -> bool:
    """Return whether a slot came while Kubernetes' own controllers stood still, or so shortly before that they were at it."""
    return slot is not None and any(start - _AT_IT <= slot <= end for start, end in outages)


def wrong_counts(plan: str, executions: Sequence[Object], counts: Mapping[str, int]) -> list[str]:
    """Return where a plan's counts are not what its executions are."""
    totals = Counter(field for each in executions for field in _fields(each))
    found = {name: counts.get(name, 0) for name in ("started", "expired", "skipped", "rejected", *_COUNTS.values())}
    expected = {name: totals.get(name, 0) for name in found}
    return [f"{plan}: counted {found}, expected {expected}"] if found != expected else []


def _fields(execution: Object) -> Iterator[str]:
    status = execution.get("status", {})
    reason = next((each["reason"] for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
    phase = status.get("phase")
    if phase == "Skipped":
        yield "expired" if reason == "QueueExpired" else "skipped"
    elif phase == "Rejected":
        yield "rejected"
    else:
        yield _COUNTS.get(phase, "")
    if "jobRef" in status:
        yield "started"


def _begins(seen: Seen) -> bool:
    return seen.plural == "jobs" and not seen.deleted and not _is_finished(seen.obj)


def _is_finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions", ())
    return any(each["type"] in {"Complete", "Failed"} and each["status"] == "True" for each in conditions)


def _labels(obj: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return labels


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _phase(obj: Object) -> str:
    return str(obj.get("status", {}).get("phase") or "")
