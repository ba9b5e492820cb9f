"""The judgement of the torture test: what it calls broken, and what it lets pass."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cluster import verdict
from tests.cluster.recorder import Seen

Object = dict[str, Any]
FINISHED = {"conditions": [{"type": "Complete", "status": "True"}]}


def job(version: int, name: str, uid: str = "", *, tombstone: bool = False, **more: Any) -> Seen:
    """Return a change of a Job of the plan."""
    labels = {verdict.PLAN: "copy"} | ({verdict.TOMBSTONE: "true"} if tombstone else {})
    metadata = {"name": name, "uid": uid or f"uid-{name}", "labels": labels}
    status = FINISHED if more.pop("finished", False) else {}
    return Seen(version, more.pop("deleted", False), "jobs", {"metadata": metadata, "status": status}, **more)


def pod(version: int, of: str, phase: str, *, deleted: bool = False) -> Seen:
    """Return a change of the pod of a Job of the plan."""
    metadata = {"name": f"{of}-x", "labels": {verdict.PLAN: "copy", verdict.JOB_NAME: of}}
    return Seen(version, deleted, "pods", {"metadata": metadata, "status": {"phase": phase}})


def run(name: str, phase: str | None, version: int = 1, reason: str = "Completed", *, job: bool = False) -> Seen:
    """Return a change of an execution of the plan."""
    status: Object = {"phase": phase, "conditions": [{"type": "Ready", "reason": reason}]} if phase else {}
    if job:
        status["jobRef"] = {"name": name}
    return Seen(version, False, "launchplanexecutions", {"metadata": {"name": name, "uid": name}, "status": status})


@pytest.mark.parametrize(
    ("log", "broken"),
    [
        ([job(1, "a"), job(2, "b")], 1),
        ([job(1, "a"), job(2, "a", finished=True), job(3, "b")], 0),
        ([job(1, "a"), pod(2, "a", "Running"), job(3, "a", finished=True), job(4, "b")], 1),
        ([job(1, "a"), pod(2, "a", "Running"), job(3, "a", finished=True), pod(4, "a", "Failed"), job(5, "b")], 0),
        ([job(1, "a"), pod(2, "a", "Running"), job(3, "a", deleted=True), job(4, "b")], 1),
        ([job(1, "a"), job(2, "a", deleted=True), job(3, "b")], 0),
        ([job(1, "a"), job(2, "b", tombstone=True)], 0),
        ([job(1, "a"), job(5, "b", in_gap=True), job(5, "a", finished=True, in_gap=True)], 0),
        ([job(1, "a"), job(5, "b", in_gap=True)], 1),
        ([job(1, "a"), job(2, "a")], 0),
    ],
    ids=[
        "two at once",
        "one after the other",
        "one beside a pod of one that ended",
        "one after the pod of the other has ended",
        "one beside a pod whose Job is gone",
        "one after the other is gone",
        "one beside a tombstone",
        "one in the gap in which the other ended",
        "one in a gap beside the other",
        "one that changes",
    ],
)
def test_above_limit(log: list[Seen], broken: int) -> None:
    """A start counts against the Jobs that are open, and those that have a pod that is."""
    assert len(verdict.above_limit(log, {"copy": 1})) == broken
    assert verdict.above_limit(log, {"copy": 2}) == []
    assert verdict.above_limit(log, {}) == []


def test_a_second_job_of_a_name_is_a_second_start_unless_it_is_a_tombstone() -> None:
    assert verdict.started_twice([job(1, "a"), job(2, "a"), job(3, "a", "other", tombstone=True)]) == []
    assert verdict.started_twice([job(1, "a"), job(2, "a", "other")]) == ["a was started 2 times"]


def test_an_end_stays_what_it_is() -> None:
    assert verdict.changed_ends([run("a", "Running"), run("a", "Failed"), run("a", "Failed")]) == []
    assert verdict.changed_ends([run("a", "Failed"), run("a", "Running")]) == ["a ended as Failed and became Running"]


def test_what_has_not_ended_is_named() -> None:
    found = verdict.not_ended([run("a", "Running").obj, run("b", None).obj, run("c", "Skipped").obj])
    assert found == ["a is still Running", "b is still new"]


@pytest.mark.parametrize(
    ("made", "counts", "all_start", "broken"),
    [
        (["s1", "s2"], {"started": 2, "succeeded": 2}, True, 0),
        (["s1"], {"started": 1, "missed": 1}, False, 0),
        (["s1"], {"started": 1, "missed": 1}, True, 1),
        (["s1"], {"started": 1}, False, 1),
        (["s1", "s2", "s3"], {"started": 2, "unknown": 1}, False, 1),
        (["s1", "s2", "s2"], {"started": 3}, False, 1),
        (["s1", "s2"], {"started": 1, "skipped": 1}, True, 1),
        (["s1", "s2"], {"started": 2, "succeeded": 2, "missed": 1}, True, 0),
        (["s1", "s2", "s3"], {"started": 3, "succeeded": 3}, True, 0),
        (["s1", "s2", "s3"], {"started": 3, "succeeded": 3, "missed": 1}, True, 1),
    ],
    ids=[
        "all started",
        "one was missed",
        "one was missed that had to start",
        "one is lost",
        "one is counted as unknown and started",
        "one has two runs",
        "one was skipped that had to start",
        "one was missed while the schedule ended",
        "one started while the schedule ended",
        "one is counted that never was",
    ],
)
def test_wrong_slots(made: list[str], counts: Object, all_start: bool, broken: int) -> None:
    """Every slot has a run, or is counted."""
    executions = [run(name, "Succeeded").obj for name in made]
    assert (
        len(verdict.wrong_slots("copy", ["s1", "s2"], executions, counts, all_start=all_start, later=["s3"])) == broken
    )


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ({"started": 2, "succeeded": 1, "aborted": 1, "skipped": 1, "expired": 1}, 0),
        ({"started": 2, "succeeded": 2, "skipped": 1, "expired": 1}, 1),
        ({"started": 2, "succeeded": 1, "aborted": 1, "skipped": 2}, 1),
        ({"started": 3, "succeeded": 1, "aborted": 1, "skipped": 1, "expired": 1}, 1),
    ],
    ids=["right", "one too many succeeded", "one expired that counts as skipped", "one start too many"],
)
def test_wrong_counts(counts: Object, broken: int) -> None:
    """Counts are what the executions are."""
    runs = [
        run("a", "Succeeded", job=True),
        run("b", "Aborted", job=True),
        run("c", "Skipped", reason="LimitReached"),
        run("d", "Skipped", reason="QueueExpired"),
    ]
    assert len(verdict.wrong_counts("copy", [each.obj for each in runs], counts)) == broken


@pytest.mark.parametrize(
    ("made", "counts", "left_out", "broken"),
    [
        (["s1"], {"started": 1, "succeeded": 1, "unknown": 1}, ["s2"], 0),
        (["s1", "s2"], {"started": 2, "succeeded": 2}, ["s2"], 0),
        (["s1"], {"started": 1, "succeeded": 1, "unknown": 1}, [], 1),
        (["s2"], {"started": 1, "succeeded": 1, "unknown": 1}, ["s2"], 1),
        (["s1"], {"started": 1, "succeeded": 1, "missed": 1}, ["s2"], 1),
    ],
    ids=[
        "it is unknown",
        "it was started all the same",
        "nothing stood still",
        "another one was lost",
        "it is told as missed",
    ],
)
def test_a_slot_that_the_controller_passed_by_is_unknown(
    made: list[str], counts: Object, left_out: list[str], broken: int
) -> None:
    executions = [run(name, "Succeeded").obj for name in made]
    found = verdict.wrong_slots("copy", ["s1", "s2"], executions, counts, all_start=True, left_out=left_out)
    assert len(found) == broken


@pytest.mark.parametrize(
    ("stopped", "resumed", "came"),
    [
        ("10:32:30", "10:35:00", True),
        ("10:32:30", "10:32:59", False),
        ("10:33:01", "10:35:31", True),
        ("10:33:11", "10:35:31", False),
    ],
    ids=["meanwhile", "afterwards", "when they had begun to start it", "before"],
)
def test_a_slot_comes_while_the_controllers_stand_still(stopped: str, resumed: str, came: bool) -> None:
    """They may also be stopped in the middle of a slot's Jobs: those that were not made yet are passed by."""
    start, end = (datetime.fromisoformat(f"2026-11-28T{text}Z") for text in (stopped, resumed))
    assert verdict.came_in(datetime(2026, 11, 28, 10, 33, tzinfo=UTC), [(start, end)]) == came
