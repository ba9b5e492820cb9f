"""What the checkers remember of a plan's slots is what its status could still answer for."""

from datetime import UTC, datetime

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS
from tests.fake.store import Change, Object
from tests.sim.ledger import PlanHistory

SLOT = datetime(2026, 1, 1, 0, 14, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 0, 15, tzinfo=UTC)
GIVEN_UP = "the schedule was changed or ended before the CronJob controller started it"


@pytest.mark.parametrize(("message", "still_told"), [(GIVEN_UP, False), ("the slot came 300 s ago", True)])
def test_a_lost_status_takes_what_it_had_given_up_with_it(message: str, *, still_told: bool) -> None:
    history = PlanHistory("default", "hello", first=True)
    told = _plan({"observedGeneration": 1, "counts": {"missed": 1}, "decisions": [_missed(message)]})

    history.plan_changed(_change(_plan({}), told), NOW)
    assert history.told == {SLOT: "Missed"}

    history.plan_changed(_change(told, _plan({})), NOW)
    assert (SLOT in history.told) is still_told
    assert not history.first


def _missed(message: str) -> Object:
    return {"slot": "2026-01-01T00:14:00Z", "outcome": "Missed", "message": message}


def _plan(status: Object) -> Object:
    return {"metadata": {"generation": 1}, "spec": {}, "status": status}


def _change(before: Object, after: Object) -> Change:
    return Change(2, LAUNCH_PLANS, before, after)
