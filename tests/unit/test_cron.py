"""Cron texts: which are taken, in what words others are refused, and what the normal form of a text is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from launchplan_operator.decide.cron import Cron, CronError, parse_cron
from launchplan_operator.decide.cron_walk import next_after
from launchplan_operator.decide.cron_zones import find_zone

DATA = Path(__file__).parents[1] / "data" / "cron"
TEXTS = yaml.safe_load((DATA / "texts.yaml").read_text(encoding="utf-8"))
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def rows(table: list[dict[str, Any]]) -> list[Any]:
    """Return a table's rows as parameters that are called by their case and text."""
    return [pytest.param(row, id=f"{row['id']} {row['text']!r}") for row in table]


def parsed(text: str) -> Cron:
    """Return the meaning of a text that must be good."""
    cron = parse_cron(text)
    assert isinstance(cron, Cron), cron
    return cron


def fields(low: int, high: int, words: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Good texts of one field."""
    values = st.integers(low, high)
    named = [st.sampled_from([word.upper() for word in words] + list(words))] if words else []
    spans = st.tuples(values, values).map(lambda pair: f"{min(pair)}-{max(pair)}")
    bases = st.one_of(st.sampled_from("*?"), values.map(str), spans)
    steps = st.one_of(st.just(""), st.integers(1, high + 2).map(lambda step: f"/{step}"))
    items = st.one_of(st.tuples(bases, steps).map("".join), *named)
    return st.lists(items, min_size=1, max_size=3).map(",".join)


CRON_TEXTS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12, MONTHS), fields(0, 6, WEEKDAYS)).map(
    " ".join
)


@pytest.mark.parametrize("row", rows(TEXTS["accepted"]))
def test_a_text_that_kubernetes_takes_is_taken(row: dict[str, Any]) -> None:
    """It is read, can fire, and its first time in UTC is the known one."""
    cron, utc = parsed(row["text"]), find_zone("UTC")
    assert utc is not None
    assert cron.can_fire
    assert "first" not in row or next_after(cron, utc, NEW_YEAR) == row["first"]


@pytest.mark.parametrize("row", rows(TEXTS["refused"]))
def test_a_text_that_kubernetes_refuses_is_refused(row: dict[str, Any]) -> None:
    """Whatever other crons make of it."""
    assert isinstance(parse_cron(row["text"]), CronError)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("0 9 * * 7", "weekday 7: Kubernetes counts 0 (Sunday) to 6", "use 0 or SUN"),
        ("0 9 * * 5-7", "weekday 7: Kubernetes counts 0 (Sunday) to 6", "write 5-6,0"),
        ("0 9 * * 6-7", "weekday 7: Kubernetes counts 0 (Sunday) to 6", "write 6,0"),
        ("0 9 * * 8", "weekday 8: expected 0 to 6, or SUN to SAT", "the first is 0"),
        ("60 * * * *", "minute 60: expected 0 to 59", "the first is 0"),
        ("0 24 * * *", "hour 24: expected 0 to 23", "the first is 0"),
        ("0 0 0 * *", "day of month 0: expected 1 to 31", "the first is 1"),
        ("0 0 1 13 *", "month 13: expected 1 to 12, or JAN to DEC", "the first is 1"),
        ("0 0 * * FRI-MON", "weekday 5-1: the range ends before it begins", "write 5-6,0-1"),
        ("30-10 * * * *", "minute 30-10: the range ends before it begins", "write 30-59,0-10"),
        ("*/0 * * * *", "minute */0: found the step '0', expected a whole number from 1", ""),
        ("1/2/3 * * * *", "minute 1/2/3: found 2 slashes, expected one at most", ""),
        ("1-2-3 * * * *", "minute 1-2-3: found 2 hyphens, expected one at most", ""),
        ("1- * * * *", "minute 1-: found '', expected 0 to 59", ""),
        ("1.5 * * * *", "minute 1.5: expected 0 to 59", "use whole numbers"),
        ("9999999999999999999 * * * *", "minute 9999999999999999999: expected 0 to 59", ""),
        ("0 0 L * *", "day of month L: expected 1 to 31", "Kubernetes has no L for the last day"),
        ("0 0 L-3 * *", "day of month L-3: found 'L', expected 1 to 31", "Kubernetes has no L for the last day"),
        ("0 0 * * 5L", "weekday 5L: expected 0 to 6, or SUN to SAT", "Kubernetes has no L for the last day"),
        ("0 0 15W * *", "day of month 15W: expected 1 to 31", "Kubernetes has no W for the nearest working day"),
        (
            "0 9 * * MON#1",
            "weekday MON#1: expected 0 to 6, or SUN to SAT",
            "Kubernetes has no # for the n-th weekday of a month",
        ),
        (
            "H/15 * * * *",
            "minute H/15: found 'H', expected 0 to 59",
            "Kubernetes has no H or R for a chosen value: write a number",
        ),
        ("0 0 * * Monday", "weekday Monday: expected 0 to 6, or SUN to SAT", "use MON"),
        (
            "0 0 9 * * *",
            "found 6 fields, expected 5: minute, hour, day of month, month, weekday",
            "Kubernetes has no field for seconds or years",
        ),
        (
            "@reboot",
            "found @reboot, expected one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly",
            "write the five fields, or @every with a duration",
        ),
        (
            "@every 1d",
            "found @every 1d, expected a Go duration after @every",
            "units are h, m and s, for example @every 1h30m; a day is 24h",
        ),
        (
            "CRON_TZ=UTC * * * *",
            "found a time zone in the text: Kubernetes refuses TZ= and CRON_TZ=",
            "use the field timeZone",
        ),
        (
            "TZ=Europe/Berlin 0 9 * * *",
            "found a time zone in the text: Kubernetes refuses TZ= and CRON_TZ=",
            "use the field timeZone",
        ),
    ],
)
def test_a_refusal_says_what_was_found_and_expected(text: str, message: str, hint: str) -> None:
    """Its words are a promise to users."""
    assert parse_cron(text) == CronError(message, hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("@DAILY", "write @daily"),
        ("@hours", "write @hourly"),
        ("weeks", "write @weekly, with no blank beside it"),
        (" @daily", "write @daily, with no blank beside it"),
        ("@daily ", "write @daily"),
        ("0 9 * *", "for example 0 9 * * MON-FRI"),
        ("0 9 * *\x1c*", "for example 0 9 * * MON-FRI"),
    ],
)
def test_a_refusal_hints_at_what_was_meant(text: str, hint: str) -> None:
    """Flyte's words and descriptors in other letters are known."""
    error = parse_cron(text)
    assert isinstance(error, CronError)
    assert error.hint == hint


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("?\t?   ? ?\u00a0?", "* * * * *"),
        ("*/1 */1 * * *", "* * * * *"),
        ("0-59 0-23 1-31 1-12 0-6", "* * * * *"),
        ("0/15 * * * *", "*/15 * * * *"),
        ("0,30 * * * *", "*/30 * * * *"),
        ("0,40 * * * *", "0,40 * * * *"),
        ("*/40 * * * *", "0,40 * * * *"),
        ("5/15 * * * *", "5-50/15 * * * *"),
        ("0 007 +5 * *", "0 7 5 * *"),
        ("0 9 * jan-MAR MON,Tue,wed", "0 9 * 1-3 1-3"),
        ("0 9 * * 0,3,6", "0 9 * * 0-6/3"),
        ("1,2,3,7,9,8,30,31 * * * *", "1-3,7-9,30,31 * * * *"),
        ("0,,5 * * * *", "0,5 * * * *"),
        ("*-nothing/1 * * * *", "* * * * *"),
        ("0 0 5-5 * *", "0 0 5 * *"),
        ("0 0 */1 * MON", "0 0 * * 1"),
        ("0 0 1-31 * MON", "0 0 * * *"),
        ("0 0 1 * 0-6", "0 0 * * *"),
        ("0 0 1 * */2", "0 0 1 * 0-6/2"),
        ("0 0 , * MON", "0 0 * * 1"),
        ("0 0 1 * ,", "0 0 1 * *"),
        ("0 0 , * ?", "0 0 , * *"),
        ("@every 90s", "@every 90s"),
    ],
)
def test_texts_with_the_same_meaning_have_one_normal_form(text: str, same: str) -> None:
    """Which is itself a text with that meaning."""
    assert parsed(text).text == same
    assert parsed(same).text == same


@settings(deadline=None)
@given(CRON_TEXTS)
def test_the_normal_form_is_stable_and_means_the_same_on_every_day(text: str) -> None:
    """Minutes, hours and months agree, and so does every pair of day and weekday."""
    cron = parsed(text)
    normal = parsed(cron.text)
    assert normal.text == cron.text
    assert (normal.minute, normal.hour, normal.month) == (cron.minute, cron.hour, cron.month)
    for day in range(1, 32):
        for weekday in range(7):
            assert normal.matches_day(day, weekday) == cron.matches_day(day, weekday)


@settings(deadline=None)
@given(CRON_TEXTS)
@example("0 0 30 2 MON")
@example("0 0 31 4,6 *")
def test_a_text_can_fire_if_a_leap_year_has_a_day_for_it(text: str) -> None:
    """Every date comes on every weekday sooner or later."""
    cron = parsed(text)
    dates = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days) for days in range(366)]
    fit = [
        any(cron.matches_day(date.day, weekday) for weekday in range(7))
        for date in dates
        if cron.month >> date.month & 1
    ]
    assert cron.can_fire == any(fit)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing raises, and a refusal has words."""
    cron = parse_cron(text)
    assert isinstance(cron, Cron) or cron.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("@every 1h30m", 5400),
        ("@every 1h30m10.9s", 5410),
        ("@every 500ms", 1),
        ("@every 0", 1),
        ("@every -1h", 1),
        ("@every +1.5m", 90),
    ],
)
def test_the_period_of_a_rate_is_rounded_as_kubernetes_does(text: str, seconds: int) -> None:
    """Down to whole seconds, and up to one."""
    assert parsed(text).every == timedelta(seconds=seconds)
