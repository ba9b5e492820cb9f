"""When a plan has slots: a cron text in a zone, or a rate; from a start, until an end, with jitter.

A timetable has one text, for people and for a plan's status, from which it can be read again: how the slots of a
schedule are known after the spec has changed.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.schedule import STARTING_DEADLINE_SECONDS
from launchplan_operator.decide.cron import Cron, CronError, parse_cron
from launchplan_operator.decide.cron_zones import find_zone
from launchplan_operator.decide.instants import to_instant

#: A slot that was not started this long after its time, and its jitter, is late.
STARTING_DEADLINE: Final = timedelta(seconds=STARTING_DEADLINE_SECONDS)
_DEADLINE: Final = format_go_duration(STARTING_DEADLINE)
_MINUTE: Final = timedelta(minutes=1)
_NOTHING: Final = timedelta(0)
#: The units of a rate, largest first.
UNITS: Final = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": _MINUTE}
_RATE_TEXT: Final = re.compile(r"every ([0-9]{1,9}) (minute|hour|day)s?", re.ASCII)
_TEXT: Final = re.compile(
    r"(?P<timing>.+?)(?: from (?P<start>[^ ,]+))?(?: until (?P<end>[^ ,]+))?"
    r"(?:, jitter (?P<jitter>[^ ,]+))?(?:, deadline (?P<deadline>[^ ,]+))?"
)


@dataclass(frozen=True, slots=True)
class CronTiming:
    """A cron text in normal form, and the zone in whose local time it is read.

    Attributes:
        text: what a CronJob's `schedule` gets.
        zone: what its `timeZone` gets.
        cron: the text's meaning; never a rate.
        clock: the zone's rules.
    """

    text: str
    zone: str
    cron: Cron = field(repr=False, compare=False)
    clock: ZoneInfo = field(repr=False, compare=False)

    def describe(self) -> str:
        """Return text and zone in one."""
        return f"{self.text} {self.zone}"


@dataclass(frozen=True, slots=True)
class RateTiming:
    """One slot every so often, in whole minutes, counted from the timetable's start, else from the Unix epoch."""

    every: timedelta

    def describe(self) -> str:
        """Return the rate in its largest whole unit."""
        unit = next(unit for unit, length in UNITS.items() if self.every % length == _NOTHING)
        count = self.every // UNITS[unit]
        return f"every {count} {unit}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a plan has slots, and how long after its time a slot may start.

    Attributes:
        start: no slot is before this whole minute.
        end: no slot is at this whole minute or later.
        jitter: a slot starts up to this much, exclusively, after its time.
        deadline: a slot that did not start this long after that is late.
    """

    timing: CronTiming | RateTiming
    start: datetime | None = None
    end: datetime | None = None
    jitter: timedelta = _NOTHING
    deadline: timedelta = STARTING_DEADLINE

    def describe(self) -> str:
        """Return all of it in one text, for people and for `read_described`."""
        parts = [self.timing.describe()]
        parts += [f" from {_bound_text(self.start)}"] if self.start else []
        parts += [f" until {_bound_text(self.end)}"] if self.end else []
        parts += [f", jitter {format_go_duration(self.jitter)}"] if self.jitter else []
        parts += [f", deadline {format_go_duration(self.deadline)}"] if self.deadline != STARTING_DEADLINE else []
        return "".join(parts)


@lru_cache(maxsize=4096)
def read_timetable(text: str, zone: str) -> Timetable | None:
    """Return when a CronJob with this schedule and time zone fires, or None where only its controller knows."""
    cron, clock = parse_cron(text), find_zone(zone)
    if isinstance(cron, CronError) or cron.every or clock is None:
        return None
    return Timetable(CronTiming(cron.text, zone, cron, clock))


def read_described(text: str) -> Timetable | None:
    """Return the timetable that described itself so, or None for another text, or one in which no zone is known."""
    found = _TEXT.fullmatch(text)
    timing = _read_timing(found["timing"]) if found else None
    if found is None or timing is None:
        return None
    try:
        start, end = (to_instant(found[name]) if found[name] else None for name in ("start", "end"))
    except ValueError:
        return None
    jitter, deadline = parse_go_duration(found["jitter"] or "0s"), parse_go_duration(found["deadline"] or _DEADLINE)
    return Timetable(timing, start, end, jitter, deadline) if jitter is not None and deadline is not None else None


def cron_text_of(timetable: Timetable) -> tuple[str, str] | None:
    """Return the cron text and the zone of a CronJob with just these slots, or None where no CronJob has them."""
    timing = timetable.timing
    if isinstance(timing, CronTiming) and timetable == Timetable(timing):
        return timing.text, timing.zone
    return None


def schedule_hash(timetable: Timetable) -> str:
    """Return ten hexadecimal digits that are the same for schedules with the same slots, jitter and deadline."""
    kept = cron_text_of(timetable)
    content = "\n".join(kept) if kept else timetable.describe()
    return hashlib.sha256(content.encode()).hexdigest()[:10]


def even_rate(every: timedelta) -> CronTiming | None:
    """Return the cron text (in UTC) with the times of a rate from the Unix epoch, or None where none has them."""
    minutes, hours = every // _MINUTE, every // UNITS["hour"]
    if every == UNITS["day"]:
        return _timing("0 0 * * *")
    if UNITS["hour"] % every == _NOTHING:
        return _timing(f"*/{minutes} * * * *")
    if every % UNITS["hour"] == UNITS["day"] % every == _NOTHING:
        return _timing(f"0 */{hours} * * *")
    return None


def _timing(text: str) -> CronTiming | None:
    table = read_timetable(text, "UTC")
    return table.timing if table and isinstance(table.timing, CronTiming) else None


def _read_timing(text: str) -> CronTiming | RateTiming | None:
    rate = _RATE_TEXT.fullmatch(text)
    if rate is not None:
        return RateTiming(int(rate[1]) * UNITS[rate[2]]) if int(rate[1]) else None
    cron, _, zone = text.rpartition(" ")
    table = read_timetable(cron, zone)
    return table.timing if table else None


def _bound_text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
