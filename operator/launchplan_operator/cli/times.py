"""When a schedule fires next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.schedule import Timetable, dst_warnings, next_slots, read_schedule


@dataclass(frozen=True, slots=True)
class Times:
    """The next slots in UTC and in order, and what the user should know about them."""

    times: list[datetime]
    warnings: list[str]

    def data(self) -> dict[str, Any]:
        """Return them as `-o json` shows them."""
        return {"times": [instant_text(time) for time in self.times], "warnings": self.warnings}


def find_times(schedule: Schedule, after: datetime, count: int) -> Times | tuple[Finding, ...]:
    """Return the next `count` slots after an aware instant, or everything that is wrong with the schedule."""
    read = read_schedule(schedule)
    return Times(next_slots(read, after, count), dst_warnings(read, after)) if isinstance(read, Timetable) else read
