"""What a clock change will do to a schedule: slots that are skipped, and slots that fire twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from launchplan_operator.decide.cron_sets import Cron
from launchplan_operator.decide.cron_walk import next_after
from launchplan_operator.decide.cron_zones import ClockChange, find_zone

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
#: The walk to a change starts a day before it, and an hour, should the days differ in length.
_RUN_UP: Final = timedelta(hours=25)
#: A walk that stops more often than this in the run-up stops at every hour, and passes over nothing.
_MOST_STOPS: Final = 3


def warn_of_change(cron: Cron, clock: ZoneInfo, change: ClockChange) -> Iterator[str]:
    """Yield a sentence for each way in which a change disturbs a schedule (of cron sets, not a rate)."""
    leap = f"the clock goes from {change.before:%H:%M} to {change.after:%H:%M}"
    missing = _wall_times(cron, change.before, change.after)
    if missing:
        yield _sentence(missing, clock, ("is skipped", "are skipped"), leap)
    passed = _passed_over(cron, clock, change)
    if passed:
        yield _sentence(passed, clock, ("is skipped", "are skipped"), f"Kubernetes passes over it when {leap}")
    twice = _wall_times(cron, change.after, change.before)
    if twice and not passed:
        yield _sentence(twice, clock, ("fires twice", "fire twice"), leap)


def _sentence(walls: list[datetime], clock: ZoneInfo, verbs: tuple[str, str], cause: str) -> str:
    first, last = walls[0], walls[-1]
    times, slots = (f"{first:%H:%M}", f"1 slot {verbs[0]}")
    if len(walls) > 1:
        times, slots = (f"{first:%H:%M} to {last:%H:%M}", f"{len(walls)} slots {verbs[1]}")
    return f"{times} on {first:%Y-%m-%d} in {clock.key}: {slots}, because {cause}"


def _wall_times(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    """Return the wall-clock times (naive) from `start` to before `end` that fit, existing or not."""
    times: list[datetime] = []
    at = start.replace(tzinfo=UTC) - _SECOND
    while (found := next_after(cron, _plain_clock(), at)) and found.replace(tzinfo=None) < end:
        times.append(found.replace(tzinfo=None))
        at = found
    return times


def _passed_over(cron: Cron, clock: ZoneInfo, change: ClockChange) -> list[datetime]:
    """Return the times after a change, on its day, that exist but that the walk, coming from before, does not find."""
    midnight = datetime.combine(change.after.date() + _DAY, time.min)
    first = next(iter(_wall_times(cron, change.after, midnight)), None)
    found = _first_stop_after(cron, clock, change.at)
    if first is None or found is None:
        return []
    reached = found.astimezone(clock).replace(tzinfo=None)
    return _wall_times(cron, first, min(reached, midnight))


def _first_stop_after(cron: Cron, clock: ZoneInfo, instant: datetime) -> datetime | None:
    stop = next_after(cron, clock, instant - _RUN_UP)
    for _ in range(_MOST_STOPS):
        if stop is None or stop >= instant:
            return stop
        stop = next_after(cron, clock, stop)
    return None


def _plain_clock() -> ZoneInfo:
    clock = find_zone("UTC")
    assert clock is not None  # noqa: S101 - the database always has it
    return clock
