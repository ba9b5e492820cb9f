"""Jitter: how much later than its time a slot starts, so that many plans of one time do not start at once."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from launchplan_operator.decide.cron import Cron
from launchplan_operator.decide.slottimes import next_slots
from launchplan_operator.decide.timetable import CronTiming, RateTiming, Timetable

_SECOND: Final = timedelta(seconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_NOTHING: Final = timedelta(0)
#: A clock that never changes, and an instant from which it is read: before the leap day of a year.
_WALL: Final = ZoneInfo("UTC")
_LEAP_YEAR: Final = datetime(2024, 1, 1, tzinfo=UTC)
#: More than two hours of every minute, and years of days.
_SAMPLE: Final = 200


def jitter_of(identity: str, slot: datetime, jitter: timedelta) -> timedelta:
    """Return how much later than its time a slot starts: always the same, less than `jitter`, and evenly spread.

    Args:
        identity: what distinguishes the plan from all others, on every cluster alike.
        slot: the slot's time, aware.
        jitter: the bound; from a second on, the result is in whole seconds.
    """
    unit = _SECOND if jitter >= _SECOND else _MICROSECOND
    choices = -(-jitter // unit)
    if choices < 1:
        return _NOTHING
    drawn = hashlib.sha256(f"{identity}\n{int(slot.timestamp())}".encode()).digest()
    return int.from_bytes(drawn) % choices * unit


def plan_identity(namespace: str, plan: str) -> str:
    """Return what a plan's jitter is drawn by: not the uid, so that the same manifests have the same times everywhere."""
    return f"{namespace}/{plan}"


def smallest_gap(timetable: Timetable) -> timedelta | None:
    """Return the shortest time between two slots by the calendar, whatever its clock changes do; None of a single slot.

    It does not depend on the present, so that a plan that is valid stays valid.
    """
    timing = timetable.timing
    return timing.every if isinstance(timing, RateTiming) else _calendar_gap(timing.cron)


@lru_cache(maxsize=4096)
def _calendar_gap(cron: Cron) -> timedelta | None:
    slots = next_slots(Timetable(CronTiming("", "UTC", cron, _WALL)), _LEAP_YEAR - _SECOND, _SAMPLE)
    return min((later - slot for slot, later in pairwise(slots)), default=None)
