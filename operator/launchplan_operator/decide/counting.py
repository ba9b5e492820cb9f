"""Counts that stay exact across crashes and removals.

An ended execution is counted in the plan's status together with its uid, then marked as counted itself; the uid leaves
the status once the mark was seen. Whatever is interrupted is done again without counting twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: How many uids a status holds, as its schema says.
MAX_UNCOUNTED = 1000

_FIELDS = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "TimedOut": "timedOut",
    "Aborted": "aborted",
    "Rejected": "rejected",
}


@dataclass(frozen=True, slots=True)
class Countable:
    """An ended execution as the counts see it."""

    uid: str
    name: str
    phase: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Counting:
    """The outcome.

    Attributes:
        counts: the new totals; a total of zero is left out.
        uncounted: uids that are in the totals but not yet known to be marked.
        to_mark: names of the executions to mark once the totals are written.
        complete: whether the totals hold every ended execution.
    """

    counts: Mapping[str, int]
    uncounted: tuple[str, ...]
    to_mark: tuple[str, ...]
    complete: bool = True


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
    more = Counter(slots)
    more.update(_FIELDS[e.phase] for e in open_ if e.uid not in known)
    totals = {field: counts.get(field, 0) + more[field] for field in sorted({*counts, *more})}
    return Counting(
        counts={field: total for field, total in totals.items() if total},
        uncounted=tuple(e.uid for e in open_),
        to_mark=tuple(e.name for e in open_),
        complete=len(pending) == len(open_),
    )
