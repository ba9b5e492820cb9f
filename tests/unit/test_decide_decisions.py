"""What a plan's status tells of runs that never started."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Target
from launchplan_operator.api.planstatus import Decision
from launchplan_operator.decide.decisions import MAX_DECISION_MESSAGE, decision_of, plain_decision, withdraw_unstarted
from launchplan_operator.decide.progress import queued_status, rejected_status, run_status, skipped_status
from launchplan_operator.decide.run import RunError, RunState

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
SLOT = {"origin": {"type": "Schedule", "slot": "2026-01-31T11:59:00Z"}}
JOB = {"jobRef": {"name": "report-1", "uid": "u"}}
NOON_TEXT = "2026-01-31T12:00:00Z"


def skipped(reason: Reason, previous: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the status of a run that was skipped at noon."""
    return skipped_status(reason, "why", 1, NOON, previous or {})


def ended(reason: Reason, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a run that ended badly at noon."""
    state = RunState(reason, "why", None, NOON_TEXT, error=RunError("User", reason, "why"))
    return run_status(state, 1, NOON, previous)


def entry(outcome: str, reason: str, **more: str) -> dict[str, str]:
    """Return the entry of a decision that was taken at noon."""
    return {"time": NOON_TEXT, "execution": "report-1", "outcome": outcome, "reason": reason, "message": "why", **more}


REJECTED = rejected_status((Finding(Reason.MissingInput, "why"),), Target("lpx", "demo", "report-1"), 1, NOON, {})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(skipped(Reason.LimitReached), entry("Skipped", "LimitReached"), id="a run that was one too many"),
        pytest.param(
            skipped(Reason.Suspended, SLOT),
            entry("Skipped", "Suspended", slot="2026-01-31T11:59:00Z"),
            id="the run of a slot names the slot",
        ),
        pytest.param(skipped(Reason.QueueExpired), entry("Expired", "QueueExpired"), id="one that waited too long"),
        pytest.param(REJECTED, entry("Rejected", "MissingInput"), id="one that could not start"),
        pytest.param(
            ended(Reason.Aborted, queued_status(Reason.WaitingForSeat, "", 1, NOON, {})),
            entry("Aborted", "Aborted"),
            id="one that was terminated while it waited",
        ),
        pytest.param(ended(Reason.Aborted, JOB), None, id="one that was terminated while it ran did start"),
        pytest.param(ended(Reason.JobFailed, JOB), None, id="so did one that failed"),
        pytest.param(run_status(RunState(Reason.Running), 1, NOON, JOB), None, id="and one that runs"),
        pytest.param(queued_status(Reason.WaitingForSeat, "", 1, NOON, {}), None, id="one that waits may yet start"),
        pytest.param({}, None, id="nothing is decided about one that nobody looked at"),
        pytest.param(None, None, id="nor about one without a status"),
    ],
)
def test_a_run_that_never_started_is_told_of(status: dict[str, Any] | None, expected: dict[str, str] | None) -> None:
    """When, which, how and why; its time is its end, however late it is told."""
    found = decision_of({"metadata": {"name": "report-1"}, "status": status}, LATER)
    assert found == expected
    if found is not None:
        Decision.model_validate(found)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param({}, {}, id="about the plan"),
        pytest.param({"execution": "report-1"}, {"execution": "report-1"}, id="about a run"),
        pytest.param({"slot": "2026-01-31T11:59:00Z"}, {"slot": "2026-01-31T11:59:00Z"}, id="about a slot"),
    ],
)
def test_a_decision_of_now_is_told(about: dict[str, str], expected: dict[str, str]) -> None:
    """What it is about, where it is about one thing."""
    found = plain_decision(NOON, "Missed", Reason.Missed, "why", **about)
    assert found == {"time": NOON_TEXT, "outcome": "Missed", "reason": "Missed", "message": "why", **expected}
    Decision.model_validate(found)


def test_a_long_message_is_cut() -> None:
    """The execution has the whole of it."""
    execution = {"metadata": {"name": "x"}, "status": skipped_status(Reason.QueueFull, "y" * 9999, 1, NOON, {})}
    decision = decision_of(execution, LATER)
    assert decision is not None
    assert decision["message"] == "y" * (MAX_DECISION_MESSAGE - 1) + "…"


TOLD = {
    reason: plain_decision(NOON, reason.value, reason, "why", slot=f"2026-01-31T11:5{number}:00Z")
    for number, reason in enumerate((Reason.Missed, Reason.Unknown, Reason.CaughtUp))
}
A_STRANGER = plain_decision(NOON, "Missed", Reason.SlotNameTaken, "why", slot="2026-01-31T11:53:00Z")


@pytest.mark.parametrize(
    ("started", "left", "counts"),
    [
        pytest.param((), 4, {"missed": 2, "unknown": 1, "started": 3}, id="what did not start stays told"),
        pytest.param(("2026-01-31T11:50:00Z",), 3, {"missed": 1, "unknown": 1, "started": 3}, id="a missed slot"),
        pytest.param(("2026-01-31T11:51:00Z",), 3, {"missed": 2, "started": 3}, id="an unknown one"),
        pytest.param(
            ("2026-01-31T11:52:00Z", "2026-01-31T11:53:00Z"),
            4,
            {"missed": 2, "unknown": 1, "started": 3},
            id="neither one that was caught up nor one whose name a stranger has",
        ),
    ],
)
def test_a_slot_that_was_started_after_all_is_told_of_no_more(
    started: tuple[str, ...], left: int, counts: dict[str, int]
) -> None:
    status = {"counts": {"missed": 2, "unknown": 1, "started": 3}, "decisions": [*TOLD.values(), A_STRANGER]}
    found = withdraw_unstarted(status, started)
    assert (len(found["decisions"]), found["counts"]) == (left, counts)
    assert withdraw_unstarted(found, started) == found


def test_a_decision_that_was_never_counted_is_taken_back_all_the_same() -> None:
    """Somebody wrote it into the status by hand."""
    found = withdraw_unstarted({"decisions": [TOLD[Reason.Missed]]}, {"2026-01-31T11:50:00Z"})
    assert (found["decisions"], found["counts"]) == ([], {})
