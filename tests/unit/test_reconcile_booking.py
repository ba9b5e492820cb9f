"""Which runs of slots came too late: made by a request that arrived after the slot had another outcome."""

from typing import Any

import pytest

from launchplan_operator.reconcile.booking import is_straggler

SLOT = "2026-01-01T00:02:00Z"


def run(**status: Any) -> dict[str, Any]:
    """Return a slot's run."""
    return {"metadata": {"uid": "run", "annotations": {"launchplan.dev/slot": SLOT}}, "status": status}


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
    assert is_straggler(execution, of, booked) is late
