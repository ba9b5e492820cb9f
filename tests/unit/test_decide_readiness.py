"""Ready, Reconciling and Stalled, as the tools that wait for them read them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Target, set_field
from launchplan_operator.decide.readiness import PATIENCE, Verdict, patience_left, ready_conditions

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
PERMANENT = Finding(Reason.CronInvalid, "bad cron", "spec.schedule.cron")
ABSENT = Finding(Reason.WorkflowNotFound, "no workflow", transient=True)
PENDING = Finding(Reason.ScheduleChangePending, "the old one goes", transient=True)


TARGET = Target("lp", "demo", "daily")


def judged(
    *findings: Finding, now: datetime = NINE, previous: Sequence[Mapping[str, Any]] = (), pending: Finding | None = None
) -> list[dict[str, Any]]:
    """Return the conditions of a plan that is active but for these findings."""
    return ready_conditions(Verdict(Reason.Active, "fine", TARGET, findings, pending), 1, now, previous)


def truth(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Return the types that are true, in order."""
    return " ".join(c["type"] for c in conditions if c["status"] == "True")


def kstatus(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Return what kstatus makes of them: Reconciling is in progress, Stalled has failed, else Ready decides."""
    held = {c["type"] for c in conditions if c["status"] == "True"}
    if "Reconciling" in held:
        return "InProgress"
    return "Failed" if "Stalled" in held else "Current" if "Ready" in held else "InProgress"


@pytest.mark.parametrize(
    ("findings", "pending", "expected", "reason"),
    [
        pytest.param((), None, "Ready", "Active", id="without a finding it is ready"),
        pytest.param((PERMANENT,), None, "Stalled", "CronInvalid", id="a permanent finding stalls at once"),
        pytest.param((ABSENT,), None, "Reconciling", "WorkflowNotFound", id="what another object mends is waited for"),
        pytest.param((ABSENT, PERMANENT), None, "Stalled", "WorkflowNotFound", id="one permanent finding is enough"),
        pytest.param((), PENDING, "Reconciling", "ScheduleChangePending", id="work of ours under way is no failure"),
        pytest.param((PERMANENT,), PENDING, "Stalled", "CronInvalid", id="a finding outweighs work under way"),
    ],
)
def test_conditions_follow_from_the_findings(
    findings: tuple[Finding, ...], pending: Finding | None, expected: str, reason: str
) -> None:
    """All three give the same reason; Ready and whichever holds give the message."""
    conditions = judged(*findings, pending=pending)
    assert [c["type"] for c in conditions] == ["Ready", "Reconciling", "Stalled"]
    assert truth(conditions) == expected
    assert {c["reason"] for c in conditions} == {reason}
    wrong = [*findings, *([pending] if pending else [])]
    text = "; ".join(f.text for f in wrong) or "fine"
    assert conditions[0]["message"] == text
    assert [c["message"] for c in conditions[1:]] == [text if c["status"] == "True" else "" for c in conditions[1:]]


@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        (timedelta(), "Reconciling"),
        (PATIENCE - timedelta(seconds=1), "Reconciling"),
        (PATIENCE, "Stalled"),
        (timedelta(days=1), "Stalled"),
    ],
)
def test_an_absent_object_stalls_after_five_minutes(waited: timedelta, expected: str) -> None:
    """Manifests may be applied in any order, but not for ever."""
    assert timedelta(minutes=5) == PATIENCE
    first = judged(ABSENT)
    assert truth(judged(ABSENT, now=NINE + waited, previous=first)) == expected


def test_looking_often_does_not_move_the_end_of_patience() -> None:
    """The clock runs from the first look, and once stalled it stays so while nothing changes."""
    conditions = judged(ABSENT)
    stalled = []
    for minute in range(1, 9):
        conditions = judged(ABSENT, now=NINE + timedelta(minutes=minute), previous=conditions)
        stalled.append(truth(conditions) == "Stalled")
    assert stalled == [False] * 4 + [True] * 4


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param((), PATIENCE, id="a new object has all of it"),
        pytest.param(judged(), PATIENCE, id="a ready one has all of it"),
        pytest.param(judged(ABSENT), timedelta(minutes=3), id="one that waits has what is left"),
        pytest.param(judged(PERMANENT), timedelta(), id="a stalled one has none"),
    ],
)
def test_patience_is_what_is_left_of_five_minutes(before: Sequence[Mapping[str, Any]], expected: timedelta) -> None:
    """Two minutes after the look at nine."""
    assert patience_left(NINE + timedelta(minutes=2), before) == expected


def test_another_cause_is_waited_for_anew() -> None:
    """A plan whose cron text was mended and whose workflow is applied a second later must not look failed between."""
    stalled = judged(PERMANENT)
    mended = judged(ABSENT, now=NINE + timedelta(hours=1), previous=stalled)
    assert truth(mended) == "Reconciling"
    assert truth(judged(ABSENT, now=NINE + timedelta(hours=1, minutes=4), previous=mended)) == "Reconciling"
    assert truth(judged(ABSENT, now=NINE + timedelta(hours=1, minutes=5), previous=mended)) == "Stalled"


def test_ready_keeps_its_transition_time_while_the_cause_changes() -> None:
    """Only Reconciling starts anew with each cause."""
    later = judged(ABSENT, now=NINE + timedelta(minutes=1), previous=judged(pending=PENDING))
    assert [c["lastTransitionTime"][11:19] for c in later] == ["09:00:00", "09:01:00", "09:00:00"]


def test_what_arrived_makes_it_ready_and_patience_whole_again() -> None:
    """A workflow that comes, goes and comes is waited for each time."""
    late = NINE + timedelta(hours=1)
    gone = judged(ABSENT, now=late, previous=judged(now=late, previous=judged(ABSENT)))
    assert truth(judged(ABSENT, now=late + timedelta(minutes=4), previous=gone)) == "Reconciling"


FINDINGS = st.lists(st.sampled_from([PERMANENT, ABSENT]), max_size=2)
LOOKS = st.lists(st.tuples(FINDINGS, st.none() | st.just(PENDING), st.integers(1, 400)), min_size=1, max_size=8)


@given(LOOKS)
def test_any_history_reads_as_one_of_three(looks: list[tuple[list[Finding], Finding | None, int]]) -> None:
    """One of the three holds; an absence alone fails five minutes after its first look; a second look is no change."""
    now, previous, since, waited = NINE, list[dict[str, Any]](), NINE, False
    for findings, pending, seconds in looks:
        now += timedelta(seconds=seconds)
        conditions = judged(*findings, now=now, previous=previous, pending=pending)
        waits = bool(findings) and PERMANENT not in findings
        # One that had failed and still fails for the same cause does not hope again.
        failed = waits and truth(previous) == "Stalled" and conditions[0]["reason"] == previous[0]["reason"]
        since = since if waits and waited else now
        patient = waits and not failed and now - since < PATIENCE
        state = "Failed" if findings and not patient else "InProgress" if patient or pending else "Current"
        assert kstatus(conditions) == state
        assert len(truth(conditions).split()) == 1
        assert judged(*findings, now=now, previous=conditions, pending=pending) == conditions
        previous, waited = conditions, waits


def test_the_command_that_mends_it_stands_beside_what_columns_show() -> None:
    """Ready says what is wrong; Stalled, or Reconciling, also how to mend it, all at once."""
    findings = (
        Finding(
            Reason.CronInvalid, "bad", "spec.schedule.cron", fix=set_field("0 9 * * *", "spec", "schedule", "cron")
        ),
        Finding(Reason.UnexpectedInput, "odd", "spec.fixedInputs.x", fix=set_field(None, "spec", "fixedInputs", "x")),
    )
    ready, reconciling, stalled = ready_conditions(
        Verdict(Reason.Active, "fine", TARGET, findings), 1, datetime(2026, 1, 31, tzinfo=UTC), ()
    )
    assert ready["message"] == "spec.schedule.cron: bad; spec.fixedInputs.x: odd"
    assert reconciling["message"] == ""
    patch = '{"spec":{"schedule":{"cron":"0 9 * * *"},"fixedInputs":{"x":null}}}'
    command = f"kubectl patch lp daily -n demo --type=merge -p '{patch}'"
    assert stalled["message"] == f"{ready['message']}. To mend it, for example: {command}"
