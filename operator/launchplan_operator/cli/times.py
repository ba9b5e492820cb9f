"""When a schedule fires next."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.durations import format_go_duration
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.schedule import Timetable, dst_warnings, jitter_of, next_slots, read_schedule


@dataclass(frozen=True, slots=True)
class Times:
    """The next slots in UTC and in order, and what the user should know about them.

    Attributes:
        starts: when each slot starts, where the schedule has jitter and it is known by what it is drawn.
    """

    times: list[datetime]
    warnings: list[str]
    starts: list[datetime] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """Return them as `-o json` shows them."""
        starts = {"starts": [instant_text(start) for start in self.starts]} if self.starts else {}
        return {"times": [instant_text(time) for time in self.times], **starts, "warnings": self.warnings}


def find_times(
    schedule: Schedule, after: datetime, count: int, identity: str | None = None
) -> Times | tuple[Finding, ...]:
    """Return the next `count` slots after an aware instant, or everything that is wrong with the schedule.

    Args:
        schedule: the schedule.
        after: the slots' times are after it.
        count: how many.
        identity: what the plan's jitter is drawn by, where that is known.
    """
    read = read_schedule(schedule)
    if not isinstance(read, Timetable):
        return read
    times, warnings = next_slots(read, after, count), dst_warnings(read, after)
    if not read.jitter:
        return Times(times, warnings)
    if identity is None:
        bound = format_go_duration(read.jitter)
        return Times(times, [*warnings, f"each starts up to {bound} later; how much depends on the namespace"])
    return Times(times, warnings, [time + jitter_of(identity, time, read.jitter) for time in times])
