"""When a schedule fires next: what the CronJob engine keeps, and the rates that it cannot keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count as counting
from itertools import islice
from typing import Any, Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.schedule import RateUnit, Schedule
from launchplan_operator.decide.cron import Cron, parse_cron
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.schedule import Timetable, dst_warnings, next_slots, read_schedule

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {
    RateUnit.Minute: timedelta(minutes=1),
    RateUnit.Hour: timedelta(hours=1),
    RateUnit.Day: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Times:
    """The next slots in UTC and in order, and what the user should know about them."""

    times: list[datetime]
    warnings: list[str]

    def data(self) -> dict[str, Any]:
        """Return them as `-o json` shows them."""
        return {"times": [instant_text(time) for time in self.times], "warnings": self.warnings}


def find_times(schedule: Schedule, after: datetime, count: int) -> Times | tuple[Finding, ...]:
    """Return the next `count` slots after an aware instant, or everything that is wrong with the schedule.

    A rate that the CronJob engine cannot keep is told from the Unix epoch on, with a warning, unless the plan insists
    on that engine.
    """
    read = read_schedule(schedule)
    if isinstance(read, Timetable):
        return Times(next_slots(read, after, count), dst_warnings(read, after))
    every = rate_of(schedule)
    hard = tuple(finding for finding in read if finding.reason is not Reason.EngineCannotServe)
    if hard or every is None or schedule.engine == "CronJob":
        return hard or read
    return Times(list(islice(_rate_slots(every, after), count)), [f"{each.reason}: {each.message}" for each in read])


def rate_of(schedule: Schedule) -> timedelta | None:
    """Return how far apart the slots of a fixed rate or of an @every are; None for other schedules."""
    if schedule.fixed_rate is not None:
        return schedule.fixed_rate.value * _UNITS[schedule.fixed_rate.unit]
    cron = parse_cron(schedule.cron or "")
    return cron.every or None if isinstance(cron, Cron) else None


def _rate_slots(every: timedelta, after: datetime) -> Iterator[datetime]:
    first = (after - _EPOCH) // every + 1
    for number in counting(first):
        try:
            yield _EPOCH + number * every
        except OverflowError:
            # The calendar ends with the year 9999.
            return
