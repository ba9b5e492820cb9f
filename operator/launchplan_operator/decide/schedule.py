"""A plan's schedule: whether the engine can keep it, when it fires, and what its slots are called.

The one engine is Kubernetes' CronJob controller, so a schedule is one cron text and one time zone. A rate is anchored
at the Unix epoch, whatever the zone, and is kept by the cron text that has the same times in UTC.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain, islice, takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, set_field
from launchplan_operator.api.schedule import STARTING_DEADLINE_SECONDS, FixedRate, RateUnit, Schedule
from launchplan_operator.decide.cron import Cron, CronError, matches, next_after, parse_cron
from launchplan_operator.decide.cron_fields import HOUR
from launchplan_operator.decide.cron_suggestions import suggest_cron, suggest_rate
from launchplan_operator.decide.cron_warnings import warn_of_change
from launchplan_operator.decide.cron_zones import clock_changes, find_zone, zone_names

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_UNITS: Final = {RateUnit.Minute: _MINUTE, RateUnit.Hour: _HOUR, RateUnit.Day: _DAY}
_CRON_PATH: Final = "spec.schedule.cron"
_ZONE_PATH: Final = "spec.schedule.timeZone"
_RATES: Final = "minutes that divide an hour, hours that divide a day, or one day"
#: The `startingDeadlineSeconds` of our CronJobs.
_DEADLINE: Final = timedelta(seconds=STARTING_DEADLINE_SECONDS)
_WARNING_HORIZON: Final = timedelta(days=90)
_SPELLED_ALIKE: Final = 0.8
_MAX_WARNINGS: Final = 3
#: Doubled so often, a minute is eight years: the longest that a yearly date, 29 February, stays away.
_DOUBLINGS: Final = 22
#: A slot's number has seven digits from 1971 and ten only in 3871.
_SLOT_NUMBER: Final = re.compile(r"[1-9][0-9]{6,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a plan fires: a cron text in normal form, and the zone in whose local time it is read.

    Attributes:
        text: what a CronJob's `schedule` gets.
        zone: what its `timeZone` gets.
        cron: the text's meaning.
        clock: the zone's rules.
    """

    text: str
    zone: str
    cron: Cron = field(repr=False)
    clock: ZoneInfo = field(repr=False, compare=False)

    def describe(self) -> str:
        """Return text and zone in one, for people."""
        return f"{self.text} {self.zone}"


def read_schedule(schedule: Schedule) -> Timetable | tuple[Finding, ...]:
    """Return what a plan's schedule means, or everything that is wrong with it."""
    rate, zone = schedule.fixed_rate, schedule.time_zone
    read = _read_rate(rate) if rate else _read_cron(schedule.cron or "", zone)
    table = None if isinstance(read, Finding) else read_timetable(*read)
    problems = (read, None if zone in zone_names() else _zone_unknown(zone))
    findings = tuple(problem for problem in problems if isinstance(problem, Finding))
    return findings if findings or table is None else table


@lru_cache(maxsize=4096)
def read_timetable(text: str, zone: str) -> Timetable | None:
    """Return when a CronJob with this schedule and time zone fires, or None where only its controller knows."""
    cron, clock = parse_cron(text), find_zone(zone)
    if isinstance(cron, CronError) or cron.every or clock is None:
        return None
    return Timetable(cron.text, zone, cron, clock)


def next_slots(timetable: Timetable, after: datetime, count: int) -> list[datetime]:
    """Return the next slots after an aware instant, in UTC and in order; fewer than `count` if they end."""
    return list(islice(_slots(timetable, after), count))


def slots_between(
    timetable: Timetable, after_exclusive: datetime, until_inclusive: datetime, limit: int
) -> list[datetime]:
    """Return the slots after one aware instant and up to another, in UTC; the oldest `limit` of them."""
    slots = takewhile(lambda slot: slot <= until_inclusive, _slots(timetable, after_exclusive))
    return list(islice(slots, limit))


def latest_slot_at_or_before(timetable: Timetable, instant: datetime) -> datetime | None:
    """Return the last slot that is not after an aware instant, or None if there was none for eight years."""

    def slot_since(start: datetime) -> datetime | None:
        slot = next(_slots(timetable, start), None)
        return slot if slot and slot <= instant else None

    starts = (instant - 2**power * _MINUTE for power in range(_DOUBLINGS + 1))
    latest = next(filter(None, map(slot_since, starts)), None)
    end = instant
    while latest and end - latest >= _MINUTE:
        middle = latest + (end - latest) / 2
        slot = slot_since(middle)
        latest, end = (slot, end) if slot else (latest, middle)
    return latest


def dst_warnings(timetable: Timetable, after: datetime, horizon: timedelta = _WARNING_HORIZON) -> list[str]:
    """Say which slots the clock changes within a horizon will skip or fire twice: three sentences at most.

    A schedule that fires in every hour of the day loses or repeats none that anybody would miss: nothing is said.
    """
    if timetable.cron.hour == HOUR.all:
        return []
    changes = clock_changes(timetable.clock, after, after + horizon)
    sentences = (warn_of_change(timetable.cron, timetable.clock, change) for change in changes)
    return list(islice(chain.from_iterable(sentences), _MAX_WARNINGS))


def schedule_hash(timetable: Timetable) -> str:
    """Return ten hexadecimal digits that are the same for texts with the same meaning in the same zone."""
    return hashlib.sha256(f"{timetable.text}\n{timetable.zone}".encode()).hexdigest()[:10]


def slot_name(plan: str, slot: datetime) -> str:
    """Return the name that a slot's Job and execution share, and that the CronJob controller gives the Job."""
    return f"{plan}-{int(slot.timestamp()) // 60}"


def slot_of_name(plan: str, name: str) -> datetime | None:
    """Return the slot (UTC) that a name of a plan's Job or execution stands for, or None if it stands for none."""
    prefix, _, number = name.rpartition("-")
    if prefix != plan or not _SLOT_NUMBER.fullmatch(number):
        return None
    return datetime.fromtimestamp(int(number) * 60, UTC)


def _slots(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    cron, clock = timetable.cron, timetable.clock
    slot = next_after(cron, clock, after)
    while slot:
        if matches(cron, slot.astimezone(clock)) or _is_found_looking_back(timetable, slot):
            yield slot
        slot = next_after(cron, clock, slot)


def _is_found_looking_back(timetable: Timetable, slot: datetime) -> bool:
    """Tell whether the CronJob controller, awake at a stop of its walk, starts it.

    Over a gap at midnight the walk can run into the next day and stop there at the right hour of the wrong day. The
    controller wakes for that, but then walks anew from its deadline ago, and as a rule finds nothing to start.
    """
    return next_after(timetable.cron, timetable.clock, slot - _DEADLINE) == slot


def _read_cron(text: str, zone: str) -> tuple[str, str] | Finding:
    cron = parse_cron(text)
    if isinstance(cron, CronError):
        return Finding(Reason.CronInvalid, f"{cron.message}, in {text!r}", _CRON_PATH, cron.hint, fix=_cron_fix(text))
    if cron.every:
        return _read_every(text, cron.every)
    if not cron.can_fire:
        message = f"found {text!r}, expected a date that comes within five years"
        hint = "its fields fit no day of the calendar"
        return Finding(Reason.CronNeverFires, message, _CRON_PATH, hint, fix=_cron_fix(text))
    return text, zone


def _read_every(text: str, every: timedelta) -> tuple[str, str] | Finding:
    if every % _MINUTE:
        seconds = every // timedelta(seconds=1)
        message = f"found {text!r}, which Kubernetes reads as {seconds} s, expected whole minutes"
        fix = _schedule_fix(cron=f"@every {_nearest_minutes(every)}m")
        return Finding(Reason.CronTooFine, message, _CRON_PATH, "@every 1m is the finest", fix=fix)
    fix = _schedule_fix(cron=f"@every {_nearest_minutes(every)}m")
    return _keep_rate(every, repr(text), _CRON_PATH, fix)


def _read_rate(rate: FixedRate) -> tuple[str, str] | Finding:
    fix = _schedule_fix(fixedRate=suggest_rate(rate).model_dump(mode="json"))
    found = f"the rate {rate.value} {rate.unit}"
    return _keep_rate(rate.value * _UNITS[rate.unit], found, "spec.schedule.fixedRate", fix)


def _nearest_minutes(every: timedelta) -> int:
    return suggest_rate(FixedRate(value=max(1, every // _MINUTE), unit=RateUnit.Minute)).value


def _keep_rate(every: timedelta, found: str, path: str, fix: Fix) -> tuple[str, str] | Finding:
    """Return the cron text with a rate's times, and UTC; as the CronJob engine has no other way, else a finding."""
    minutes, hours = every // _MINUTE, every // _HOUR
    if every == _DAY:
        return "0 0 * * *", "UTC"
    if _HOUR % every == timedelta(0):
        return f"*/{minutes} * * * *", "UTC"
    if every % _HOUR == _DAY % every == timedelta(0):
        return f"0 */{hours} * * *", "UTC"
    message = f"found {found}, expected {_RATES}: the CronJob engine keeps no other rate"
    return Finding(Reason.EngineCannotServe, message, path, "use one of these, or a cron text", fix=fix)


def _cron_fix(text: str) -> Fix:
    cron, zone = suggest_cron(text)
    return _schedule_fix(cron=cron, **({"timeZone": zone} if zone in zone_names() else {}))


def _schedule_fix(**fields: Any) -> Fix:
    return set_field(fields, "spec", "schedule")


def _zone_unknown(zone: str) -> Finding:
    close = get_close_matches(zone, sorted(zone_names()), n=1, cutoff=_SPELLED_ALIKE) if "/" in zone else []
    hint = f"did you mean {close[0]}?" if close else "for example Europe/Berlin"
    message = f"found {zone!r}, expected a name of the IANA time zone database"
    fix = _schedule_fix(timeZone=close[0] if close else "UTC")
    return Finding(Reason.TimeZoneUnknown, message, _ZONE_PATH, hint, fix=fix)
