"""Activation: a function of the spec and the known versions, with no hidden state."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Reason
from launchplan_operator.decide.activation import Activation, decide_activation

GOOD: dict[str, Any] = {"auto_activate": True, "pinned": None, "known": ["v1", "v2"], "previous": "v1"}


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        pytest.param({}, "v2", id="the newest version is active"),
        pytest.param({"previous": None}, "v2", id="a first version needs no earlier one"),
        pytest.param({"known": ["v1"]}, "v1", id="an edit that is invalid made no version: the last good one stays"),
        pytest.param({"known": [], "previous": None}, None, id="a plan that was never valid has nothing to activate"),
        pytest.param({"auto_activate": False}, None, id="without autoActivate nothing is active"),
        pytest.param({"pinned": "v1"}, "v1", id="a pinned version is active though a newer one is there"),
        pytest.param({"pinned": "v1", "auto_activate": False}, "v1", id="a pinned version needs no autoActivate"),
        pytest.param({"pinned": "v2", "previous": "v1"}, "v2", id="rolling forward is the same one field"),
    ],
)
def test_activation_follows_from_the_spec(changes: dict[str, Any], active: str | None) -> None:
    """Each row changes one thing of a plan that activates itself."""
    assert decide_activation(**{**GOOD, **changes}) == Activation(active)


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        pytest.param({}, "v1", id="the one that was active stays"),
        pytest.param({"auto_activate": False}, "v1", id="whatever autoActivate says"),
        pytest.param({"previous": None}, None, id="on an empty cluster nothing is active yet"),
        pytest.param({"previous": "v0"}, None, id="nor is one that is not known any more"),
    ],
)
def test_a_pinned_version_that_is_not_there_is_said_and_changes_nothing(
    changes: dict[str, Any], active: str | None
) -> None:
    """It may still come, as another object may: the finding is transient, and names what there is."""
    found = decide_activation(**{**GOOD, **changes, "pinned": "v9"})
    assert found.active == active
    assert found.finding is not None
    assert (found.finding.reason, found.finding.path) == (Reason.VersionNotFound, "spec.activeVersion")
    assert found.finding.transient
    assert "'v9'" in found.finding.message
    assert "v1, v2" in found.finding.message


VERSIONS = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)
MAYBE = st.none() | st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.booleans(), MAYBE, VERSIONS, MAYBE)
def test_activation_is_stable_once_it_was_written(
    auto: bool, pinned: str | None, known: list[str], previous: str | None
) -> None:
    """Asked again with its own answer it says the same, and only an unknown pin ever looks at the previous version."""
    first = decide_activation(auto_activate=auto, pinned=pinned, known=known, previous=previous)
    assert decide_activation(auto_activate=auto, pinned=pinned, known=known, previous=first.active) == first
    assert first.active is None or first.active in known
    if pinned is None or pinned in known:
        assert decide_activation(auto_activate=auto, pinned=pinned, known=known, previous="anything") == first
