"""The next time of a cron text: the walk of robfig/cron's `SpecSchedule.Next`, step for step.

Kubernetes starts Jobs when that walk says so, and around clock changes the walk is the only definition. East of
Greenwich it passes over a day that begins with a gap, unless it comes from the day before; elsewhere it can run over
such a gap into the next day and stop there as if that day fitted; after a change by half an hour it misses the first
minutes of an hour. So it is followed literally, with two liberties: from midnight, days that do not fit are left out at
once, for it does not matter from which day a clock is turned to a later one; and hours or minutes are left out at once
where the zone's offset is the same at both ends.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from launchplan_operator.decide.cron_sets import Cron

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOON: Final = 12
#: The walk gives up after the fifth year from its start.
_YEARS: Final = 5


def next_after(cron: Cron, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first time after an aware instant, in UTC, or nothing if there is none within five years.

    A rate's times are the multiples of its period since the Unix epoch, whatever the zone.
    """
    if cron.every:
        return _EPOCH + ((after - _EPOCH) // cron.every + 1) * cron.every
    if not (cron.minute and cron.hour):
        return None
    clock = _Clock(zone, after)
    last_year = clock.local.year + _YEARS
    while clock.local.year <= last_year:
        if clock.seek_month(cron) and clock.seek_day(cron) and clock.seek_hour(cron) and clock.seek_minute(cron):
            return clock.utc.replace(tzinfo=UTC)
    return None


class _Clock:
    """An instant that only moves on, as `utc` and as `local` wall-clock time (both labelled with the zone).

    Each `seek` moves to the next value of one field and tells whether it got there without leaving the larger unit;
    if not, the search starts again from the month. `moved` says that the smaller fields were set to their start.
    """

    __slots__ = ("local", "moved", "utc", "zone")

    def __init__(self, zone: ZoneInfo, after: datetime) -> None:
        self.zone = zone
        self.moved = False
        self._set(after.astimezone(UTC).replace(tzinfo=zone, microsecond=0) + _SECOND)

    def seek_month(self, cron: Cron) -> bool:
        while not cron.month >> self.local.month & 1:
            if not self.moved:
                self.moved = True
                self._turn_to(self.local.replace(day=1, hour=0, minute=0, second=0))
            self._turn_to(_month_later(self.local))
            if self.local.month == 1:
                return False
        return True

    def seek_day(self, cron: Cron) -> bool:
        while not _matches_day(cron, self.local):
            if not self.moved:
                self.moved = True
                self._turn_to(self.local.replace(hour=0, minute=0, second=0))
            self._next_day(_days_ahead(cron, self.local) if self.local.hour == 0 else 1)
            if self.local.day == 1:
                return False
        return True

    def seek_hour(self, cron: Cron) -> bool:
        while not cron.hour >> self.local.hour & 1:
            if not self.moved:
                self.moved = True
                self._turn_to(self.local.replace(minute=0, second=0))
            self._add(_HOUR, _distance(cron.hour, self.local.hour, 24))
            if self.local.hour == 0:
                return False
        return True

    def seek_minute(self, cron: Cron) -> bool:
        while not cron.minute >> self.local.minute & 1:
            if not self.moved:
                self.moved = True
                self._set(self.utc.replace(second=0))
            self._add(_MINUTE, _distance(cron.minute, self.local.minute, 60))
            if self.local.minute == 0:
                return False
        return self._seek_second()

    def _seek_second(self) -> bool:
        if self.local.second == 0:
            return True
        self.moved = True
        self._add(_SECOND, 60 - self.local.second)
        return False

    def _next_day(self, days: int) -> None:
        start, begun = self.local, self.utc
        self._turn_to(start + days * _DAY)
        if self.local.hour > _NOON:
            self._set(self.utc + (24 - self.local.hour) * _HOUR)
        elif self.local.hour:
            self._set(self.utc - self.local.hour * _HOUR)
        if self.utc <= begun:
            # A day that the zone left out, as Samoa did at the end of 2011: there robfig's walk never ends.
            self._turn_to(start + 2 * _DAY)

    def _add(self, unit: timedelta, count: int) -> None:
        start, offset = self.utc, self.local - self.utc
        self._set(start + count * unit)
        if self.local - self.utc != offset:
            self._set(start + unit)

    def _turn_to(self, wall: datetime) -> None:
        """Go's time.Date: in a gap the clock reads an hour off, of a repeated time it is the one Go chooses."""
        guess = wall - (self.zone.fromutc(wall) - wall)
        self._set(wall - (self.zone.fromutc(guess) - guess))

    def _set(self, utc: datetime) -> None:
        self.utc = utc
        self.local = self.zone.fromutc(utc)


def _matches_day(cron: Cron, local: datetime) -> bool:
    return cron.matches_day(local.day, local.isoweekday() % 7)


def _month_later(local: datetime) -> datetime:
    first = local.replace(year=local.year + local.month // 12, month=local.month % 12 + 1, day=1)
    return first + (local.day - 1) * _DAY


def _distance(bits: int, value: int, end: int) -> int:
    """Return how far it is from a value that is not in the set to the next that is, or to the end."""
    above = bits >> value & ((1 << end - value) - 1)
    return (above & -above).bit_length() - 1 if above else end - value


def _days_ahead(cron: Cron, local: datetime) -> int:
    """Return how many days it is to the next that fits, or to the end of February, the shortest month."""
    weekday = local.isoweekday()
    for days in range(1, 28 - local.day):
        if cron.matches_day(local.day + days, (weekday + days) % 7):
            return days
    return max(1, 28 - local.day)
