"""Activation and versions: functions of the spec and what is known, with no hidden state."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.decide.activation import Activation, decide_activation
from launchplan_operator.decide.versions import VERSIONED_PLAN_FIELDS, plan_version, workflow_version

GOOD: Mapping[str, Any] = {
    "auto_activate": True,
    "suspend": False,
    "has_schedule": True,
    "version": "v2",
    "previous": "v1",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, Activation("v2", scheduled=True), id="the newest valid version is active and fires"),
        pytest.param({"previous": None}, Activation("v2", scheduled=True), id="a first version needs no earlier one"),
        pytest.param(
            {"version": None}, Activation("v1", scheduled=None), id="an invalid plan keeps its last good version going"
        ),
        pytest.param(
            {"version": None, "previous": None},
            Activation(None, scheduled=False),
            id="a plan that was never valid has nothing to keep",
        ),
        pytest.param(
            {"auto_activate": False}, Activation(None, scheduled=False), id="without autoActivate nothing is active"
        ),
        pytest.param(
            {"auto_activate": False, "version": None},
            Activation(None, scheduled=False),
            id="an invalid plan can still be deactivated",
        ),
        pytest.param(
            {"suspend": True}, Activation("v2", scheduled=False), id="a suspended version is active, but silent"
        ),
        pytest.param(
            {"suspend": True, "version": None},
            Activation("v1", scheduled=False),
            id="an invalid plan can still be suspended",
        ),
        pytest.param({"has_schedule": False}, Activation("v2", scheduled=False), id="without a schedule nothing fires"),
        pytest.param(
            {"has_schedule": False, "version": None},
            Activation("v1", scheduled=False),
            id="an invalid plan can still drop its schedule",
        ),
    ],
)
def test_activation_follows_from_the_spec(changes: dict[str, Any], expected: Activation) -> None:
    """Each row changes one thing of an active, scheduled plan."""
    assert decide_activation(**{**GOOD, **changes}) == expected


def test_activation_is_stable_once_it_was_written() -> None:
    """Asked again with its own answer as the previous version, it says the same: no state hides in the status."""
    flags = (True, False)
    for auto, suspend, schedule, version, previous in product(flags, flags, flags, ("v2", None), ("v1", None)):
        settings: dict[str, Any] = {
            "auto_activate": auto,
            "suspend": suspend,
            "has_schedule": schedule,
            "version": version,
        }
        first = decide_activation(**settings, previous=previous)
        assert decide_activation(**settings, previous=first.active) == first
        if version is not None:
            assert decide_activation(**settings, previous="anything") == first


PLAN: dict[str, Any] = {
    "workflowRef": {"name": "w"},
    "defaultInputs": {"a": 1},
    "fixedInputs": {"b": 2},
    "schedule": {"cron": "0 9 * * *"},
    "labels": {"l": "1"},
    "annotations": {"n": "1"},
    "timeout": "1h",
    "retries": 2,
    "autoActivate": True,
    "suspend": False,
    "history": {"succeeded": 1},
}


@pytest.mark.parametrize("field", sorted(PLAN))
def test_a_version_moves_with_what_a_run_depends_on_and_nothing_else(field: str) -> None:
    """Activation, suspension and history are no part of a version."""
    moved = plan_version({**PLAN, field: "other"}, "w1") != plan_version(PLAN, "w1")
    assert moved is (field in VERSIONED_PLAN_FIELDS)
    assert moved is (field not in {"autoActivate", "suspend", "history"})


def test_a_plans_version_moves_with_its_workflow() -> None:
    """A plan that follows the latest workflow is another version when that is."""
    assert plan_version(PLAN, "w1") != plan_version(PLAN, "w2")


@given(st.permutations(sorted(PLAN)))
def test_the_order_in_which_a_spec_is_written_is_no_content(order: list[str]) -> None:
    """Equal specs have equal versions on every cluster."""
    assert plan_version({field: PLAN[field] for field in order}, "w1") == plan_version(PLAN, "w1")


def test_a_version_is_ten_hex_digits_that_stay_the_same() -> None:
    """They stand in labels and in other clusters' statuses, so the algorithm may not change unnoticed."""
    assert workflow_version({"job": {"backoffLimit": 1}, "name": "grün"}) == "791b5167a8"
    assert plan_version({"workflowRef": {"name": "w"}}, "1") == "a55f40f90b"
