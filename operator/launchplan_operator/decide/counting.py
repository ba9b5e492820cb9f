"""Counts that stay exact across crashes and removals.

An ended execution is counted in the plan's status together with its uid, then marked as counted itself; the uid leaves
the status once the mark was seen. Whatever is interrupted is done again without counting twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from launchplan_operator.api.conditions import Reason

#: How many uids a status holds, as its schema says.
MAX_UNCOUNTED = 1000

_FIELDS = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "TimedOut": "timedOut",
    "Aborted": "aborted",
    "Rejected": "rejected",
    "Skipped": "skipped",
}


@dataclass(frozen=True, slots=True)
class Countable:
    """An ended execution as the counts see it.

    Attributes:
        reason: why it ended so.
        started: whether it had a Job.
    """

    uid: str
    name: str
    phase: str
    counted: bool
    reason: str | None
    started: bool


@dataclass(frozen=True, slots=True)
class Counting:
    """The outcome.

    Attributes:
        counts: the new totals; a total of zero is left out.
        uncounted: uids that are in the totals but not yet known to be marked.
        to_mark: names of the executions to mark once the totals are written.
        complete: whether the totals hold every ended execution.
        new: names of the executions that the totals did not hold before; each is new once, whatever is interrupted.
    """

    counts: Mapping[str, int]
    uncounted: tuple[str, ...]
    to_mark: tuple[str, ...]
    complete: bool = True
    new: tuple[str, ...] = ()


def count_executions(
    counts: Mapping[str, int],
    uncounted: Iterable[str],
    ended: Iterable[Countable],
    *,
    slots: Mapping[str, int],
) -> Counting:
    """Return the totals after the ended executions and the slots that left no execution.

    Args:
        counts: the totals as they stand in the status.
        uncounted: the uids as they stand in the status.
        ended: all ended executions of the plan.
        slots: what to add for slots without an execution, by field.
    """
    known = set(uncounted)
    unmarked = (e for e in ended if not e.counted and e.phase in _FIELDS)
    # The status holds no more uids than the schema allows; the rest is counted by the next looks.
    pending = sorted(unmarked, key=lambda e: (e.uid not in known, e.name))
    open_ = pending[:MAX_UNCOUNTED]
    new = [e for e in open_ if e.uid not in known]
    more = Counter(slots)
    more.update(chain.from_iterable(map(_fields_of, new)))
    totals = {field: counts.get(field, 0) + more[field] for field in sorted({*counts, *more})}
    return Counting(
        counts={field: total for field, total in totals.items() if total},
        uncounted=tuple(e.uid for e in open_),
        to_mark=tuple(e.name for e in open_),
        complete=len(pending) == len(open_),
        new=tuple(e.name for e in new),
    )


def _fields_of(execution: Countable) -> Iterator[str]:
    """Yield the totals that an ended execution adds to: one for how it ended, and one for having started."""
    expired = execution.phase == "Skipped" and execution.reason == Reason.QueueExpired
    yield "expired" if expired else _FIELDS[execution.phase]
    if execution.started:
        yield "started"
