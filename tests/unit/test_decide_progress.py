"""An execution's status: conditions, and the phase that follows from them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionStatus, Phase
from launchplan_operator.api.mending import Target
from launchplan_operator.decide.progress import (
    cause_of,
    derive_phase,
    is_terminal,
    noted_end,
    queued_status,
    rejected_status,
    run_status,
    skipped_status,
    waiting_status,
)
from launchplan_operator.decide.results import ResultContract
from launchplan_operator.decide.run import End, RunError, RunState, is_finished, observe_run

NOW = datetime(2026, 1, 31, 9, 6, tzinfo=UTC)
STARTED, ENDED = "2026-01-31T09:00:00Z", "2026-01-31T09:05:00Z"
#: What is fixed at acceptance.
FIXED: dict[str, Any] = {"origin": {"type": "Manual"}, "inputs": {"x": 1}, "jobRef": {"name": "r", "uid": "u"}}


def truth(status: Mapping[str, Any]) -> dict[str, str]:
    """Return the status of each condition by its type."""
    return {c["type"]: c["status"] for c in status["conditions"]}


def ended(reason: Reason) -> RunState:
    """Return the state of a run that ended badly."""
    return RunState(reason, "why", STARTED, ENDED, error=RunError("User", "Code", "why"))


RUNNING = {"Ready": "False", "Reconciling": "True", "Stalled": "False", "Succeeded": "Unknown"}
BAD = {"Ready": "False", "Reconciling": "False", "Stalled": "True", "Succeeded": "False"}
GOOD = {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Succeeded": "True"}


@pytest.mark.parametrize(
    ("state", "phase", "expected"),
    [
        pytest.param(RunState(Reason.Queued, "held"), Phase.Queued, RUNNING, id="a held Job leaves the run queued"),
        pytest.param(RunState(Reason.Running, "", STARTED), Phase.Running, RUNNING, id="a started one runs"),
        pytest.param(RunState(Reason.Aborting, "", STARTED), Phase.Aborting, RUNNING, id="one told to end is aborting"),
        pytest.param(
            RunState(Reason.Succeeded, "", STARTED, ENDED, outputs={}),
            Phase.Succeeded,
            GOOD,
            id="empty outputs succeed",
        ),
        pytest.param(ended(Reason.JobFailed), Phase.Failed, BAD, id="a failed Job fails the run"),
        pytest.param(ended(Reason.OutputInvalid), Phase.Failed, BAD, id="invalid outputs fail the run"),
        pytest.param(ended(Reason.OutputsLost), Phase.Failed, BAD, id="lost outputs fail the run"),
        pytest.param(ended(Reason.TimedOut), Phase.TimedOut, BAD, id="a deadline times it out"),
        pytest.param(ended(Reason.Aborted), Phase.Aborted, BAD, id="a wish aborts it"),
        pytest.param(ended(Reason.Replaced), Phase.Aborted, BAD, id="a newer run's turn aborts it"),
        pytest.param(ended(Reason.JobDeleted), Phase.Aborted, BAD, id="a Job deleted by hand aborts it"),
    ],
)
def test_conditions_and_phase_tell_the_same(state: RunState, phase: Phase, expected: dict[str, str]) -> None:
    """The three for kstatus, the one to wait for, and the phase for people."""
    status = run_status(state, 2, NOW, FIXED)
    assert status["phase"] == phase == derive_phase(status["conditions"])
    assert truth(status) == {"Accepted": "True", "Admitted": "True", **expected}
    assert {c["reason"] for c in status["conditions"][2:]} == {state.reason}
    assert status["observedGeneration"] == 2
    LaunchPlanExecutionStatus.model_validate(status)


def test_what_was_fixed_at_acceptance_stays() -> None:
    """And what a run gave is added to it."""
    status = run_status(RunState(Reason.Succeeded, "", STARTED, ENDED, outputs={"rows": 3}), 1, NOW, FIXED)
    assert {key: status[key] for key in FIXED} == FIXED
    expected = {"startTime": STARTED, "completionTime": ENDED, "duration": "5m0s", "outputs": {"rows": 3}}
    assert {key: status[key] for key in expected} == expected
    assert "error" not in status


def test_a_failure_says_whose_it_is() -> None:
    """Kind, code and the last words; no outputs."""
    status = run_status(ended(Reason.JobFailed), 1, NOW, FIXED)
    assert status["error"] == {"kind": "User", "code": "Code", "message": "why"}
    assert "outputs" not in status


def test_a_run_that_goes_on_has_neither_end_nor_duration() -> None:
    """Nothing in a status may change with the mere passing of time."""
    status = run_status(RunState(Reason.Running, "", STARTED), 1, NOW, FIXED)
    assert not {"completionTime", "duration", "outputs", "error"} & set(status)
    later = run_status(RunState(Reason.Running, "", STARTED), 1, NOW + timedelta(hours=1), status)
    assert later == status


def test_a_run_that_never_started_has_no_duration() -> None:
    """It ended all the same."""
    status = run_status(RunState(Reason.Aborted, "", None, ENDED, error=RunError("User", "Aborted", "")), 1, NOW, {})
    assert (status["phase"], status["completionTime"]) == ("Aborted", ENDED)
    assert "duration" not in status


TARGET = Target("lpx", "demo", "by-hand")
FINDINGS = (
    Finding(Reason.TypeMismatch, "bad", "spec.inputs.x"),
    Finding(Reason.MissingInput, "none", "spec.inputs.y", "give it"),
)


def test_a_rejected_run_tells_every_finding() -> None:
    """The first one's reason is the code; the user made the mistake."""
    status = rejected_status(FINDINGS, TARGET, 1, NOW, {"origin": {"type": "Manual"}})
    text = "spec.inputs.x: bad; spec.inputs.y: none (give it)"
    assert status["error"] == {"kind": "User", "code": "TypeMismatch", "message": text}
    assert truth(status) == {"Accepted": "False", "Ready": "False", "Reconciling": "False", "Stalled": "True"}
    told = {c["type"]: c["message"] for c in status["conditions"]}
    assert told == {"Accepted": text, "Ready": text, "Reconciling": "", "Stalled": text}
    assert (status["phase"], status["completionTime"]) == ("Rejected", "2026-01-31T09:06:00Z")
    assert status["origin"] == {"type": "Manual"}
    LaunchPlanExecutionStatus.model_validate(status)


def test_a_rejection_made_again_is_the_same() -> None:
    """A second pass before the watch caught up writes nothing new."""
    first = rejected_status(FINDINGS, TARGET, 1, NOW, {})
    assert rejected_status(FINDINGS, TARGET, 1, NOW + timedelta(hours=1), first) == first


def test_a_run_that_waits_is_queued_until_it_is_accepted_or_rejected() -> None:
    """Neither yes nor no, in progress for kstatus, and no trace of the waiting stays."""
    absent = Finding(Reason.PlanNotFound, "found no plan", transient=True)
    waiting = waiting_status((absent,), TARGET, 1, NOW, {})
    assert (waiting["phase"], is_terminal(waiting)) == ("Queued", False)
    assert truth(waiting) == {"Accepted": "Unknown", "Ready": "False", "Reconciling": "True", "Stalled": "False"}
    assert waiting_status((absent,), TARGET, 1, NOW + timedelta(minutes=1), waiting) == waiting
    rejected = rejected_status((absent,), TARGET, 1, NOW + timedelta(minutes=5), waiting)
    assert (rejected["phase"], rejected["completionTime"]) == ("Rejected", "2026-01-31T09:11:00Z")
    accepted = run_status(RunState(Reason.Running), 1, NOW, waiting)
    assert {c["reason"] for c in accepted["conditions"]} == {"Accepted", "Running"}


def told(status: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return reason and message of each condition by its type."""
    return {c["type"]: (c["reason"], c["message"]) for c in status["conditions"]}


def test_a_run_that_waits_for_a_seat_is_accepted_and_queued() -> None:
    """In progress for kstatus; nothing is written again while it waits."""
    queued = queued_status(Reason.WaitingForSeat, "its turn", 2, NOW, FIXED)
    why = ("WaitingForSeat", "its turn")
    assert (queued["phase"], is_terminal(queued), queued["observedGeneration"]) == ("Queued", False, 2)
    assert truth(queued) == {
        "Accepted": "True",
        "Admitted": "False",
        "Ready": "False",
        "Reconciling": "True",
        "Stalled": "False",
    }
    assert told(queued) == {
        "Accepted": ("Accepted", ""),
        "Admitted": why,
        "Ready": why,
        "Reconciling": why,
        "Stalled": ("WaitingForSeat", ""),
    }
    assert {key: queued[key] for key in FIXED} == FIXED
    assert not {"completionTime", "error"} & set(queued)
    assert queued_status(Reason.WaitingForSeat, "its turn", 2, NOW + timedelta(hours=1), queued) == queued
    LaunchPlanExecutionStatus.model_validate(queued)


def test_a_run_that_is_admitted_has_no_trace_of_the_waiting() -> None:
    """It was accepted all the time, and is admitted from now on."""
    queued = queued_status(Reason.WaitingForSeat, "its turn", 1, NOW, FIXED)
    running = run_status(RunState(Reason.Running), 1, NOW + timedelta(minutes=1), queued)
    assert {c["reason"] for c in running["conditions"]} == {"Accepted", "Running"}
    assert truth(running) == {"Accepted": "True", "Admitted": "True", **RUNNING}
    times = {c["type"]: c["lastTransitionTime"] for c in running["conditions"]}
    assert (times["Accepted"], times["Admitted"]) == ("2026-01-31T09:06:00Z", "2026-01-31T09:07:00Z")
    assert running["phase"] == "Running"


@pytest.mark.parametrize(
    "previous",
    [
        pytest.param({"origin": {"type": "Manual"}}, id="at once"),
        pytest.param(
            queued_status(
                Reason.WaitingForSeat, "its turn", 1, NOW - timedelta(hours=1), {"origin": {"type": "Manual"}}
            ),
            id="after it waited",
        ),
    ],
)
def test_a_skipped_run_has_ended_and_is_no_error(previous: dict[str, Any]) -> None:
    """It did what the plan says: ready for kstatus, with the reason; its end is when that was decided."""
    skipped = skipped_status(Reason.QueueFull, "too many", 1, NOW, previous)
    why = ("QueueFull", "too many")
    assert (skipped["phase"], is_terminal(skipped)) == ("Skipped", True)
    assert truth(skipped) == {
        "Accepted": "True",
        "Admitted": "False",
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert told(skipped) == {
        "Accepted": ("Accepted", ""),
        "Admitted": why,
        "Ready": why,
        "Reconciling": ("QueueFull", ""),
        "Stalled": ("QueueFull", ""),
    }
    assert skipped["completionTime"] == "2026-01-31T09:06:00Z"
    assert skipped["origin"] == {"type": "Manual"}
    assert not {"error", "startTime", "outputs"} & set(skipped)
    assert skipped_status(Reason.QueueFull, "too many", 1, NOW + timedelta(hours=1), skipped) == skipped
    LaunchPlanExecutionStatus.model_validate(skipped)


ABORTED = RunState(Reason.Aborted, "why", None, ENDED, error=RunError("User", "Aborted", "why"))
WAITED = queued_status(Reason.WaitingForSeat, "its turn", 1, NOW, {})
JOB = {"jobRef": {"name": "r", "uid": "u"}}


@pytest.mark.parametrize(
    ("previous", "admitted"),
    [
        pytest.param({}, "False", id="one that nobody had looked at was not admitted"),
        pytest.param(WAITED, "False", id="nor was one that waited"),
        pytest.param(JOB, "True", id="one that has a Job was"),
        pytest.param(WAITED | JOB, "True", id="even if nothing was written since it waited"),
        pytest.param(run_status(RunState(Reason.Queued), 1, NOW, {}), "True", id="so was one that is said to be"),
    ],
)
def test_an_aborted_run_says_whether_it_was_to_start(previous: dict[str, Any], admitted: str) -> None:
    """Whichever way, it was aborted and not skipped."""
    status = run_status(ABORTED, 1, NOW, previous)
    assert (truth(status)["Admitted"], status["phase"], derive_phase(status["conditions"])) == (
        admitted,
        "Aborted",
        Phase.Aborted,
    )
    expected = ("Aborted", "why") if admitted == "False" else ("Accepted", "")
    assert told(status)["Admitted"] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({}, (None, ""), id="nothing is known yet"),
        pytest.param(WAITED, ("WaitingForSeat", "its turn"), id="a run that waits"),
        pytest.param(skipped_status(Reason.QueueFull, "full", 1, NOW, {}), ("QueueFull", "full"), id="a skipped one"),
        pytest.param(
            rejected_status(FINDINGS[1:], TARGET, 1, NOW, {}), ("MissingInput", FINDINGS[1].text), id="rejected"
        ),
        pytest.param(run_status(ABORTED, 1, NOW, {}), ("Aborted", "why"), id="an aborted one"),
    ],
)
def test_a_status_says_why_a_run_stands_where_it_stands(
    status: dict[str, Any], expected: tuple[str | None, str]
) -> None:
    """Reason and message, whatever the phase."""
    assert cause_of(status) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [({}, False), ({"phase": "Queued"}, False), ({"phase": "Aborting"}, False), ({"phase": "Rejected"}, True)],
)
def test_a_run_has_ended_by_its_phase(status: dict[str, Any], expected: bool) -> None:
    """A run without a phase was not looked at yet."""
    assert is_terminal(status) is expected


STATUSES = st.sampled_from(["True", "False", "Unknown"])
CONDITIONS = st.lists(
    st.builds(
        lambda kind, status, reason: {"type": kind, "status": status, "reason": reason.value},
        st.sampled_from(["Accepted", "Admitted", "Succeeded", "Ready", "Reconciling"]),
        STATUSES,
        st.sampled_from(list(Reason)),
    ),
    max_size=4,
)


@given(CONDITIONS)
def test_any_conditions_stand_for_a_phase(conditions: list[dict[str, Any]]) -> None:
    """Succeeded and Rejected each stand for one condition alone, Skipped for two and no outcome."""
    phase = derive_phase(conditions)
    first = {c["type"]: c["status"] for c in reversed(conditions)}
    assert (phase is Phase.Rejected) is (first.get("Accepted") == "False")
    assert (phase is Phase.Succeeded) is (first.get("Succeeded") == "True" and phase is not Phase.Rejected)
    given_up = first.get("Admitted") == "False" and first.get("Reconciling") == "False"
    assert (phase is Phase.Skipped) is (given_up and "Succeeded" not in first and phase is not Phase.Rejected)


JOBS = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries({"suspend": st.booleans()}),
        "status": st.fixed_dictionaries(
            {
                "conditions": st.lists(
                    st.builds(
                        lambda kind, status, reason: {
                            "type": kind,
                            "status": status,
                            "reason": reason,
                            "lastTransitionTime": ENDED,
                        },
                        st.sampled_from(["Complete", "Failed", "FailureTarget", "Suspended"]),
                        STATUSES,
                        st.sampled_from(["DeadlineExceeded", "BackoffLimitExceeded"]),
                    ),
                    max_size=3,
                    unique_by=lambda condition: condition["type"],
                )
            },
            optional={"startTime": st.just(STARTED)},
        ),
    }
)


@given(
    JOBS,
    st.none() | st.builds(End, st.sampled_from([Reason.Aborted, Reason.Replaced]), st.text()),
    st.sampled_from([{}, {"rows": "integer"}]),
)
def test_a_phase_is_terminal_when_the_job_has_ended_and_not_before(
    job: dict[str, Any], end: End | None, outputs: dict[str, str]
) -> None:
    """No running Job ever ends its run; outputs come with Succeeded and with nothing else."""
    state = observe_run(job, ResultContract("main", outputs), [], end=end)
    status = run_status(state, 1, NOW, FIXED)
    assert is_terminal(status) is is_finished(job)
    assert ("outputs" in status) is (status["phase"] == "Succeeded")
    assert ("completionTime" in status) is is_terminal(status)
    assert run_status(state, 1, NOW + timedelta(hours=1), status) == status


@pytest.mark.parametrize("reason", [Reason.JobFailed, Reason.TimedOut, Reason.Aborted])
def test_an_end_that_is_noted_late_says_when_that_was(reason: Reason) -> None:
    """Whatever the outcome, and though the status is made again, and the Job had ended before."""
    running = run_status(RunState(Reason.Running, "", STARTED), 1, NOW, FIXED)
    assert noted_end(running) is None
    status = run_status(ended(reason), 1, NOW + timedelta(hours=1), running)
    again = run_status(ended(reason), 1, NOW + timedelta(hours=2), status)
    assert noted_end(status) == noted_end(again) == "2026-01-31T10:06:00Z"
    assert status["completionTime"] == ENDED


@pytest.mark.parametrize(
    ("status", "expected"),
    [({}, None), ({"phase": "Failed", "completionTime": ENDED}, ENDED), ({"phase": "Failed", "conditions": []}, None)],
)
def test_a_status_that_somebody_wrote_may_not_say_when_its_end_was_noted(
    status: dict[str, Any], expected: str | None
) -> None:
    assert noted_end(status) == expected
