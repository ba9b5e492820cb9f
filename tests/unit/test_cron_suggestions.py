"""What is offered in place of a refused schedule: the meaning that was probably meant, and always one that works."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.schedule import FixedRate, RateUnit, Schedule
from launchplan_operator.decide.cron import Cron, parse_cron
from launchplan_operator.decide.cron_suggestions import EXAMPLE, suggest_cron, suggest_rate
from launchplan_operator.decide.schedule import Timetable, read_schedule


@pytest.mark.parametrize(
    ("text", "cron", "zone"),
    [
        pytest.param("0 9 * * 7", "0 9 * * 0", None, id="7 was Sunday"),
        pytest.param("0 9 * * 5-7", "0 9 * * 5-6,0", None, id="a range up to Sunday goes on at 0"),
        pytest.param("0 0 9 * * 1", "0 9 * * 1", None, id="a field for seconds goes"),
        pytest.param("0 0 9 ? * MON 2027", "0 9 * * MON", None, id="and one for years with it"),
        pytest.param("TZ=Europe/Berlin 0 9 * * 1", "0 9 * * 1", "Europe/Berlin", id="the zone has its own field"),
        pytest.param("CRON_TZ=UTC 0 9 * * 7", "0 9 * * 0", "UTC", id="and what is left is mended too"),
        pytest.param("0 0 31 2 *", "0 0 28 2 *", None, id="a day that never comes is the last that always does"),
        pytest.param("0 0 L * *", "0 0 28 * *", None, id="the last day is near the 28th"),
        pytest.param("Daily", "@daily", None, id="a word of others"),
        pytest.param("@reboot", EXAMPLE, None, id="nothing is near: an example that does no harm"),
        pytest.param("60 * * * *", EXAMPLE, None, id="nor here"),
    ],
)
def test_a_refused_text_is_answered_with_what_was_meant(text: str, cron: str, zone: str | None) -> None:
    """Each is a text that people bring from elsewhere."""
    assert suggest_cron(text) == (cron, zone)


@given(st.text(alphabet="0123456789*/-,?LW# @TZ=adilyMON", max_size=20))
def test_what_is_suggested_always_works(text: str) -> None:
    """Kubernetes takes it, and it fires."""
    cron, _ = suggest_cron(text)
    read = parse_cron(cron)
    assert isinstance(read, Cron)
    assert read.can_fire
    assert isinstance(read_schedule(Schedule(cron=cron)), Timetable)


@given(st.integers(1, 100_000) | st.sampled_from([60, 120, 720, 1440]), st.sampled_from(RateUnit))
def test_a_suggested_rate_is_one_that_is_kept(value: int, unit: RateUnit) -> None:
    """A rate that is kept already stays."""
    rate = FixedRate(value=value, unit=unit)
    near = suggest_rate(rate)
    assert isinstance(read_schedule(Schedule(fixed_rate=near, engine="CronJob")), Timetable)
    if isinstance(read_schedule(Schedule(fixed_rate=rate, engine="CronJob")), Timetable):
        assert near == rate
