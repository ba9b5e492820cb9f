"""Catch-up: which slots that nobody started in time run after all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.schedule import CatchUp
from launchplan_operator.decide.catchup import decide_catchup, tell_missed

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_OF_HOURS = list(range(30, 0, -1))


def slots(ages: list[int]) -> tuple[datetime, ...]:
    """Return slots that are so many hours old."""
    return tuple(NOW - age * HOUR for age in ages)


@pytest.mark.parametrize(
    ("rule", "late", "started_later", "run"),
    [
        pytest.param({}, [3, 2, 1], False, [1], id="unless told otherwise the newest runs"),
        pytest.param({}, [3, 2, 1], True, [], id="but not after one that has started"),
        pytest.param({}, [26, 25], False, [], id="nor when it is older than a day"),
        pytest.param({}, [25, 24], False, [24], id="a day old is not older than a day"),
        pytest.param({"policy": "None"}, [3, 2, 1], False, [], id="with None all are missed"),
        pytest.param({"policy": "Latest", "window": "90m"}, [3, 2], False, [], id="a window of one's own"),
        pytest.param({"policy": "Latest", "max": 5}, [3, 2, 1], False, [1], id="max is for All"),
        pytest.param({"policy": "All"}, DAY_OF_HOURS, False, [*range(10, 0, -1)], id="All runs the newest ten"),
        pytest.param({"policy": "All", "max": 2}, [3, 2, 1], False, [2, 1], id="or as many as max says, oldest first"),
        pytest.param({"policy": "All"}, [3, 2, 1], True, [3, 2, 1], id="whatever has started since"),
        pytest.param({"policy": "All", "window": "2h"}, [4, 3, 2, 1], False, [2, 1], id="within the window"),
        pytest.param({"policy": "All"}, [], False, [], id="where none is late none runs"),
    ],
)
def test_late_slots_run_as_the_plan_says(
    rule: dict[str, Any], late: list[int], started_later: bool, run: list[int]
) -> None:
    """All others are missed; both are in order."""
    decided = decide_catchup(CatchUp.model_validate(rule), slots(late), NOW, started_later=started_later)
    assert decided.run == slots(run)
    assert decided.missed == slots([age for age in late if age not in run])


def test_a_plan_that_says_nothing_runs_the_latest_of_a_day() -> None:
    """As the documentation of the field says."""
    for late in ([30, 3, 2], [30, 29]):
        silent = decide_catchup(None, slots(late), NOW, started_later=False)
        spoken = CatchUp(policy="Latest", window="24h", max=10)
        assert silent == decide_catchup(spoken, slots(late), NOW, started_later=False)


@given(
    st.sets(st.integers(1, 100)),
    st.sampled_from(["None", "Latest", "All"]),
    st.integers(1, 1000),
    st.integers(1, 100),
    st.booleans(),
)
def test_each_late_slot_runs_or_is_missed(
    ages: set[int], policy: str, most: int, window: int, started_later: bool
) -> None:
    """What runs is the newest, within its bounds, and never more could have run."""
    late = slots(sorted(ages, reverse=True))
    rule = CatchUp.model_validate({"policy": policy, "max": most, "window": f"{window}h"})
    decided = decide_catchup(rule, late, NOW, started_later=started_later)
    assert (*decided.missed, *decided.run) == late
    fit = sum(age <= window for age in ages)
    allowed = {"None": 0, "Latest": 0 if started_later else 1, "All": most}[policy]
    assert len(decided.run) == min(fit, allowed)


@pytest.mark.parametrize(
    ("rule", "age", "started_later", "why"),
    [
        pytest.param({"policy": "None"}, 1, False, "spec.schedule.catchUp.policy None runs no late slot", id="None"),
        pytest.param(
            {"window": "90m"},
            2,
            True,
            "it was older than spec.schedule.catchUp.window, 1h30m0s, when that was seen",
            id="the window",
        ),
        pytest.param(
            {},
            2,
            True,
            "spec.schedule.catchUp.policy Latest runs no late slot once a later one has started",
            id="a later one that started",
        ),
        pytest.param(
            {}, 2, False, "spec.schedule.catchUp.policy Latest runs the newest late slot alone", id="a newer late one"
        ),
        pytest.param(
            {"policy": "All", "max": 2},
            3,
            False,
            "spec.schedule.catchUp.max runs the newest 2 late slots, of which it was none",
            id="the most that All runs",
        ),
    ],
)
def test_a_missed_slot_says_why_it_was_not_caught_up(
    rule: dict[str, Any], age: int, started_later: bool, why: str
) -> None:
    """By the setting to change, and with what is left to do."""
    said = tell_missed(CatchUp.model_validate(rule), slots([age])[0], NOW, started_later=started_later)
    assert said == f"nobody started it in time, and {why} (start a run by hand if it is still wanted)"
