"""The slots that a CronJob's past covers, and what became of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from launchplan_operator.api.schedule import STARTING_DEADLINE_SECONDS
from launchplan_operator.decide.schedule import Timetable, slot_name, slots_between

#: A slot that was not started this long after its time is late.
STARTING_DEADLINE = timedelta(seconds=STARTING_DEADLINE_SECONDS)
#: How long the end of a schedule waits for the CronJob controller to start a slot that has just come.
SETTLING = timedelta(seconds=10)
#: How many slots one look back covers; older ones are summed by the next looks.
MAX_SLOTS = 2000


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


def settling_slot(timetable: Timetable, base: datetime, now: datetime) -> datetime | None:
    """Return a slot that came moments ago and that the CronJob controller may still be starting, if any."""
    recent = slots_between(timetable, max(base, now - SETTLING), now, MAX_SLOTS)
    return recent[-1] if recent else None


def split_late(slots: Sequence[datetime], now: datetime) -> tuple[list[datetime], list[datetime]]:
    """Return the slots that can still start on time, and those that are late."""
    on_time = [slot for slot in slots if now - slot <= STARTING_DEADLINE]
    return on_time, [slot for slot in slots if now - slot > STARTING_DEADLINE]
