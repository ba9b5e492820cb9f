"""The slots of the past: those that a CronJob covers and what became of each, and those that we are to start."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from launchplan_operator.decide.jitter import jitter_of
from launchplan_operator.decide.slottimes import count_slots, latest_slots, next_slots, slot_name, slots_between
from launchplan_operator.decide.timetable import STARTING_DEADLINE, Timetable

#: How long the end of a CronJob waits for its controller to start a slot that has just come.
SETTLING = timedelta(seconds=10)
#: How long before a slot the end of a CronJob waits: its controller might not hear of it in time, and start the slot.
LEAD = timedelta(seconds=2)
#: How many slots one look back covers; older ones are summed by the next looks.
MAX_SLOTS = 2000
#: How many slots one pass starts on time, and how many late ones it names: no more can be caught up.
MAX_DUE = 1000
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Past:
    """What a look back found.

    Attributes:
        until: the new high-water mark: the outcome of every slot up to it is known; None if it did not move.
        unexplained: slots up to it that left neither Job nor execution.
    """

    until: datetime | None = None
    unexplained: tuple[datetime, ...] = ()


def look_back(timetable: Timetable, plan: str, base: datetime, until: datetime, known: Collection[str]) -> Past:
    """Return the slots after `base` up to `until` that no name in `known` explains.

    Args:
        timetable: the schedule that was in force all that time.
        plan: the plan's name, of which slot names are made.
        base: the high-water mark so far.
        until: the latest slot that the CronJob started, or any later instant.
        known: names of the plan's Jobs and executions.
    """
    slots = slots_between(timetable, base, until, MAX_SLOTS)
    if not slots:
        return Past()
    return Past(slots[-1], tuple(slot for slot in slots if slot_name(plan, slot) not in known))


def slot_at_hand(timetable: Timetable, base: datetime, now: datetime, lead: timedelta = LEAD) -> datetime | None:
    """Return a slot that is about to come, or came moments ago and may still be being started, if any.

    A Job that the CronJob controller makes while its CronJob is being deleted is collected, and its run lost.

    Args:
        timetable: when the CronJob fires.
        base: the latest slot that it started, or an instant before which it started none.
        now: the present.
        lead: how soon a slot has to come.
    """
    near = slots_between(timetable, max(base, now - SETTLING), now + lead, 1)
    return near[0] if near else None


def split_late(slots: Sequence[datetime], now: datetime) -> tuple[list[datetime], list[datetime]]:
    """Return the slots that can still start on time, and those that are late."""
    on_time = [slot for slot in slots if now - slot <= STARTING_DEADLINE]
    return on_time, [slot for slot in slots if now - slot > STARTING_DEADLINE]


@dataclass(frozen=True, slots=True)
class DueSlots:
    """The slots that have come since a high-water mark, oldest first.

    Attributes:
        on_time: those that start now, a thousand at most; the others come with the next look.
        late: those before them that were not started in time, the newest thousand.
        older: how many more were late, before these.
        next_at: when the next slot is due; in the past if this look left some; None if no slot follows.
    """

    on_time: tuple[datetime, ...] = ()
    late: tuple[datetime, ...] = ()
    older: int = 0
    next_at: datetime | None = None

    @property
    def until(self) -> datetime | None:
        """The new high-water mark, once every slot has its outcome; None if it does not move."""
        return max((*self.on_time, *self.late), default=None)


def due_slots(timetable: Timetable, identity: str, base: datetime, now: datetime, deadline: timedelta) -> DueSlots:
    """Return the slots after `base` that are due by now.

    A slot is due at its time and its jitter, in order: none before those that precede it. It is late when it was due
    longer ago than the deadline.

    Args:
        timetable: the schedule in force since `base`.
        identity: what the plan's jitter is drawn by.
        base: the high-water mark, exclusive.
        now: the present.
        deadline: how long after it was due a slot still starts on time.
    """

    def due(slot: datetime) -> datetime:
        return slot + jitter_of(identity, slot, timetable.jitter)

    # Whatever its jitter, a slot up to here is late; which of those after it are, each one's own jitter says.
    late_until = max(base, now - deadline - timetable.jitter - _MOMENT)
    recent = slots_between(timetable, late_until, now, MAX_DUE + 1)
    come = list(takewhile(lambda slot: due(slot) <= now, recent[:MAX_DUE]))
    left = recent[len(come) :] or next_slots(timetable, max(base, now), 1)
    lately = [slot for slot in come if now - due(slot) > deadline]
    late = [*latest_slots(timetable, base, late_until, MAX_DUE), *lately]
    return DueSlots(
        on_time=tuple(slot for slot in come if now - due(slot) <= deadline),
        late=tuple(late[-MAX_DUE:]),
        older=max(0, count_slots(timetable, base, late_until) + len(lately) - MAX_DUE),
        next_at=due(left[0]) if left else None,
    )
