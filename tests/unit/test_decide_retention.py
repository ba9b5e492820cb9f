"""Retention: how much history is kept, and what is never removed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.execution import Phase
from launchplan_operator.decide.retention import (
    MINIMUM_AGE,
    TRACKING_MARKS,
    Ended,
    HistoryLimits,
    Retention,
    decide_retention,
    marks_of,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = HistoryLimits(1, 1, 1)


def run(name: str, age: timedelta, phase: str = "Succeeded", *marks: str) -> Ended:
    """Return a run that ended so long before noon."""
    return Ended(name, phase, NOON - age, NOON - age, frozenset(marks))


def noted_late(ended: Ended, age: timedelta) -> Ended:
    """Return a run whose end was noted so long before noon."""
    return replace(ended, noted=NOON - age)


@pytest.mark.parametrize(
    ("ended", "limits", "expected"),
    [
        pytest.param([], ONE, Retention(), id="nothing ended, nothing is removed"),
        pytest.param([run("a", HOUR)], ONE, Retention(), id="what is within the limit is kept without an end"),
        pytest.param(
            [run("new", HOUR), run("old", 3 * HOUR), run("mid", 2 * HOUR)],
            ONE,
            Retention(("old", "mid")),
            id="the oldest go first",
        ),
        pytest.param(
            [run("a", HOUR), run("b", HOUR), run("c", HOUR)],
            ONE,
            Retention(("a", "b")),
            id="of runs that ended together the last name stays",
        ),
        pytest.param([run("a", HOUR)], HistoryLimits(0, 1, 1), Retention(("a",)), id="a limit of none keeps none"),
        pytest.param(
            [run("a", 2 * HOUR), run("b", HOUR, "Failed"), run("c", HOUR, "Rejected")],
            ONE,
            Retention(),
            id="each outcome has its own limit",
        ),
        pytest.param(
            [run("a", 2 * HOUR, "Skipped"), run("b", HOUR, "Rejected")],
            ONE,
            Retention(("a",)),
            id="skipped and rejected runs share one limit",
        ),
        pytest.param(
            [run("a", 2 * HOUR, "Succeeded", "team"), run("b", HOUR, "Succeeded", "team")],
            ONE,
            Retention(("a",)),
            id="a label of somebody's own tracks nothing",
        ),
        pytest.param(
            [run("a", 3 * HOUR, "Failed"), run("b", 2 * HOUR, "TimedOut"), run("c", HOUR, "Aborted")],
            ONE,
            Retention(("a", "b")),
            id="failed, timed out and aborted runs share one limit",
        ),
        pytest.param(
            [run("a", HOUR, "Running"), run("b", HOUR)], ONE, Retention(), id="what has not ended is no history"
        ),
        pytest.param(
            [run("new", timedelta(minutes=1)), run("old", timedelta(minutes=5))],
            ONE,
            Retention((), NOON + timedelta(minutes=10)),
            id="a surplus run waits until it ended a quarter of an hour ago",
        ),
        pytest.param(
            [run("new", HOUR), noted_late(run("old", 3 * HOUR), timedelta(minutes=5)), run("mid", 2 * HOUR)],
            ONE,
            Retention(("mid",), NOON + timedelta(minutes=10)),
            id="a request may have been sent until its end was noted, which puts it no further back in the line",
        ),
        pytest.param(
            [run("new", timedelta()), run("old", MINIMUM_AGE)],
            ONE,
            Retention(("old",)),
            id="at that very instant it goes",
        ),
        pytest.param(
            [run("a", HOUR), run("b", 3 * HOUR)],
            HistoryLimits(9, 9, 9, 2 * HOUR),
            Retention(("b",), NOON + HOUR),
            id="a time to live removes what is within the limit, and says when it will be the next one's turn",
        ),
        pytest.param(
            [run("a", timedelta(minutes=5))],
            HistoryLimits(9, 9, 9, timedelta(seconds=1)),
            Retention((), NOON + timedelta(minutes=10)),
            id="a short time to live is a quarter of an hour",
        ),
        pytest.param(
            [run("x", 9 * HOUR, "Succeeded", "argocd.argoproj.io/tracking-id"), run("a", 2 * HOUR), run("b", HOUR)],
            HistoryLimits(1, 1, 1, 3 * HOUR),
            Retention(("a",), NOON + 2 * HOUR),
            id="what another tool tracks is neither removed nor counted",
        ),
    ],
)
def test_history_is_what_the_limits_leave(ended: list[Ended], limits: HistoryLimits, expected: Retention) -> None:
    """Each row is one look at noon."""
    assert decide_retention(ended, limits, NOON) == expected


def test_the_quarter_of_an_hour_is_one() -> None:
    """A late write of a paused leader still meets the name occupied."""
    assert timedelta(minutes=15) == MINIMUM_AGE


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.terminal])
def test_every_terminal_phase_has_a_limit(phase: Phase) -> None:
    """Else such runs would pile up for ever."""
    assert decide_retention([run("a", HOUR, phase.value)], HistoryLimits(0, 0, 0), NOON).remove == ("a",)


RUNS = st.lists(
    st.builds(
        run,
        st.uuids().map(str),
        st.integers(0, 60).map(lambda minutes: timedelta(minutes=minutes)),
        st.sampled_from([*(phase.value for phase in Phase), "Skipped"]),
        st.sampled_from(["app", *sorted(TRACKING_MARKS)]),
    ),
    max_size=12,
    unique_by=lambda item: item.name,
)
LIMITS = st.builds(
    HistoryLimits,
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.integers(0, 60).map(lambda minutes: timedelta(minutes=minutes)),
)
BUCKETS = {"Succeeded": 0, "Failed": 1, "TimedOut": 1, "Aborted": 1, "Skipped": 2, "Rejected": 2}


@given(RUNS, LIMITS)
def test_nothing_young_tracked_or_running_is_ever_removed(runs: list[Ended], limits: HistoryLimits) -> None:
    """And without a time to live never more than the surplus, the oldest of it."""
    removed = set(decide_retention(runs, limits, NOON).remove)
    for item in (item for item in runs if item.name in removed):
        assert NOON - item.at >= timedelta(minutes=15)
        assert not item.marks & TRACKING_MARKS
        assert item.phase in BUCKETS
    if limits.ttl is not None:
        return
    for bucket, kept in enumerate((limits.succeeded, limits.failed, limits.skipped)):
        members = [r for r in runs if BUCKETS.get(r.phase) == bucket and not r.marks & TRACKING_MARKS]
        gone = [r for r in members if r.name in removed]
        stay = [r for r in members if r.name not in removed]
        assert len(gone) <= max(0, len(members) - kept)
        assert max((r.at for r in gone), default=NOON - 2 * HOUR) <= min((r.at for r in stay), default=NOON)


@given(RUNS, LIMITS)
def test_a_look_at_the_next_time_finds_something_to_remove(runs: list[Ended], limits: HistoryLimits) -> None:
    """And none of it was due before: the next time is neither late nor idle."""
    first = decide_retention(runs, limits, NOON)
    left = [item for item in runs if item.name not in first.remove]
    if first.next_at is None:
        assert decide_retention(left, limits, NOON + 1000 * HOUR) == Retention()
        return
    assert first.next_at > NOON
    assert decide_retention(left, limits, first.next_at - timedelta(seconds=1)).remove == ()
    assert decide_retention(left, limits, first.next_at).remove


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, set()),
        ({"labels": None, "annotations": None}, set()),
        ({"labels": {"a": "1"}, "annotations": {"b": "2"}}, {"a", "b"}),
    ],
)
def test_marks_are_the_keys_of_labels_and_annotations(metadata: dict[str, object], expected: set[str]) -> None:
    """Absent or null, there are none."""
    assert marks_of(metadata) == expected
