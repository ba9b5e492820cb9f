"""The slots of a timetable: the next ones, those in a window, the latest of a window, and how many it has.

A window of a rate costs nothing, however long it is. One of a cron text costs one step of the walk for each local day
on which it fires, however often that is: from its first stop on a day, the rest of the day is read from the text, unless
the clock changes on it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, islice
from typing import Final

from launchplan_operator.decide.cron import matches, next_after
from launchplan_operator.decide.timetable import STARTING_DEADLINE, CronTiming, RateTiming, Timetable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_LAST_MINUTE: Final = 24 * 60 - 1
#: The calendar ends with the year 9999; its last days have no slots, so that every one has a local time in every zone.
_END: Final = datetime(9999, 12, 30, tzinfo=UTC)
#: A slot's number has seven digits from 1971 and ten only in 3871.
_SLOT_NUMBER: Final = re.compile(r"[1-9][0-9]{6,8}", re.ASCII)


def next_slots(timetable: Timetable, after: datetime, count: int) -> list[datetime]:
    """Return the next slots after an aware instant, in UTC and in order; fewer than `count` if they end."""
    return _instants(islice(chain.from_iterable(_blocks(timetable, after, None, count)), count))


def slots_between(
    timetable: Timetable, after_exclusive: datetime, until_inclusive: datetime, limit: int
) -> list[datetime]:
    """Return the slots after one aware instant and up to another, in UTC and in order; the oldest `limit` of them."""
    found = _blocks(timetable, after_exclusive, until_inclusive, limit)
    return _instants(islice(chain.from_iterable(found), limit))


def latest_slots(
    timetable: Timetable, after_exclusive: datetime, until_inclusive: datetime, count: int
) -> list[datetime]:
    """Return the slots after one aware instant and up to another, in UTC and in order; the newest `count` of them."""
    if count < 1:
        return []
    latest: list[int] = []
    for block in _blocks(timetable, after_exclusive, until_inclusive):
        latest = [*latest, *block[-count:]][-count:]
    return _instants(latest)


def count_slots(timetable: Timetable, after_exclusive: datetime, until_inclusive: datetime) -> int:
    """Return how many slots there are after one aware instant and up to another."""
    return sum(len(block) for block in _blocks(timetable, after_exclusive, until_inclusive))


def slot_name(plan: str, slot: datetime) -> str:
    """Return the name that a slot's Job and execution share, and that the CronJob controller gives the Job."""
    return f"{plan}-{int(slot.timestamp()) // 60}"


def slot_of_name(plan: str, name: str) -> datetime | None:
    """Return the slot (UTC) that a name of a plan's Job or execution stands for, or None if it stands for none."""
    prefix, _, number = name.rpartition("-")
    if prefix != plan or not _SLOT_NUMBER.fullmatch(number):
        return None
    return datetime.fromtimestamp(int(number) * 60, UTC)


def _blocks(
    timetable: Timetable, after: datetime, until: datetime | None, most: int = _LAST_MINUTE + 1
) -> Iterator[Sequence[int]]:
    """Yield the slots in a window as Unix seconds, in order and in parts, some of them empty, none longer than `most`."""
    low = _seconds(after if timetable.start is None else max(after, timetable.start - _SECOND))
    last = timetable.end - _SECOND if timetable.end else None
    high = min(_seconds(each) for each in (_END, *filter(None, (until, last))))
    timing = timetable.timing
    if isinstance(timing, RateTiming):
        yield _rate_slots(timing, timetable.start or _EPOCH, low, high)
        return
    for block in _days(timing, low, high, max(1, most)):
        yield block[: bisect_right(block, high)]


def _rate_slots(timing: RateTiming, start: datetime, low: int, high: int) -> range:
    every, anchor = timing.every // _SECOND, _seconds(start)
    first = anchor + ((low - anchor) // every + 1) * every
    return range(first, high + 1, every)


def _days(timing: CronTiming, low: int, high: int, most: int) -> Iterator[Sequence[int]]:
    stop = _next_stop(timing, low)
    while stop is not None and stop <= high:
        block = _rest_of_day(timing, stop, most)
        yield block
        stop = _next_stop(timing, block[-1] if block else stop)


def _next_stop(timing: CronTiming, after: int) -> int | None:
    try:
        stop = next_after(timing.cron, timing.clock, _instant(after))
    except (OverflowError, ValueError):
        return None
    return _seconds(stop) if stop is not None else None


def _rest_of_day(timing: CronTiming, stop: int, most: int) -> Sequence[int]:
    """Return the first slots from a stop of the walk to the end of its local day, or to the next stop; none, if it is none."""
    local = _instant(stop).astimezone(timing.clock)
    if not matches(timing.cron, local):
        return (stop,) if _is_found_looking_back(timing, stop) else ()
    minute = local.hour * 60 + local.minute
    end = _instant(stop + (_LAST_MINUTE - minute) * 60).astimezone(timing.clock)
    if end.utcoffset() != local.utcoffset():
        return (stop,)
    times = _times_of_day(timing.cron.minute, timing.cron.hour)
    first = bisect_left(times, minute)
    return [stop + (each - minute) * 60 for each in times[first : first + most]]


def _is_found_looking_back(timing: CronTiming, stop: int) -> bool:
    """Tell whether the CronJob controller, awake at a stop of its walk, starts it.

    Over a gap at midnight the walk can run into the next day and stop there at the right hour of the wrong day. The
    controller wakes for that, but then walks anew from its deadline ago, and as a rule finds nothing to start.
    """
    return _next_stop(timing, stop - STARTING_DEADLINE // _SECOND) == stop


@lru_cache(maxsize=4096)
def _times_of_day(minutes: int, hours: int) -> tuple[int, ...]:
    """Return the minutes of a day that two bit sets name, in order."""
    return tuple(
        hour * 60 + minute for hour in range(24) if hours >> hour & 1 for minute in range(60) if minutes >> minute & 1
    )


def _seconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _SECOND


def _instant(seconds: int) -> datetime:
    return _EPOCH + seconds * _SECOND


def _instants(seconds: Iterator[int] | Sequence[int]) -> list[datetime]:
    return [_instant(each) for each in seconds]
