"""Time zones from one database, that of the tzdata package, and the changes of their clocks.

`ZoneInfo(name)` would prefer whatever database the machine has; two replicas on different images could then disagree
about a slot. Read from the package, a zone's rules are as old as the installed package and the same everywhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """An instant (UTC) at which a zone's wall clock leaps, and what it shows on either side (naive)."""

    at: datetime
    before: datetime
    after: datetime


@cache
def zone_names() -> frozenset[str]:
    """Return all names in the database; case counts."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


def find_zone(name: str) -> ZoneInfo | None:
    """Return a zone by its IANA name, or nothing: for paths, `Local`, other cases and the empty text too."""
    return _load_zone(name) if name in zone_names() else None


def clock_changes(clock: ZoneInfo, after: datetime, until: datetime) -> list[ClockChange]:
    """Return the changes after one instant and up to another (aware), in order."""
    changes: list[ClockChange] = []
    start = after.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while start <= until:
        changes += (change for change in _changes_of_month(clock, start) if after < change.at <= until)
        start = _next_month(start)
    return changes


@cache
def _load_zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@lru_cache(maxsize=4096)
def _changes_of_month(clock: ZoneInfo, start: datetime) -> tuple[ClockChange, ...]:
    days = (start + day * _DAY for day in range((_next_month(start) - start).days))
    return tuple(_find_change(clock, day) for day in days if _offset(clock, day) != _offset(clock, day + _DAY))


def _find_change(clock: ZoneInfo, day: datetime) -> ClockChange:
    low, high, old = day, day + _DAY, _offset(clock, day)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (middle, high) if _offset(clock, middle) == old else (low, middle)
    at = high.replace(tzinfo=None)
    return ClockChange(high, at + old, at + _offset(clock, high))


def _offset(clock: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(clock).utcoffset() or timedelta(0)


def _next_month(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
