"""What a clock change will do to a schedule: slots that are skipped, and slots that fire twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from launchplan_operator.decide.cron_sets import Cron
from launchplan_operator.decide.cron_walk import next_after
from launchplan_operator.decide.cron_zones import ClockChange

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
#: A clock that never changes: wall-clock times are walked as if they were UTC.
_WALL: Final = ZoneInfo("UTC")
#: The walk to a change starts a day before it, and an hour, should the days differ in length.
_RUN_UP: Final = timedelta(hours=25)
#: A walk that stops more often than this in the run-up stops at every hour, and passes over nothing.
_MOST_STOPS: Final = 3


def warn_of_change(cron: Cron, clock: ZoneInfo, change: ClockChange) -> Iterator[str]:
    """Yield a sentence for each way in which a change disturbs a schedule (of cron sets, not a rate)."""
    leap = f"the clock goes from {_time(change.before, change.after)} to {_time(change.after, change.before)}"
    missing = _wall_times(cron, change.before, change.after)
    if missing:
        yield f"{_slots(missing, clock, 'is skipped', 'are skipped')}, because {leap}"
    passed = _passed_over(cron, clock, change)
    if passed:
        yield f"{_slots(passed, clock, 'is skipped', 'are skipped')}, passed over by Kubernetes when {leap}"
    twice = _wall_times(cron, change.after, change.before)
    if twice:
        yield f"{_slots(twice, clock, 'fires twice', 'fire twice')}, because {leap}"


def _slots(walls: list[datetime], clock: ZoneInfo, one: str, many: str) -> str:
    first, last = walls[0], walls[-1]
    place = f"on {first:%Y-%m-%d} in {clock.key}"
    if first == last:
        return f"{first:%H:%M} {place}: 1 slot {one}"
    return f"{first:%H:%M} to {last:%H:%M} {place}: {len(walls)} slots {many}"


def _time(wall: datetime, other: datetime) -> str:
    return f"{wall:%H:%M}" if wall.date() == other.date() else f"{wall:%Y-%m-%d %H:%M}"


def _wall_times(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    """Return the wall-clock times (naive) from `start` to before `end` that fit, existing or not."""
    times: list[datetime] = []
    at = start.replace(tzinfo=UTC) - _SECOND
    while (found := next_after(cron, _WALL, at)) and found.replace(tzinfo=None) < end:
        times.append(found.replace(tzinfo=None))
        at = found
    return times


def _passed_over(cron: Cron, clock: ZoneInfo, change: ClockChange) -> list[datetime]:
    """Return the times after a change, on its day, that exist but that the walk, coming from before, does not find."""
    found = _first_stop_after(cron, clock, change.at)
    if found is None:
        return []
    midnight = datetime.combine(change.after.date() + _DAY, time.min)
    return _wall_times(cron, change.after, min(found.astimezone(clock).replace(tzinfo=None), midnight))


def _first_stop_after(cron: Cron, clock: ZoneInfo, instant: datetime) -> datetime | None:
    stop = next_after(cron, clock, instant - _RUN_UP)
    for _ in range(_MOST_STOPS):
        if stop is None or stop >= instant:
            return stop
        stop = next_after(cron, clock, stop)
    return None
