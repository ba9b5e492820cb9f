"""Slots in windows: the quick way to them against the slow one, rates, bounds, and the calendar's end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from launchplan_operator.decide import slottimes
from launchplan_operator.decide.cron import matches, next_after
from launchplan_operator.decide.slottimes import count_slots, latest_slots, next_slots, slots_between
from launchplan_operator.decide.timetable import STARTING_DEADLINE, CronTiming, RateTiming, Timetable, read_timetable
from tests.unit.test_cron import CRON_TEXTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 6, 4, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Zones with gaps and repeats at midnight, by half an hour, of a whole day, and with odd offsets.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Asuncion",
    "America/Havana",
    "Asia/Damascus",
    "Asia/Gaza",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
MINUTES = INSTANTS.map(lambda instant: instant.replace(second=0, microsecond=0))
RATES = st.builds(lambda minutes: RateTiming(minutes * MINUTE), st.integers(1, 20_000))


def timetable(text: str, zone: str = "UTC") -> Timetable:
    """Return the timetable of a text, which must be good."""
    read = read_timetable(text, zone)
    assert read is not None
    return read


def walked(table: Timetable, after: datetime) -> Iterator[datetime]:
    """Yield the slots of a cron text one step of the walk at a time, as the CronJob controller finds them."""
    timing = table.timing
    assert isinstance(timing, CronTiming)
    cron, clock = timing.cron, timing.clock
    slot = next_after(cron, clock, after)
    while slot:
        if matches(cron, slot.astimezone(clock)) or next_after(cron, clock, slot - STARTING_DEADLINE) == slot:
            yield slot
        slot = next_after(cron, clock, slot)


@settings(max_examples=80, deadline=None)
@given(CRON_TEXTS, st.sampled_from(ZONES), INSTANTS, st.integers(1, 500), st.integers(1, 20))
@example("2 1 * * SAT", "America/Santiago", datetime(2025, 9, 1, tzinfo=UTC), 30, 3)
@example("0 9 * * SAT", "America/Santiago", datetime(2025, 9, 1, tzinfo=UTC), 30, 3)
@example("*/10 * * * *", "Australia/Lord_Howe", datetime(2025, 4, 5, tzinfo=UTC), 2, 9)
@example("45 1,3 * * *", "Australia/Lord_Howe", datetime(2025, 4, 5, tzinfo=UTC), 2, 9)
@example("30 0,2,23 * * *", "America/Havana", datetime(2025, 11, 1, tzinfo=UTC), 3, 9)
def test_a_window_holds_what_the_walk_finds(text: str, zone: str, after: datetime, days: int, count: int) -> None:
    """In every zone, across every kind of clock change; all of them, the oldest, the newest and their number."""
    table, until = timetable(text, zone), after + days * DAY
    expected = list(takewhile(lambda slot: slot <= until, walked(table, after)))[:500]
    if len(expected) == 500:
        until = expected[-1]
    assert slots_between(table, after, until, 600) == expected
    assert slots_between(table, after, until, count) == expected[:count]
    assert latest_slots(table, after, until, count) == expected[-count:]
    assert count_slots(table, after, until) == len(expected)


@given(RATES, st.none() | MINUTES, INSTANTS, st.timedeltas(timedelta(0), 20 * DAY), st.integers(1, 20))
def test_a_rate_has_every_multiple_after_its_anchor(
    timing: RateTiming, start: datetime | None, after: datetime, length: timedelta, count: int
) -> None:
    """The anchor is the start, before which nothing is, or else the epoch."""
    table, until, anchor = Timetable(timing, start), after + length, start or EPOCH
    slots = slots_between(table, after, until, 10**6)
    assert all((slot - anchor) % timing.every == timedelta(0) for slot in slots)
    assert all(max(after, anchor - SECOND) < slot <= until for slot in slots)
    assert all(later - slot == timing.every for slot, later in pairwise(slots))
    first = next_slots(table, after, 1)[0]
    assert first - max(after, anchor - SECOND) <= timing.every
    assert slots[:1] == ([first] if first <= until else [])
    assert not slots or until - slots[-1] < timing.every
    assert (count_slots(table, after, until), latest_slots(table, after, until, count)) == (len(slots), slots[-count:])


@settings(max_examples=100, deadline=None)
@given(
    RATES | CRON_TEXTS.map(lambda text: timetable(text, "Europe/Berlin").timing),
    MINUTES,
    st.integers(1, 10**6),
    INSTANTS,
    st.integers(1, 20),
)
def test_bounds_take_slots_away_and_move_none(
    timing: CronTiming | RateTiming, start: datetime, minutes: int, after: datetime, count: int
) -> None:
    """The start is included, the end is not."""
    end = start + minutes * MINUTE
    free = Timetable(timing, start) if isinstance(timing, RateTiming) else Timetable(timing)
    bounded = Timetable(timing, start, end)
    until = after + 100 * DAY
    first = max(after, start - SECOND)
    expected = slots_between(free, first, min(until, end - SECOND), count)
    assert slots_between(bounded, after, until, count) == expected
    assert count_slots(bounded, after, until) == count_slots(free, first, min(until, end - SECOND))
    following = next_slots(free, first, count)
    assert next_slots(bounded, after, count) == [slot for slot in following if slot < end]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(Timetable(timetable("0 * * * *").timing, NOON), [0, 1, 2], id="a slot at the start is a slot"),
        pytest.param(
            Timetable(timetable("0 * * * *").timing, end=NOON + HOUR), [-1, 0], id="a slot at the end is none"
        ),
        pytest.param(
            Timetable(timetable("0 * * * *").timing, NOON + MINUTE, NOON + 3 * HOUR), [1, 2], id="a start between slots"
        ),
        pytest.param(Timetable(RateTiming(2 * HOUR), NOON + HOUR), [1, 3, 5], id="a rate begins with its start"),
        pytest.param(Timetable(RateTiming(HOUR), NOON, NOON), [], id="nothing fits between equal bounds"),
    ],
)
def test_bounds_are_half_open(table: Timetable, expected: list[int]) -> None:
    """Hours from noon of the first three slots, looked for from two hours before."""
    found = next_slots(table, NOON - 2 * HOUR, 3)
    assert found == [NOON + hours * HOUR for hours in expected]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The instants from which the walk was asked for its next stop."""
    asked: list[datetime] = []

    def counted(cron: object, zone: object, after: datetime) -> datetime | None:
        asked.append(after)
        return next_after(cron, zone, after)  # type: ignore[arg-type]  # whatever was given is handed on

    monkeypatch.setattr(slottimes, "next_after", counted)
    return asked


def test_a_year_of_minutes_takes_a_step_a_day(steps: list[datetime]) -> None:
    """However many slots it has; days on which the clock changes take some hundreds."""
    table, start = timetable("* * * * *", "Europe/Berlin"), datetime(2025, 1, 1, tzinfo=UTC)
    assert count_slots(table, start, start + 365 * DAY) == 365 * 24 * 60
    assert len(steps) < 365 + 2 * 300
    steps.clear()
    assert latest_slots(table, start, start + 365 * DAY, 2) == [start + 365 * DAY - MINUTE, start + 365 * DAY]
    assert len(steps) < 365 + 2 * 300


def test_no_slot_is_latest_where_none_is_asked_for() -> None:
    """Nor in a window that ends before it begins."""
    table = timetable("* * * * *")
    assert latest_slots(table, NOON - HOUR, NOON, 0) == []
    assert latest_slots(table, NOON, NOON - HOUR, 5) == []
    assert count_slots(replace(table, start=NOON), NOON - HOUR, NOON) == 1


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_slots_end_with_the_calendar(zone: str) -> None:
    """Nothing raises in its last days, which have none."""
    after = datetime(9999, 12, 28, tzinfo=UTC)
    for table in (timetable("0 12 * * *", zone), Timetable(RateTiming(DAY)), timetable("0 0 29 2 *", zone)):
        assert next_slots(table, after, 9) == slots_between(table, after, datetime(9999, 12, 31, tzinfo=UTC), 9)
    assert len(next_slots(Timetable(RateTiming(100_000 * DAY)), NOON, 1000)) == 29
