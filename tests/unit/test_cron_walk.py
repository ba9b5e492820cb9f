"""When cron texts fire: tables from Kubernetes' own parser, and a search of every minute as the second opinion."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from launchplan_operator.decide.cron import Cron, matches, next_after, parse_cron
from launchplan_operator.decide.cron_zones import clock_changes, find_zone, zone_names
from tests.unit.test_cron import CRON_TEXTS, parsed, rows

DATA = Path(__file__).parents[1] / "data" / "cron"
NEXT = yaml.safe_load((DATA / "next.yaml").read_text(encoding="utf-8"))["next"]
MINUTES = yaml.safe_load((DATA / "minutes.yaml").read_text(encoding="utf-8"))["minutes"]
MINUTE = timedelta(minutes=1)

#: Zones whose clocks leap by whole hours, and never at midnight: there the walk is as regular as a calendar.
REGULAR = (
    "UTC",
    "Europe/Berlin",
    "Europe/Lisbon",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "Africa/Casablanca",
)


def clock_of(name: str) -> ZoneInfo:
    """Return a zone that must exist."""
    clock = find_zone(name)
    assert clock is not None
    return clock


@st.composite
def moments(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A regular zone, and an instant of the last years that is often near a change of its clock."""
    clock = clock_of(draw(st.sampled_from(REGULAR)))
    changes = clock_changes(clock, datetime(2012, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    start = draw(st.sampled_from([change.at for change in changes] or [datetime(2016, 2, 28, tzinfo=UTC)]))
    return clock, start + timedelta(seconds=draw(st.integers(-2 * 86_400, 86_400)))


def first_match(cron: Cron, clock: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return the first whole minute between two instants whose wall-clock time fits, found by trying each."""
    at = after.replace(second=0) + MINUTE
    while at <= until:
        if matches(cron, at.astimezone(clock)):
            return at
        at += MINUTE
    return None


@pytest.mark.parametrize("row", rows(NEXT))
def test_the_next_times_are_those_of_kubernetes(row: dict[str, Any]) -> None:
    """In order, and none more where the row says that they end."""
    cron, clock, at = parsed(row["text"]), clock_of(row["zone"]), row["after"]
    for expected in row["times"]:
        at = next_after(cron, clock, at)
        assert at == expected
    assert not row.get("ends") or next_after(cron, clock, at) is None


@pytest.mark.parametrize("row", rows(MINUTES))
def test_a_minute_fires_or_not(row: dict[str, Any]) -> None:
    """Both the fields and the walk say so."""
    cron = parsed(row["text"])
    assert matches(cron, row["at"]) is row["fires"]
    reached = next_after(cron, clock_of("UTC"), row["at"] - timedelta(seconds=1))
    assert (reached == row["at"]) is row["fires"]


@settings(max_examples=100, deadline=None)
@given(CRON_TEXTS, moments())
def test_the_next_time_is_the_first_minute_that_fits(text: str, moment: tuple[ZoneInfo, datetime]) -> None:
    """Strictly after, and nothing earlier was left out, whatever the clock does meanwhile."""
    cron, (clock, after) = parsed(text), moment
    until = after + timedelta(days=2)
    found = next_after(cron, clock, after)
    assert found is None or found > after
    assert first_match(cron, clock, after, until) == (found if found and found <= until else None)


@settings(max_examples=100, deadline=None)
@given(CRON_TEXTS, st.sampled_from(sorted(zone_names())), st.integers(0, 40 * 365))
def test_the_walk_ends_in_every_zone_at_a_time_of_day_that_fits(text: str, zone: str, days: int) -> None:
    """Within five years, or with nothing."""
    cron, clock, after = parsed(text), clock_of(zone), datetime(1990, 1, 1, tzinfo=UTC) + timedelta(days=days)
    found = next_after(cron, clock, after)
    if found is not None:
        local = found.astimezone(clock)
        assert after < found < after + timedelta(days=6 * 366)
        assert cron.hour >> local.hour & 1
        assert cron.minute >> local.minute & 1


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        pytest.param(
            "0 9 * * FRI",
            "Africa/Cairo",
            datetime(2025, 4, 18, 12, tzinfo=UTC),
            datetime(2025, 5, 2, 6, tzinfo=UTC),
            id="the Friday that begins with a gap is passed over",
        ),
        pytest.param(
            "0 9 * * FRI",
            "Africa/Cairo",
            datetime(2025, 4, 25, 1, tzinfo=UTC),
            datetime(2025, 4, 25, 6, tzinfo=UTC),
            id="but not by a walk that starts on it",
        ),
        pytest.param(
            "0 9 * * THU,FRI",
            "Africa/Cairo",
            datetime(2025, 4, 24, 12, tzinfo=UTC),
            datetime(2025, 4, 25, 6, tzinfo=UTC),
            id="nor by one that comes hour by hour",
        ),
        pytest.param(
            "0 9 * * SUN",
            "America/Sao_Paulo",
            datetime(2018, 10, 31, tzinfo=UTC),
            datetime(2018, 11, 4, 11, tzinfo=UTC),
            id="a gap at midnight west of Greenwich passes over nothing",
        ),
        pytest.param(
            "0 9 * * SAT",
            "America/Santiago",
            datetime(2025, 9, 6, 13, tzinfo=UTC),
            datetime(2025, 9, 7, 12, tzinfo=UTC),
            id="but the walk can run over it into a day that does not fit",
        ),
        pytest.param(
            "10 3 * * *",
            "Australia/Lord_Howe",
            datetime(2019, 4, 6, 0, tzinfo=UTC),
            datetime(2019, 4, 7, 16, 40, tzinfo=UTC),
            id="after half an hour back the walk goes from half hour to half hour",
        ),
        pytest.param(
            "0 12 * * FRI",
            "Pacific/Apia",
            datetime(2011, 12, 25, tzinfo=UTC),
            datetime(2012, 1, 5, 22, tzinfo=UTC),
            id="a day that a zone left out does not hold the walk",
        ),
        pytest.param(
            "0 0 5 3 *",
            "Asia/Damascus",
            datetime(2005, 3, 6, tzinfo=UTC),
            datetime(2005, 4, 4, 21, tzinfo=UTC),
            id="a month that begins with a gap is taken for the one before",
        ),
        pytest.param(
            "0 9 5 12 *",
            "America/Asuncion",
            datetime(2017, 10, 15, tzinfo=UTC),
            datetime(2018, 12, 5, 12, tzinfo=UTC),
            id="from the end of a month the walk goes to the ends of the next ones",
        ),
        pytest.param(
            "30 0 * * *",
            "Africa/Monrovia",
            datetime(1971, 6, 1, tzinfo=UTC),
            datetime(1971, 6, 1, 1, 14, 30, tzinfo=UTC),
            id="an offset may have seconds",
        ),
    ],
)
def test_the_walk_has_kubernetes_oddities(text: str, zone: str, after: datetime, expected: datetime) -> None:
    """They are what its controller does, so our slots must have them too."""
    assert next_after(parsed(text), clock_of(zone), after) == expected


def test_a_fraction_of_a_second_before_a_slot_is_before_it() -> None:
    """And the slot itself is not after itself."""
    cron, utc, slot = parsed("0 9 * * *"), clock_of("UTC"), datetime(2026, 5, 1, 9, tzinfo=UTC)
    assert next_after(cron, utc, slot - timedelta(microseconds=1)) == slot
    assert next_after(cron, utc, slot) == slot + timedelta(days=1)
    assert next_after(cron, utc, slot + timedelta(microseconds=1)) == slot + timedelta(days=1)


@pytest.mark.parametrize("text", [", * * * *", "* , * * *", "* * , * *", "* * * , *", "* * * * ,", "* * , * ,"])
def test_an_empty_list_never_fires(text: str) -> None:
    """And is found out at once, not after five years of minutes."""
    cron = parse_cron(text)
    assert isinstance(cron, Cron)
    assert not cron.can_fire
    assert next_after(cron, clock_of("Europe/Berlin"), datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_rate_is_anchored_at_the_epoch() -> None:
    """In every zone, and wherever the count starts."""
    cron, clock = parsed("@every 7m"), clock_of("Asia/Kolkata")
    after = datetime(2026, 1, 1, 10, 17, 23, 456_000, tzinfo=UTC)
    first = next_after(cron, clock, after)
    assert first is not None
    assert first.timestamp() % 420 == 0
    assert after < first <= after + timedelta(minutes=7)
    assert next_after(cron, clock, first) == first + timedelta(minutes=7)
    assert matches(cron, first)
    assert not matches(cron, first + MINUTE)
