"""Which runs of slots came too late: made by a request that arrived after the slot had another outcome."""

from typing import Any

import pytest

from launchplan_operator.reconcile.booking import is_straggler

SLOT = "2026-01-01T00:02:00Z"


def run(**status: Any) -> dict[str, Any]:
    """Return a slot's run."""
    metadata = {"uid": "run", "creationTimestamp": SLOT, "annotations": {"launchplan.dev/slot": SLOT}}
    return {"metadata": metadata, "status": status}


def plan(outcome: str = "", **schedule: str) -> dict[str, Any]:
    """Return a plan whose status tells the slot's outcome, if any, and how far its books go."""
    told = [{"slot": SLOT, "outcome": outcome}] if outcome else []
    return {"status": {"schedule": schedule, "decisions": told}}


@pytest.mark.parametrize(
    ("execution", "of", "booked", "late"),
    [
        pytest.param(run(), plan(lastSlot=SLOT), {"run"}, False, id="what is booked is none"),
        pytest.param(run(), plan(lastSlot=SLOT), set(), True, id="what is settled and not booked is one"),
        pytest.param(
            run(), plan(lastSlot="2026-01-01T00:01:00Z"), set(), False, id="a slot that is not settled is none"
        ),
        pytest.param(run(), plan(), set(), True, id="a plan without a schedule has no slots"),
        pytest.param(run(), plan("Missed", lastSlot=SLOT), {"run"}, True, id="what is told as missed is one"),
        pytest.param(run(), plan("Unknown", lastSlot=SLOT), {"run"}, True, id="what is told as unknown is one"),
        pytest.param(run(), plan("CaughtUp", lastSlot=SLOT), {"run"}, False, id="what is told as caught up is none"),
        pytest.param(run(phase="Queued"), plan("Missed"), set(), False, id="what was accepted is none"),
    ],
)
def test_a_run_that_came_too_late_is_recognised(
    execution: dict[str, Any], of: dict[str, Any], booked: set[str], *, late: bool
) -> None:
    assert is_straggler(execution, of, booked, elected=True) is late


@pytest.mark.parametrize(
    ("asked", "of", "late"),
    [
        pytest.param(SLOT, plan(lastSlot=SLOT), False, id="what came in time may be booked elsewhere"),
        pytest.param(SLOT, plan(), False, id="whatever the plan's lost status tells"),
        pytest.param(SLOT, plan(since=SLOT, lastSlot=SLOT), True, id="but it belongs to no older schedule"),
        pytest.param(SLOT, plan("Missed", lastSlot=SLOT), True, id="and its slot is not told as missed"),
        pytest.param("2026-01-01T00:01:00Z", plan(lastSlot=SLOT), True, id="what came late is one"),
        pytest.param("2026-01-01T00:01:00Z", plan(), True, id="whether or not the plan has a schedule"),
    ],
)
def test_where_no_leader_is_elected_only_what_came_late_is_one_by_the_books(
    asked: str, of: dict[str, Any], *, late: bool
) -> None:
    """Another process booked the run, and may be gone since."""
    execution = run()
    execution["metadata"]["annotations"]["launchplan.dev/asked"] = asked
    assert is_straggler(execution, of, set(), elected=False) is late
