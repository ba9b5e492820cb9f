"""What one written status decided: each decision once, with the keys of its log line, and no value of an input."""

from typing import Any

import pytest

from launchplan_operator.api.execution import Phase
from launchplan_operator.observe.decisions import Decision, plan_decisions, read_step, run_decisions, slot_counts

Status = dict[str, Any]

SLOT = "2026-01-01T00:05:00Z"
CREATED, STARTED = "2026-01-01T00:05:01Z", "2026-01-01T00:05:31Z"
RUN: dict[str, Any] = {
    "metadata": {"namespace": "team", "name": "daily-1"},
    "spec": {"launchPlanRef": {"name": "daily"}, "inputs": {"password": "hunter2"}},
}
PLAN: dict[str, Any] = {"metadata": {"namespace": "team", "name": "daily"}}
ORIGIN = {"type": "Schedule", "slot": SLOT}
JOB = {"name": "daily-1", "uid": "j"}


def status(phase: str, reason: str, **more: Any) -> Status:
    """Return an execution's status as far as it is read here."""
    ready = {"type": "Ready", "status": "False", "reason": reason, "message": "found 'hunter2'"}
    return {"phase": phase, "origin": ORIGIN, "queuedTime": CREATED, "conditions": [ready]} | more


QUEUED = status("Queued", "WaitingForSeat")
IN_LINE = QUEUED | {"conditions": [*QUEUED["conditions"], {"type": "Admitted", "status": "False"}]}
RUNNING = status("Running", "Running", jobRef=JOB)
ADMITTED = {"type": "Admitted", "status": "True", "lastTransitionTime": "2026-01-01T00:05:29Z"}
STARTED_RUN = RUNNING | {"startTime": STARTED}
SUCCEEDED = STARTED_RUN | {"phase": "Succeeded"} | {"conditions": status("", "Succeeded")["conditions"]}

RUN_CASES: dict[str, tuple[Status, Status, list[tuple[str, str | None]]]] = {
    "a run that is accepted and waits is queued": ({}, QUEUED, [("queued", "WaitingForSeat")]),
    "a run that waits for another reason is not queued again": (QUEUED, status("Queued", "LedgerHeld"), []),
    "a run that gets its Job is started": (QUEUED, RUNNING, [("started", "Schedule")]),
    "a run that is recorded when it was over is started and ended": (
        {},
        SUCCEEDED,
        [("started", "Schedule"), ("ended", "Succeeded")],
    ),
    "a run that goes on is no decision": (RUNNING, STARTED_RUN, []),
    "a run that ends is ended": (STARTED_RUN, SUCCEEDED, [("ended", "Succeeded")]),
    "an ended run that is marked as counted is no decision": (SUCCEEDED, SUCCEEDED | {"counted": True}, []),
    "a record that is made again of a counted run is no decision": ({}, SUCCEEDED | {"counted": True}, []),
    "a run that never starts is skipped": (QUEUED, status("Skipped", "LimitReached"), [("skipped", "LimitReached")]),
    "a run that waited too long is skipped": (QUEUED, status("Skipped", "QueueExpired"), [("skipped", "QueueExpired")]),
    "a run that is wrong is rejected": ({}, status("Rejected", "TypeMismatch"), [("rejected", "TypeMismatch")]),
    "a run whose place another takes is replaced": (
        STARTED_RUN,
        STARTED_RUN | status("Aborted", "Replaced"),
        [("replaced", "Replaced")],
    ),
    "a run that a person ends is ended": (
        STARTED_RUN,
        status("Aborted", "Aborted", jobRef=JOB),
        [("ended", "Aborted")],
    ),
}


@pytest.mark.parametrize(("before", "after", "told"), RUN_CASES.values(), ids=RUN_CASES)
def test_a_write_about_a_run(before: Status, after: Status, told: list[tuple[str, str | None]]) -> None:
    """The keys are always the same, and no message of a condition is among them."""
    decisions = list(run_decisions(RUN, before, after))
    assert decisions == [Decision(word, "team", "daily", "daily-1", SLOT, reason) for word, reason in told]
    assert "hunter2" not in repr(decisions)


OUTCOMES: dict[str, tuple[Status, Status, str | None]] = {
    "a slot's run that got a Job was started": (QUEUED, RUNNING, "started"),
    "a late slot's run that got a Job was caught up": (
        {},
        RUNNING | {"origin": ORIGIN | {"type": "CatchUp"}},
        "caught_up",
    ),
    "a slot's run that had a Job is not settled again by its end": (STARTED_RUN, SUCCEEDED, None),
    "a slot's run that was skipped was skipped": (QUEUED, status("Skipped", "QueueFull"), "skipped"),
    "a slot's run that waited too long expired": (QUEUED, status("Skipped", "QueueExpired"), "expired"),
    "a slot's run that was wrong was rejected": ({}, status("Rejected", "TypeMismatch"), "rejected"),
    "a slot's run that a person ended while it waited was aborted": (QUEUED, status("Aborted", "Aborted"), "aborted"),
    "a run by hand settles no slot": ({}, RUNNING | {"origin": {"type": "Manual"}}, None),
    "a run that waits settles nothing": ({}, QUEUED, None),
}


@pytest.mark.parametrize(("before", "after", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_became_of_a_slot(before: Status, after: Status, outcome: str | None) -> None:
    """Each slot has one outcome."""
    assert read_step("team", before, after).outcome == outcome


def test_the_lag_is_measured_when_the_start_is_first_told() -> None:
    """By the Job's own start time, once."""
    assert read_step("team", QUEUED, RUNNING).lag is None
    assert read_step("team", RUNNING, STARTED_RUN).lag == 31.0
    assert read_step("team", STARTED_RUN, SUCCEEDED).lag is None


def test_the_wait_is_measured_when_a_run_is_admitted() -> None:
    """Whoever did not stand in line did not wait, and whoever was skipped never got a seat."""
    admitted = RUNNING | {"conditions": [*RUNNING["conditions"], ADMITTED]}
    assert read_step("team", IN_LINE, admitted).wait == 28.0
    assert read_step("team", {}, admitted).wait is None
    assert read_step("team", admitted, STARTED_RUN).wait is None
    assert read_step("team", IN_LINE, status("Skipped", "QueueExpired")).wait is None
    through_a_reference = {"remote": {"namespace": "other", "name": "ref-1", "uid": "r"}}
    assert read_step("team", IN_LINE | through_a_reference, admitted | through_a_reference).wait is None


def test_what_a_run_ended_as() -> None:
    """Once."""
    assert read_step("team", STARTED_RUN, SUCCEEDED).ended is Phase.Succeeded
    assert read_step("team", SUCCEEDED, SUCCEEDED | {"counted": True}).ended is None


def decided(outcome: str, reason: str, **about: str) -> Status:
    """Return an entry of a plan's decisions."""
    return {"time": STARTED, "outcome": outcome, "reason": reason, "message": "told"} | about


MISSED = decided("Missed", "Missed", slot=SLOT)
CAUGHT_UP = decided("CaughtUp", "CaughtUp", slot=SLOT, execution="daily-1")
DELETED = decided("Skipped", "ExecutionDeleted", slot=SLOT, execution="daily-1")
OF_A_RUN = decided("Skipped", "LimitReached", slot=SLOT, execution="daily-1")

PLAN_CASES: dict[str, tuple[list[Status], list[Status], list[Decision]]] = {
    "a slot that is missed": ([], [MISSED], [Decision("missed", "team", "daily", None, SLOT, "Missed")]),
    "a slot that is caught up": (
        [MISSED],
        [MISSED, CAUGHT_UP],
        [Decision("caught up", "team", "daily", "daily-1", SLOT, "CaughtUp")],
    ),
    "a run that was deleted while it waited": (
        [],
        [DELETED],
        [Decision("skipped", "team", "daily", "daily-1", SLOT, "ExecutionDeleted")],
    ),
    "what a run's own status told": ([], [OF_A_RUN], []),
    "what was told before": ([MISSED, CAUGHT_UP], [CAUGHT_UP], []),
}


@pytest.mark.parametrize(("before", "after", "told"), PLAN_CASES.values(), ids=PLAN_CASES)
def test_a_write_about_a_plan(before: list[Status], after: list[Status], told: list[Decision]) -> None:
    """What a plan says of its runs was said by those already."""
    assert list(plan_decisions(PLAN, {"decisions": before}, {"decisions": after})) == told


def test_slots_without_a_run_are_counted_by_what_a_write_added() -> None:
    """More slots than a status names are counted all the same."""
    before = {"counts": {"missed": 2, "started": 5}, "decisions": [MISSED]}
    after = {
        "counts": {"missed": 40, "unknown": 1, "started": 6, "skipped": 3},
        "decisions": [MISSED, DELETED, OF_A_RUN],
    }
    assert slot_counts(before, after) == {"missed": 38, "unknown": 1, "skipped": 1}
    assert slot_counts(after, after) == {}
    assert slot_counts({}, {}) == {}
