"""Which ended executions are removed, and when to look again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Nothing is removed earlier after its end was noted: a late write still meets the name occupied.
MINIMUM_AGE = timedelta(minutes=15)
_TOOLS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}
#: Labels and annotations by which Argo CD, Flux and Helm know their own; what bears one is theirs to remove.
TRACKING_MARKS = frozenset(_TOOLS)
_BUCKETS = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "TimedOut": "failed",
    "Aborted": "failed",
    "Skipped": "skipped",
    "Rejected": "skipped",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that ended: its name, phase, when it ended and that was noted, and its labels' and annotations' keys."""

    name: str
    phase: str
    at: datetime
    noted: datetime
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How many executions of each outcome are kept, and for how long at most."""

    succeeded: int
    failed: int
    skipped: int
    ttl: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """The names to remove now, oldest first, and the instant of the next removal if nothing else happens."""

    remove: tuple[str, ...] = ()
    next_at: datetime | None = None


def decide_retention(ended: Sequence[Ended], limits: HistoryLimits, now: datetime) -> Retention:
    """Return what is removed now and when the next is due."""
    due = sorted(_due_times(ended, limits), key=lambda item: (item[0], item[1]))
    remove = tuple(name for at, name in due if at <= now)
    return Retention(remove, next((at for at, _ in due if at > now), None))


def _due_times(ended: Sequence[Ended], limits: HistoryLimits) -> Iterable[tuple[datetime, str]]:
    kept = {"succeeded": limits.succeeded, "failed": limits.failed, "skipped": limits.skipped}
    for bucket, limit in kept.items():
        members = [e for e in ended if _BUCKETS.get(e.phase) == bucket and not e.marks & TRACKING_MARKS]
        newest_first = sorted(members, key=lambda e: (e.at, e.name), reverse=True)
        for place, item in enumerate(newest_first):
            if (due := _due_time(item, limits, surplus=place >= limit)) is not None:
                yield due, item.name


def _due_time(item: Ended, limits: HistoryLimits, *, surplus: bool) -> datetime | None:
    earliest = item.noted + MINIMUM_AGE
    if surplus:
        return earliest
    return max(earliest, item.at + limits.ttl) if limits.ttl is not None else None


def marks_of(metadata: Mapping[str, object]) -> frozenset[str]:
    """Return the keys of an object's labels and annotations."""
    found: set[str] = set()
    for field in ("labels", "annotations"):
        value = metadata.get(field)
        found |= set(value) if isinstance(value, dict) else set()
    return frozenset(found)


def tracker_of(metadata: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the tool that keeps an object in step with a repository, and the mark that says so; None if none does."""
    marks = marks_of(metadata)
    return next(((tool, mark) for mark, tool in _TOOLS.items() if mark in marks), None)
