"""Slots of the past: which of them left a trace, which are settling, which are late."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.schedule import Timetable, read_timetable, slot_name
from launchplan_operator.decide.slots import (
    LEAD,
    MAX_SLOTS,
    SETTLING,
    Past,
    look_back,
    slot_at_hand,
    split_late,
)
from launchplan_operator.decide.timetable import STARTING_DEADLINE

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def timetable(text: str, zone: str = "UTC") -> Timetable:
    """Return the timetable of a cron text, which must be valid."""
    table = read_timetable(text, zone)
    assert table is not None
    return table


EVERY_MINUTE, DAILY = timetable("* * * * *"), timetable("30 9 * * *")


def after(minutes: int) -> datetime:
    """Return an instant so many minutes after nine."""
    return NINE + minutes * MINUTE


@pytest.mark.parametrize(
    ("base", "until", "known", "expected"),
    [
        pytest.param(after(0), after(0), [], Past(), id="no time passed"),
        pytest.param(after(0), after(0) + 59 * SECOND, [], Past(), id="no slot came"),
        pytest.param(after(0), after(3), [1, 2, 3], Past(after(3)), id="every slot left a trace"),
        pytest.param(after(0), after(3), [1, 3], Past(after(3), (after(2),)), id="one slot left none"),
        pytest.param(
            after(0), after(2) + 30 * SECOND, [], Past(after(2), (after(1), after(2))), id="none of them left any"
        ),
        pytest.param(
            after(0), after(1), [0], Past(after(1), (after(1),)), id="the base itself was accounted for before"
        ),
    ],
)
def test_a_look_back_accounts_for_each_slot(base: datetime, until: datetime, known: list[int], expected: Past) -> None:
    """Known names are those of Jobs and executions, which slots share."""
    names = {slot_name("report", after(minute)) for minute in known}
    assert look_back(EVERY_MINUTE, "report", base, until, names) == expected


def test_the_slots_of_another_plan_explain_nothing() -> None:
    """A name belongs to one plan."""
    names = {slot_name("report-2", after(1))}
    assert look_back(EVERY_MINUTE, "report", after(0), after(1), names).unexplained == (after(1),)


@given(st.sets(st.integers(1, 30)), st.lists(st.integers(0, 30), max_size=5))
def test_looks_in_a_row_account_for_each_slot_once(known: set[int], looks: list[int]) -> None:
    """However the time is cut into looks, each slot without a trace is found exactly once."""
    names = {slot_name("report", after(minute)) for minute in known}
    base, found = after(0), list[datetime]()
    for minute in [*sorted(looks), 30]:
        past = look_back(EVERY_MINUTE, "report", base, after(minute), names)
        found += past.unexplained
        base = past.until or base
    assert found == [after(minute) for minute in range(1, 31) if minute not in known]


def test_a_very_long_past_is_looked_at_in_parts() -> None:
    """The mark moves by so many slots at most, so that one plan never holds up another."""
    until = NINE + (MAX_SLOTS + 100) * MINUTE
    first = look_back(EVERY_MINUTE, "report", NINE, until, ())
    assert (first.until, len(first.unexplained)) == (NINE + MAX_SLOTS * MINUTE, MAX_SLOTS)
    assert first.until is not None
    assert look_back(EVERY_MINUTE, "report", first.until, until, ()).until == until


@pytest.mark.parametrize(
    ("base", "now", "expected"),
    [
        pytest.param(NINE, after(30), after(30), id="a slot of this very instant is at hand"),
        pytest.param(NINE, after(30) + SETTLING - SECOND, after(30), id="so is one of some seconds ago"),
        pytest.param(NINE, after(30) + SETTLING, None, id="after ten seconds it has settled"),
        pytest.param(NINE, after(30) - LEAD, after(30), id="one that is about to come is at hand"),
        pytest.param(NINE, after(30) - LEAD - SECOND, None, id="one that comes later is not"),
        pytest.param(after(30), after(30) + SECOND, None, id="one that was started or accounted for has settled"),
        pytest.param(after(30), after(30) - SECOND, None, id="even if the clock was put back"),
    ],
)
def test_a_slot_that_may_be_being_started_is_left_to_the_controller(
    base: datetime, now: datetime, expected: datetime | None
) -> None:
    """Its Job may be on its way."""
    assert (timedelta(seconds=10), timedelta(seconds=2)) == (SETTLING, LEAD)
    assert slot_at_hand(DAILY, base, now) == expected


def test_slots_are_late_by_the_deadline_that_the_cronjob_has() -> None:
    """What its controller would still start, we start."""
    now = NINE + STARTING_DEADLINE
    early, late = NINE, NINE - SECOND
    assert split_late([late, early, now], now) == ([early, now], [late])
    assert split_late([], now) == ([], [])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00Z"),
        ("2026-01-31T09:00:00.123456Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31T03:30:00-05:30", "2026-01-31T09:00:00Z"),
    ],
)
def test_instants_are_written_as_the_api_server_writes_them(text: str, canonical: str) -> None:
    """In UTC and in whole seconds, whatever zone a CronJob's controller annotated."""
    assert instant_text(to_instant(text)) == canonical
