"""A timetable's slots: windows, the latest one, names, hashes, and what clock changes will do to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.cron_zones import clock_changes, find_zone
from launchplan_operator.decide.schedule import (
    STARTING_DEADLINE,
    RateTiming,
    Timetable,
    dst_warnings,
    latest_slots,
    next_slots,
    read_described,
    read_schedule,
    read_timetable,
    schedule_hash,
    slot_name,
    slot_of_name,
    slots_between,
)
from tests.unit.test_cron import CRON_TEXTS, rows

DATA = Path(__file__).parents[1] / "data" / "cron"
WINDOWS = yaml.safe_load((DATA / "windows.yaml").read_text(encoding="utf-8"))["windows"]
LATEST = yaml.safe_load((DATA / "latest.yaml").read_text(encoding="utf-8"))["latest"]
NOON = datetime(2026, 6, 4, 12, tzinfo=UTC)
#: The longest that a yearly date, 29 February, stays away.
SEARCHED = timedelta(days=8 * 366)
INSTANTS = st.datetimes(datetime(2012, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


def timetable(text: str, zone: str = "UTC") -> Timetable:
    """Return the timetable of a text, which must be good."""
    read = read_timetable(text, zone)
    assert read is not None
    return read


MINUTES = INSTANTS.map(lambda instant: instant.replace(second=0, microsecond=0))
TIMINGS = st.one_of(
    st.builds(timetable, CRON_TEXTS, st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia"])).map(
        lambda table: table.timing
    ),
    st.integers(1, 10**8).map(lambda minutes: RateTiming(timedelta(minutes=minutes))),
)
DURATIONS = st.integers(1, 10**12).map(lambda microseconds: timedelta(microseconds=microseconds))
TIMETABLES = st.builds(
    Timetable,
    TIMINGS,
    st.none() | MINUTES,
    st.none() | MINUTES,
    st.just(timedelta(0)) | DURATIONS,
    st.just(STARTING_DEADLINE) | DURATIONS,
)


def latest_slot(table: Timetable, instant: datetime) -> datetime | None:
    """Return the latest slot up to an instant, found in the eight years before it."""
    return next(iter(latest_slots(table, instant - SEARCHED, instant, 1)), None)


@pytest.mark.parametrize("row", rows([{"text": "", **row} for row in WINDOWS]))
def test_a_window_excludes_its_start_and_includes_its_end(row: dict[str, Any]) -> None:
    """Its slots are those of the row, in order."""
    table = read_schedule(
        Schedule(cron=row["text"] or None, fixed_rate=row.get("rate"), time_zone=row.get("zone", "UTC"))
    )
    assert isinstance(table, Timetable)
    slots = slots_between(table, row["after"], row["until"], 1000)
    assert slots == row.get("slots", slots)
    assert len(slots) == row.get("count", len(slots))


def test_a_window_yields_its_oldest_slots_up_to_a_limit() -> None:
    """So that years of minutes cost no more than the limit."""
    slots = slots_between(timetable("* * * * *"), NOON - timedelta(days=900), NOON, 3)
    assert slots == [NOON - timedelta(days=900) + timedelta(minutes=n) for n in (1, 2, 3)]


def test_next_slots_end_where_the_calendar_ends_them() -> None:
    """A date that comes once in five years comes once."""
    assert next_slots(timetable("0 0 29 2 *"), datetime(2095, 1, 1, tzinfo=UTC), 5) == [
        datetime(2096, 2, 29, tzinfo=UTC)
    ]


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        pytest.param(
            "0 9 * * SAT",
            "America/Santiago",
            datetime(2025, 9, 6, tzinfo=UTC),
            [datetime(2025, 9, 6, 13, tzinfo=UTC), datetime(2025, 9, 13, 12, tzinfo=UTC)],
            id="not the Sunday that its walk runs into",
        ),
        pytest.param(
            "2 1 * * SAT",
            "America/Santiago",
            datetime(2025, 9, 6, tzinfo=UTC),
            [
                datetime(2025, 9, 6, 5, 2, tzinfo=UTC),
                datetime(2025, 9, 7, 4, 2, tzinfo=UTC),
                datetime(2025, 9, 13, 4, 2, tzinfo=UTC),
            ],
            id="but on it within the deadline of 200 seconds",
        ),
        pytest.param(
            "0 9 * * FRI",
            "Africa/Cairo",
            datetime(2025, 4, 18, tzinfo=UTC),
            [datetime(2025, 4, 18, 7, tzinfo=UTC), datetime(2025, 5, 2, 6, tzinfo=UTC)],
            id="not the Friday that its walk passes over",
        ),
    ],
)
def test_slots_are_what_the_cronjob_controller_starts(
    text: str, zone: str, after: datetime, expected: list[datetime]
) -> None:
    """It wakes at each stop of the walk, and starts what it finds again from its deadline ago."""
    assert next_slots(timetable(text, zone), after, len(expected)) == expected


@pytest.mark.parametrize("row", rows(LATEST))
def test_the_latest_slot_is_the_known_one(row: dict[str, Any]) -> None:
    """However many slots lie before it."""
    assert latest_slot(timetable(row["text"]), row["instant"]) == row["slot"]


@settings(max_examples=40, deadline=None)
@given(CRON_TEXTS, INSTANTS, st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo"]))
@example("* */3 */7 * *", datetime(2012, 1, 1, 1, tzinfo=UTC), "America/Sao_Paulo")
def test_no_slot_lies_between_the_latest_and_the_instant(text: str, instant: datetime, zone: str) -> None:
    """And the next after the latest is the next after the instant."""
    table = timetable(text, zone)
    latest = latest_slot(table, instant)
    if latest is None:
        assert slots_between(table, instant - SEARCHED, instant, 1) == []
        return
    assert latest <= instant
    assert next_slots(table, latest - timedelta(seconds=1), 1) == [latest]
    assert slots_between(table, latest, instant, 1) == []


@pytest.mark.parametrize("text", ["* * * * *", "0-30 9 * * *", "0 9 * * *", "0 0 29 2 *"])
def test_a_slot_is_the_latest_at_its_own_time(text: str) -> None:
    """And no longer a moment before."""
    table = timetable(text)
    before, slot = next_slots(table, NOON, 2)
    assert latest_slot(table, slot) == slot
    assert latest_slot(table, slot - timedelta(microseconds=1)) == before


@settings(deadline=None)
@given(CRON_TEXTS, INSTANTS, st.integers(1, 50))
def test_a_window_holds_the_next_slots(text: str, after: datetime, count: int) -> None:
    """Up to the last of them."""
    table = timetable(text)
    slots = next_slots(table, after, count)
    assert slots == sorted(set(slots))
    if slots:
        assert slots_between(table, after, slots[-1], count + 1) == slots


def test_texts_with_the_same_meaning_have_the_same_hash() -> None:
    """Other texts and other zones have another."""
    hashes = [schedule_hash(timetable(text)) for text in ("@hourly", "0 */1 * * ?", "0 * 1-31 * *")]
    assert len(set(hashes)) == 1
    assert len(hashes[0]) == 10
    assert schedule_hash(timetable("@hourly", "Europe/Berlin")) != hashes[0]
    assert schedule_hash(timetable("1 * * * *")) != hashes[0]


def test_the_hash_does_not_change_between_releases() -> None:
    """Or every schedule of every plan would begin anew."""
    table = timetable("0 9 * * MON-FRI", "Europe/Berlin")
    assert schedule_hash(table) == "0e10e37408"
    assert schedule_hash(replace(table, jitter=timedelta(minutes=5), end=NOON)) == "cd997d5eae"
    assert schedule_hash(Timetable(RateTiming(timedelta(minutes=7)))) == "89b7d80726"


@settings(deadline=None)
@given(TIMETABLES, TIMETABLES)
def test_a_hash_covers_all_of_a_timetable(one: Timetable, other: Timetable) -> None:
    """And each part of it."""
    mixed = [replace(one, **{name: getattr(other, name)}) for name in ("timing", "start", "end", "jitter", "deadline")]
    assert all((schedule_hash(each) == schedule_hash(one)) == (each == one) for each in mixed)


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        pytest.param(
            {"cron": "0/15 9-17 * * mon", "timeZone": "Europe/Berlin"},
            "*/15 9-17 * * 1 Europe/Berlin",
            id="a cron text stands in normal form, with its zone",
        ),
        pytest.param({"fixedRate": {"value": 15, "unit": "Minute"}}, "*/15 * * * * UTC", id="an even rate is one"),
        pytest.param({"fixedRate": {"value": 7, "unit": "Minute"}}, "every 7 minutes", id="an uneven rate"),
        pytest.param({"fixedRate": {"value": 48, "unit": "Hour"}}, "every 2 days", id="in its largest whole unit"),
        pytest.param({"cron": "@every 90m"}, "every 90 minutes", id="a rate as a cron text"),
        pytest.param(
            {"fixedRate": {"value": 1, "unit": "Hour"}, "startTime": "2026-01-01T01:10:00+01:00"},
            "every 1 hour from 2026-01-01T00:10:00Z",
            id="an even rate that counts from its start",
        ),
        pytest.param(
            {"cron": "0 2 * * *", "startTime": "2026-01-01T00:00:01Z", "endTime": "2027-01-01T00:00:00.5Z"},
            "0 2 * * * UTC from 2026-01-01T00:01:00Z until 2027-01-01T00:01:00Z",
            id="bounds go up to whole minutes",
        ),
        pytest.param(
            {"cron": "0 2 * * *", "jitter": "90s", "startingDeadline": "1h"},
            "0 2 * * * UTC, jitter 1m30s, deadline 1h0m0s",
            id="jitter and deadline",
        ),
        pytest.param({"cron": "0 2 * * *", "startingDeadline": "200s"}, "0 2 * * * UTC", id="the usual deadline"),
        pytest.param(
            {"fixedRate": {"value": 1, "unit": "Day"}, "startTime": "0001-01-01T00:00:00+14:00"},
            "every 1 day from 0001-01-02T00:00:00Z",
            id="a start before the calendar's",
        ),
        pytest.param(
            {"cron": "0 2 * * *", "endTime": "9999-12-31T23:59:59.9-14:00"},
            "0 2 * * * UTC until 9999-12-30T00:00:00Z",
            id="an end after the calendar's",
        ),
    ],
)
def test_a_timetable_tells_what_it_is(schedule: dict[str, Any], text: str) -> None:
    """In one text, which stands in the plan's status."""
    table = read_schedule(Schedule.model_validate(schedule))
    assert isinstance(table, Timetable)
    assert table.describe() == text


@settings(deadline=None)
@given(TIMETABLES)
def test_a_timetable_is_read_from_its_text(table: Timetable) -> None:
    """Nothing of it is lost, and the field of the status has room for it."""
    text = table.describe()
    assert read_described(text) == table
    assert len(text) <= 512


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every 0 minutes",
        "every minute",
        "every 7 weeks",
        "0 2 * * *",
        "0 2 * * * Mars/Base",
        "@every 7m UTC",
        "every 7 minutes from noon",
        "every 7 minutes until 2026-13-01T00:00:00Z",
        "every 7 minutes, jitter long",
        "every 7 minutes, deadline 1",
        "every 7 minutes and more",
    ],
)
def test_another_text_is_no_timetable(text: str) -> None:
    """A status that somebody else wrote does no harm."""
    assert read_described(text) is None


def test_a_slot_is_named_as_the_cronjob_controller_names_its_job() -> None:
    """By the minutes since the Unix epoch."""
    slot = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
    assert slot_name("nightly", slot) == "nightly-29923060"
    assert slot_of_name("nightly", "nightly-29923060") == slot


@pytest.mark.parametrize(
    "name",
    [
        "nightly",
        "nightly-",
        "nightly-x",
        "nightly-029923060",
        "nightly-123456",
        "nightly-1234567890",
        "nightly-29923060-1",
        "nightly--29923060",
        "nightly-٢٩٩٢٣٠٦٠",
        "other-29923060",
        "more-nightly-29923060",
        "nightly-29923060\n",
    ],
)
def test_a_name_of_a_person_is_no_slot(name: str) -> None:
    """Only the plan's own name with seven to nine digits is."""
    assert slot_of_name("nightly", name) is None


@settings(deadline=None)
@given(st.sampled_from(["a", "a-1234567", "x.y-1"]), st.integers(10**6, 10**9 - 1))
def test_a_slot_is_read_from_its_name(plan: str, minutes: int) -> None:
    """Whatever the plan is called."""
    slot = datetime.fromtimestamp(minutes * 60, UTC)
    assert slot_of_name(plan, slot_name(plan, slot)) == slot


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            datetime(2025, 3, 1, tzinfo=UTC),
            ["02:30 on 2025-03-30 in Europe/Berlin: 1 slot is skipped, because the clock goes from 02:00 to 03:00"],
            id="a gap skips a slot",
        ),
        pytest.param(
            "*/15 2,3 * * *",
            "Europe/Berlin",
            datetime(2025, 10, 1, tzinfo=UTC),
            [
                (
                    "02:00 to 02:45 on 2025-10-26 in Europe/Berlin: 4 slots fire twice, "
                    "because the clock goes from 03:00 to 02:00"
                )
            ],
            id="a repeated hour fires every slot in it twice",
        ),
        pytest.param("0 3 * * *", "Europe/Berlin", datetime(2025, 3, 1, tzinfo=UTC), [], id="the gap's end is no gap"),
        pytest.param("0 1 * * *", "Europe/Berlin", datetime(2025, 3, 1, tzinfo=UTC), [], id="nor is the hour before"),
        pytest.param("30 2 * * *", "UTC", datetime(2025, 3, 1, tzinfo=UTC), [], id="UTC has none"),
        pytest.param("30 2 * * MON", "Europe/Berlin", datetime(2025, 3, 1, tzinfo=UTC), [], id="it is a Sunday"),
        pytest.param("30 2 * * *", "Europe/Berlin", datetime(2025, 7, 1, tzinfo=UTC), [], id="beyond the horizon"),
        pytest.param(
            "30 2 * * *", "Europe/Berlin", datetime(2025, 3, 30, 1, tzinfo=UTC), [], id="at the change it is past"
        ),
        pytest.param(
            "0 0 * * *",
            "America/Santiago",
            datetime(2025, 9, 1, tzinfo=UTC),
            ["00:00 on 2025-09-07 in America/Santiago: 1 slot is skipped, because the clock goes from 00:00 to 01:00"],
            id="midnight itself may be missing",
        ),
        pytest.param(
            "30 23 * * *",
            "Africa/Cairo",
            datetime(2025, 10, 1, tzinfo=UTC),
            [
                (
                    "23:30 on 2025-10-30 in Africa/Cairo: 1 slot fires twice, "
                    "because the clock goes from 2025-10-31 00:00 to 2025-10-30 23:00"
                )
            ],
            id="a clock may go back to the day before",
        ),
        pytest.param(
            "0 9,17 * * FRI",
            "Africa/Cairo",
            datetime(2025, 4, 1, tzinfo=UTC),
            [
                (
                    "09:00 to 17:00 on 2025-04-25 in Africa/Cairo: 2 slots are skipped, "
                    "passed over by Kubernetes when the clock goes from 00:00 to 01:00"
                )
            ],
            id="Kubernetes passes over a whole day that begins with a gap",
        ),
        pytest.param(
            "0 2 * * *",
            "Australia/Lord_Howe",
            datetime(2025, 4, 1, tzinfo=UTC),
            [
                (
                    "02:00 on 2025-04-06 in Australia/Lord_Howe: 1 slot is skipped, "
                    "passed over by Kubernetes when the clock goes from 02:00 to 01:30"
                )
            ],
            id="Kubernetes passes over the half hour after half an hour back",
        ),
        pytest.param(
            "45 1 * * *",
            "Australia/Lord_Howe",
            datetime(2025, 4, 1, tzinfo=UTC),
            [
                (
                    "01:45 on 2025-04-06 in Australia/Lord_Howe: 1 slot fires twice, "
                    "because the clock goes from 02:00 to 01:30"
                )
            ],
            id="half an hour is repeated",
        ),
    ],
)
def test_a_clock_change_ahead_is_told(text: str, zone: str, after: datetime, expected: list[str]) -> None:
    """With local time, date, zone and cause."""
    assert dst_warnings(timetable(text, zone), after) == expected


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        pytest.param(None, None, True, id="without bounds"),
        pytest.param(datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 3, 31, tzinfo=UTC), True, id="within bounds"),
        pytest.param(datetime(2025, 3, 31, tzinfo=UTC), None, False, id="before the start"),
        pytest.param(None, datetime(2025, 3, 30, tzinfo=UTC), False, id="after the end"),
    ],
)
def test_a_clock_change_out_of_bounds_disturbs_nothing(
    start: datetime | None, end: datetime | None, told: bool
) -> None:
    """There is no slot to skip."""
    table = replace(timetable("30 2 * * *", "Europe/Berlin"), start=start, end=end)
    assert bool(dst_warnings(table, datetime(2025, 3, 1, tzinfo=UTC))) == told


def test_a_rate_knows_no_clock_changes() -> None:
    """It has no zone."""
    assert dst_warnings(Timetable(RateTiming(timedelta(hours=5))), NOON, timedelta(days=900)) == []


def test_at_most_three_changes_are_told() -> None:
    """However far one looks ahead; the first ones."""
    table = timetable("30 2 * * *", "Europe/Berlin")
    warnings = dst_warnings(table, datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=3000))
    assert [warning[9:19] for warning in warnings] == ["2020-03-29", "2020-10-25", "2021-03-28"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(["Europe/Berlin", "America/Havana", "Africa/Cairo"]))
def test_a_daily_slot_is_told_of_exactly_when_it_does_not_fire_once(hour: int, minute: int, zone: str) -> None:
    """At every change of six years: as often as the day has no slot, or two."""
    table = timetable(f"{minute} {hour} * * *", zone)
    start, end = datetime(2018, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    clock = find_zone(zone)
    assert clock is not None
    for change in clock_changes(clock, start, end):
        day = min(change.before, change.after).date()
        slots = next_slots(table, change.at - timedelta(days=3), 8)
        count = [slot.astimezone(clock).date() for slot in slots].count(day)
        told = dst_warnings(table, change.at - timedelta(seconds=1), timedelta(seconds=1))
        assert [("skipped" in text, "twice" in text) for text in told] == (
            [] if count == 1 else [(count == 0, count == 2)]
        )
