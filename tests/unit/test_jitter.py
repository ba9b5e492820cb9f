"""Jitter: the same for the same slot, less than its bound, spread evenly, and shorter than the time between two slots."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.jitter import jitter_of, plan_identity, smallest_gap
from launchplan_operator.decide.schedule import Timetable, next_slots, read_schedule, read_timetable
from tests.unit.test_cron import CRON_TEXTS

NOON = datetime(2026, 6, 4, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLOTS = [NOON + n * MINUTE for n in range(4000)]


@given(st.text(max_size=20), st.integers(0, 10**7), st.timedeltas(timedelta(0), 400 * DAY))
def test_jitter_is_less_than_its_bound(identity: str, minutes: int, jitter: timedelta) -> None:
    """And never early; in whole seconds where the bound has one."""
    slot = NOON + minutes * MINUTE
    drawn = jitter_of(identity, slot, jitter)
    assert timedelta(0) <= drawn < max(jitter, timedelta(microseconds=1))
    assert jitter < SECOND or drawn % SECOND == timedelta(0)
    assert jitter_of(identity, slot, jitter) == drawn


def test_jitter_does_not_change_between_releases() -> None:
    """Or a slot whose time has come could come once more."""
    identity = plan_identity("prod", "nightly")
    assert [jitter_of(identity, slot, HOUR) // SECOND for slot in SLOTS[:4]] == [2759, 3079, 1332, 2017]


@pytest.mark.parametrize("jitter", [10 * SECOND, timedelta(seconds=9.5), timedelta(microseconds=10)])
def test_jitter_is_spread_evenly(jitter: timedelta) -> None:
    """Over slots, and over plans at one slot: each of ten values as often as the others, within five sigma."""
    unit = max(jitter // 10, timedelta(microseconds=1)) if jitter < SECOND else SECOND
    over_slots = [jitter_of("prod/nightly", slot, jitter) // unit for slot in SLOTS]
    over_plans = [jitter_of(plan_identity("prod", f"plan-{n}"), NOON, jitter) // unit for n in range(4000)]
    for drawn in (over_slots, over_plans):
        counts = [drawn.count(value) for value in range(10)]
        assert sum(counts) == 4000
        assert all(abs(count - 400) < 5 * 19 for count in counts)


def test_plans_of_other_names_and_namespaces_have_other_jitter() -> None:
    """A name with a hyphen stands for no other pair."""
    identities = [plan_identity("a", "b-c"), plan_identity("a-b", "c"), plan_identity("a", "b")]
    assert len({tuple(jitter_of(each, slot, HOUR) for slot in SLOTS[:5]) for each in identities}) == 3


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("* * * * *", MINUTE),
        ("*/7 * * * *", 4 * MINUTE),
        ("*/15 9-17 * * *", 15 * MINUTE),
        ("0 9,17 * * *", 8 * HOUR),
        ("30 23,0 * * *", HOUR),
        ("0 0 * * MON", 7 * DAY),
        ("0 0 1,31 * *", DAY),
        ("0 0 28,29 2 *", DAY),
        ("0 0 1 1 *", 365 * DAY),
        ("0 0 29 2 *", 1461 * DAY),
    ],
)
def test_the_smallest_gap_is_that_of_the_calendar(text: str, gap: timedelta) -> None:
    """In the leap year too."""
    table = read_timetable(text, "Europe/Berlin")
    assert table is not None
    assert smallest_gap(table) == gap


@settings(max_examples=50, deadline=None)
@given(CRON_TEXTS, st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds are naive
def test_no_slots_are_closer_than_the_smallest_gap(text: str, after: datetime) -> None:
    """Where the clock does not change, whenever one looks."""
    table = read_timetable(text, "UTC")
    assert table is not None
    slots, gap = next_slots(table, after, 30), smallest_gap(table)
    assert all(later - slot >= (gap or later - slot + SECOND) for slot, later in pairwise(slots))


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        pytest.param({"cron": "*/5 * * * *", "jitter": "4m59s"}, None, id="a second less than the gap"),
        pytest.param(
            {"cron": "*/5 * * * *", "jitter": "5m"},
            "found a jitter of 5m0s, expected less than 5m0s, the shortest time between two slots",
            id="as long as the gap",
        ),
        pytest.param(
            {"fixedRate": {"value": 7, "unit": "Minute"}, "jitter": "1h"},
            "found a jitter of 1h0m0s, expected less than 7m0s, the shortest time between two slots",
            id="longer than a rate",
        ),
        pytest.param(
            {"cron": "0 9-10 * * MON", "jitter": "2h"},
            "found a jitter of 2h0m0s, expected less than 1h0m0s, the shortest time between two slots",
            id="shorter than a week, longer than the hour between two of its slots",
        ),
        pytest.param({"cron": "0 0 * * *", "timeZone": "Europe/Berlin", "jitter": "23h59m"}, None, id="a day of 23 h"),
    ],
)
def test_a_jitter_is_shorter_than_the_time_between_two_slots(schedule: dict[str, object], message: str | None) -> None:
    """The finding names both, and offers half the gap."""
    read = read_schedule(Schedule.model_validate(schedule))
    if message is None:
        assert isinstance(read, Timetable)
        return
    assert not isinstance(read, Timetable)
    (finding,) = read
    assert (finding.reason, finding.path, finding.message) == (Reason.JitterTooLong, "spec.schedule.jitter", message)
    assert finding.fix is not None
    mended = Schedule.model_validate(schedule | finding.fix.merge["spec"]["schedule"])
    assert isinstance(read_schedule(mended), Timetable)
