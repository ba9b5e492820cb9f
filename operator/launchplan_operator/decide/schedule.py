"""A plan's schedule: what it means, and everything that is wrong with it by itself."""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any, Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.mending import Fix, set_field
from launchplan_operator.api.schedule import FixedRate, RateUnit, Schedule
from launchplan_operator.decide.cron import CronError, parse_cron
from launchplan_operator.decide.cron_fields import HOUR
from launchplan_operator.decide.cron_suggestions import suggest_cron, suggest_rate
from launchplan_operator.decide.cron_warnings import warn_of_change
from launchplan_operator.decide.cron_zones import clock_changes, zone_names
from launchplan_operator.decide.engine import choose_engine
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.jitter import jitter_of, plan_identity, smallest_gap
from launchplan_operator.decide.slottimes import (
    count_slots,
    latest_slots,
    next_slots,
    slot_name,
    slot_of_name,
    slots_between,
)
from launchplan_operator.decide.timetable import (
    STARTING_DEADLINE,
    CronTiming,
    RateTiming,
    Timetable,
    even_rate,
    read_described,
    read_timetable,
    schedule_hash,
)

__all__ = [
    "STARTING_DEADLINE",
    "CronTiming",
    "RateTiming",
    "Timetable",
    "count_slots",
    "dst_warnings",
    "jitter_of",
    "latest_slots",
    "next_slots",
    "plan_identity",
    "read_described",
    "read_schedule",
    "read_timetable",
    "schedule_hash",
    "slot_name",
    "slot_of_name",
    "slots_between",
]

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_UNITS: Final = {RateUnit.Minute: _MINUTE, RateUnit.Hour: timedelta(hours=1), RateUnit.Day: timedelta(days=1)}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Bounds in the calendar's first and last days are moved by a day or two, so that they are instants in every zone.
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)
_CRON_PATH: Final = "spec.schedule.cron"
_ZONE_PATH: Final = "spec.schedule.timeZone"
_WARNING_HORIZON: Final = timedelta(days=90)
_SPELLED_ALIKE: Final = 0.8
_MAX_WARNINGS: Final = 3


def read_schedule(schedule: Schedule) -> Timetable | tuple[Finding, ...]:
    """Return what a plan's schedule means, or everything that is wrong with it by itself.

    A start and an end count from the next whole minute on. A rate without a start that a cron text can say is that text.
    """
    timing = _read_timing(schedule)
    zone = None if schedule.time_zone in zone_names() else _zone_unknown(schedule.time_zone)
    if timing is None or isinstance(timing, Finding):
        return tuple(filter(None, (timing, zone)))
    table = Timetable(
        timing,
        _whole_minute(schedule.start_time),
        _whole_minute(schedule.end_time),
        _duration(schedule.jitter, timedelta(0)),
        _duration(schedule.starting_deadline, STARTING_DEADLINE),
    )
    findings = tuple(filter(None, (_engine(schedule, table), zone, _emptiness(table), _jitter(table))))
    return findings or table


def dst_warnings(timetable: Timetable, after: datetime, horizon: timedelta = _WARNING_HORIZON) -> list[str]:
    """Say which slots the clock changes within a horizon will skip or fire twice: three sentences at most.

    A schedule that fires in every hour of the day loses or repeats none that anybody would miss: nothing is said.
    """
    timing = timetable.timing
    if isinstance(timing, RateTiming) or timing.cron.hour == HOUR.all:
        return []
    first, last = max(after, timetable.start or after), min(after + horizon, timetable.end or _LAST)
    changes = clock_changes(timing.clock, first, last)
    sentences = (warn_of_change(timing.cron, timing.clock, change) for change in changes)
    return list(islice(chain.from_iterable(sentences), _MAX_WARNINGS))


def _read_timing(schedule: Schedule) -> CronTiming | RateTiming | Finding | None:
    """Return when the slots are, or what is wrong; None where that is the time zone alone."""
    if schedule.fixed_rate is not None:
        return _rate(schedule, schedule.fixed_rate.value * _UNITS[schedule.fixed_rate.unit])
    text = schedule.cron or ""
    cron = parse_cron(text)
    if isinstance(cron, CronError):
        return Finding(Reason.CronInvalid, f"{cron.message}, in {text!r}", _CRON_PATH, cron.hint, fix=_cron_fix(text))
    if cron.every:
        return _too_fine(text, cron.every) or _rate(schedule, cron.every)
    if not cron.can_fire:
        message = f"found {text!r}, expected a date that comes within five years"
        hint = "its fields fit no day of the calendar"
        return Finding(Reason.CronNeverFires, message, _CRON_PATH, hint, fix=_cron_fix(text))
    table = read_timetable(text, schedule.time_zone)
    return table.timing if table else None


def _rate(schedule: Schedule, every: timedelta) -> CronTiming | RateTiming:
    even = even_rate(every) if schedule.start_time is None else None
    return even or RateTiming(every)


def _too_fine(text: str, every: timedelta) -> Finding | None:
    if every % _MINUTE == timedelta(0):
        return None
    rate = suggest_rate(FixedRate(value=max(1, min(every // _MINUTE, 100_000)), unit=RateUnit.Minute))
    message = f"found {text!r}, which Kubernetes reads as {every // _SECOND} s, expected whole minutes"
    fix = _schedule_fix(cron=f"@every {rate.value}m")
    return Finding(Reason.CronTooFine, message, _CRON_PATH, "@every 1m is the finest", fix=fix)


def _whole_minute(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    minute = _EPOCH - (_EPOCH - min(max(instant, _FIRST), _LAST)) // _MINUTE * _MINUTE
    return minute.astimezone(UTC)


def _duration(text: str | None, default: timedelta) -> timedelta:
    duration = parse_go_duration(text) if text is not None else None
    return default if duration is None else duration


def _engine(schedule: Schedule, table: Timetable) -> Finding | None:
    engine = choose_engine(schedule, table, limited=False)
    return engine if isinstance(engine, Finding) else None


def _emptiness(table: Timetable) -> Finding | None:
    """A schedule that has both bounds, and no slot between them, is a mistake from the start."""
    if table.start is None or table.end is None or slots_between(table, table.start - _SECOND, table.end, 1):
        return None
    message = f"found no slot from {instant_text(table.start)} until {instant_text(table.end)}, expected one at least"
    fix = _schedule_fix(endTime=None)
    return Finding(Reason.CronNeverFires, message, "spec.schedule.endTime", "the end itself is excluded", fix=fix)


def _jitter(table: Timetable) -> Finding | None:
    gap = smallest_gap(table)
    if gap is None or table.jitter < gap:
        return None
    found = f"found a jitter of {format_go_duration(table.jitter)}"
    message = f"{found}, expected less than {format_go_duration(gap)}, the shortest time between two slots"
    fix = _schedule_fix(jitter=format_go_duration(gap / 2))
    return Finding(
        Reason.JitterTooLong, message, "spec.schedule.jitter", "a slot starts before the next comes", fix=fix
    )


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
