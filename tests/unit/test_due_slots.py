"""Due slots: on time, late, older, and when the next one is due; with jitter, deadlines, long outages and odd clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchplan_operator.decide.jitter import jitter_of
from launchplan_operator.decide.slots import MAX_DUE, DueSlots, due_slots
from launchplan_operator.decide.slottimes import next_slots, slots_between
from launchplan_operator.decide.timetable import STARTING_DEADLINE, RateTiming, Timetable, read_timetable

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ME = "prod/report"
EVERY_MINUTE, HOURLY = Timetable(RateTiming(MINUTE)), Timetable(RateTiming(HOUR))
JITTERY = Timetable(RateTiming(HOUR), jitter=50 * MINUTE)


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after nine."""
    return NINE + minutes * MINUTE


def due(table: Timetable, slot: datetime) -> datetime:
    """Return when a slot is due."""
    return slot + jitter_of(ME, slot, table.jitter)


@pytest.mark.parametrize(
    ("table", "base", "now", "expected"),
    [
        pytest.param(HOURLY, at(0), at(59), DueSlots(next_at=at(60)), id="nothing is due yet"),
        pytest.param(HOURLY, at(0), at(60), DueSlots((at(60),), next_at=at(120)), id="a slot is due at its time"),
        pytest.param(HOURLY, at(60), at(60), DueSlots(next_at=at(120)), id="and not again once it is accounted for"),
        pytest.param(
            HOURLY, at(0), at(60) + STARTING_DEADLINE, DueSlots((at(60),), next_at=at(120)), id="until its deadline"
        ),
        pytest.param(
            HOURLY,
            at(0),
            at(60) + STARTING_DEADLINE + SECOND,
            DueSlots((), (at(60),), next_at=at(120)),
            id="after it, it is late",
        ),
        pytest.param(
            EVERY_MINUTE,
            at(0),
            at(6),
            DueSlots((at(3), at(4), at(5), at(6)), (at(1), at(2)), next_at=at(7)),
            id="several may be due at once, the first of them late",
        ),
        pytest.param(
            Timetable(RateTiming(HOUR), end=at(121)),
            at(0),
            at(121),
            DueSlots((at(120),), (at(60),)),
            id="after the last slot there is no next one",
        ),
        pytest.param(
            Timetable(RateTiming(HOUR), at(600)), at(0), at(1), DueSlots(next_at=at(600)), id="before the start neither"
        ),
        pytest.param(
            HOURLY, at(180), at(0), DueSlots(next_at=at(240)), id="a clock that was put back makes no slot come again"
        ),
    ],
)
def test_a_look_finds_what_is_due(table: Timetable, base: datetime, now: datetime, expected: DueSlots) -> None:
    """The mark goes to the last of them."""
    found = due_slots(table, ME, base, now, STARTING_DEADLINE)
    assert found == expected
    assert found.until == max((*expected.on_time, *expected.late), default=None)


def test_a_slot_with_jitter_is_due_later_and_late_later() -> None:
    """By the same time, so that its deadline is as long as any other's."""
    slot = at(60)
    later = due(JITTERY, slot)
    assert slot < later < slot + JITTERY.jitter
    deadline = 2 * MINUTE
    assert due_slots(JITTERY, ME, at(0), later - SECOND, deadline) == DueSlots(next_at=later)
    following = due(JITTERY, at(120))
    assert due_slots(JITTERY, ME, at(0), later, deadline) == DueSlots((slot,), next_at=following)
    assert due_slots(JITTERY, ME, at(0), later + deadline, deadline).on_time == (slot,)
    assert due_slots(JITTERY, ME, at(0), later + deadline + SECOND, deadline).late == (slot,)


def test_a_slot_waits_for_those_before_it() -> None:
    """Where a clock change brings two slots closer than the jitter; else the mark would pass over the first."""
    table = read_timetable("0 2,4 * * *", "Europe/Berlin")
    assert table is not None
    base = datetime(2026, 10, 25, tzinfo=UTC) - SECOND
    first, second = next_slots(table, base, 2)
    assert second - first == HOUR
    jitter = 2 * HOUR
    identity = next(
        f"prod/p{n}"
        for n in range(100)
        if jitter_of(f"prod/p{n}", first, jitter) > HOUR + jitter_of(f"prod/p{n}", second, jitter)
    )
    jittery = Timetable(table.timing, jitter=jitter)
    due_second, due_first = (slot + jitter_of(identity, slot, jitter) for slot in (second, first))
    assert due_slots(jittery, identity, base, due_second, HOUR) == DueSlots(next_at=due_first)
    assert due_slots(jittery, identity, base, due_first, HOUR).on_time == (first, second)


def test_a_year_of_minutes_is_summed_but_for_the_newest() -> None:
    """And the sum is exact."""
    now = NINE + 365 * DAY
    found = due_slots(EVERY_MINUTE, ME, NINE, now, STARTING_DEADLINE)
    assert found.on_time == (now - 3 * MINUTE, now - 2 * MINUTE, now - MINUTE, now)
    assert found.late == tuple(slots_between(EVERY_MINUTE, now - 1004 * MINUTE, now - 4 * MINUTE, 2000))
    assert (len(found.late), found.older) == (MAX_DUE, 365 * 24 * 60 - MAX_DUE - 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 59), st.integers(1, 600), st.integers(90_000, 180_000))
def test_a_long_outage_is_summed_whatever_the_jitter(jitter: int, deadline: int, seconds: int) -> None:
    """Each slot that was due is on time, late or older."""
    table = Timetable(RateTiming(MINUTE), jitter=jitter * SECOND)
    now = NINE + seconds * SECOND
    found = due_slots(table, ME, NINE, now, deadline * SECOND)
    come = [slot for slot in slots_between(table, NINE, now, 10_000) if due(table, slot) <= now]
    assert [*found.late, *found.on_time] == come[found.older :]
    assert (len(found.late), found.older > 0) == (MAX_DUE, True)


def test_a_long_deadline_is_worked_off_in_parts() -> None:
    """A look never starts more than a thousand; the next is due at once, and none is lost or started twice."""
    base, now, started = NINE, NINE + 2500 * MINUTE, list[datetime]()
    for expected in (1000, 1000, 500):
        found = due_slots(EVERY_MINUTE, ME, base, now, 365 * DAY)
        assert (len(found.on_time), found.late, found.older) == (expected, (), 0)
        assert found.next_at is not None
        assert (found.next_at <= now) == (expected == 1000)
        started += found.on_time
        base = found.until or base
    assert started == slots_between(EVERY_MINUTE, NINE, now, 10_000)


@settings(deadline=None)
@given(
    st.integers(1, 90),
    st.floats(0, 0.99),
    st.integers(1, 5000),
    st.lists(st.integers(0, 20_000), min_size=1, max_size=8),
)
def test_looks_in_a_row_account_for_each_slot_once(minutes: int, share: float, deadline: int, looks: list[int]) -> None:
    """However they lie: each slot that was due by the last look is in one, once, and in order."""
    every = minutes * MINUTE
    jitter = every * share // SECOND * SECOND
    table = Timetable(RateTiming(every), jitter=jitter)
    base, found = NINE, list[datetime]()
    for seconds in sorted(looks):
        now = NINE + seconds * SECOND
        look = due_slots(table, ME, base, now, deadline * SECOND)
        assert look.older == 0
        assert all(due(table, slot) <= now <= due(table, slot) + deadline * SECOND for slot in look.on_time)
        assert all(due(table, slot) + deadline * SECOND < now for slot in look.late)
        assert look.next_at is not None
        assert now < look.next_at
        found += [*look.late, *look.on_time]
        base = look.until or base
    last = NINE + max(looks) * SECOND
    assert found == [slot for slot in slots_between(table, NINE, last, 10_000) if due(table, slot) <= last]
