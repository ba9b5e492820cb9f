"""Which level's setting holds: the run's, else the plan's, else the operator's; each whole, and empty says nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.decide.settings import Chosen, Level, ResolvedSettings, resolve_settings

Fields = dict[str, Any]


def resolve(run: Fields | None = None, plan: Fields | None = None, operator: Fields | None = None) -> ResolvedSettings:
    """Return what holds over the three levels."""
    return resolve_settings(
        LaunchPlanExecutionSpec.model_validate({"launchPlanRef": {"name": "p"}, **(run or {})}),
        LaunchPlanSpec.model_validate({"workflowRef": {"name": "w"}, **(plan or {})}),
        RunDefaults.model_validate(operator or {}),
    )


def prefix(text: str) -> Fields:
    """Return a level that sets the prefix."""
    return {"rawOutputDataConfig": {"outputLocationPrefix": text}}


def test_where_no_level_says_anything_nothing_is_set() -> None:
    """The template's own settings hold then."""
    assert resolve() == ResolvedSettings({}, {}, Chosen(()), resolve().identity, None, None, None, None)
    assert resolve().identity.value.service_account_name is None
    assert resolve().identity.value.secrets == ()


@pytest.mark.parametrize(
    ("levels", "setting", "expected"),
    [
        pytest.param(({"timeout": "90s"}, {"timeout": "1h"}, {"timeout": "2h"}), "timeout", 90, id="a run's time-out"),
        pytest.param(({}, {"timeout": "1h"}, {"timeout": "2h"}), "timeout", 3600, id="a plan's time-out"),
        pytest.param(({}, {}, {"timeout": "2h"}), "timeout", 7200, id="the operator's time-out"),
        pytest.param(
            ({"maxParallelism": 0}, {"maxParallelism": 0}, {"maxParallelism": 7}), "max_parallelism", 7, id="zero is none"
        ),
        pytest.param(({"maxParallelism": 0}, {}, {}), "max_parallelism", None, id="zero alone is no limit"),
        pytest.param(({"maxParallelism": 9}, {"maxParallelism": 2}, {}), "max_parallelism", 9, id="not the smallest"),
        pytest.param(
            ({"interruptible": False}, {"interruptible": True}, {"interruptible": True}), "interruptible", False,
            id="false is a word",
        ),
        pytest.param((prefix("s3://r/"), prefix("s3://p"), {}), "output_prefix", "s3://r", id="no slash at its end"),
        pytest.param((prefix(""), prefix("s3://p"), {}), "output_prefix", "s3://p", id="an empty prefix says nothing"),
        pytest.param((prefix("/"), prefix("s3://p"), {}), "output_prefix", "", id="the root is a prefix"),
        pytest.param(
            ({"rawOutputDataConfig": {}}, {}, prefix("s3://o")), "output_prefix", "s3://o", id="nothing but its field"
        ),
        pytest.param(
            ({"labels": {"r": "1"}}, {"labels": {"p": "1"}}, {"labels": {"o": "1"}}), "labels", {"r": "1"}, id="maps whole"
        ),
        pytest.param(({"labels": {}}, {}, {"labels": {"o": "1"}}), "labels", {"o": "1"}, id="an empty map says nothing"),
        pytest.param(({"annotations": {"r": ""}}, {"labels": {"p": ""}}, {}), "labels", {"p": ""}, id="each by itself"),
    ],
)  # fmt: skip
def test_the_first_level_that_sets_a_setting_decides(
    levels: tuple[Fields, Fields, Fields], setting: str, expected: Any
) -> None:
    """Run, plan, operator."""
    assert getattr(resolve(*levels), setting) == expected


ENV = {"run": [{"name": "A", "value": "r"}], "plan": [{"name": "B", "value": "p"}], "operator": [{"name": "C"}]}


@pytest.mark.parametrize("level", list(Level))
def test_a_list_of_variables_is_one_levels_whole_list(level: Level) -> None:
    """Whoever sets one variable sets them all; the level is remembered, as not every one must ask."""
    levels = {each.value: {"env": ENV[each]} for each in list(Level)[list(Level).index(level) :]}
    env = resolve(**levels).env
    assert ([var.name for var in env.value], env.level) == ([ENV[level][0]["name"]], level)


def test_an_identity_is_one_levels_whole_identity() -> None:
    """A run that names another ServiceAccount does not get the plan's secrets with it."""
    secrets = [{"name": "s", "key": "k", "env": "S"}]
    plan = {"identity": {"serviceAccountName": "plan", "secrets": secrets}}
    identity = resolve({"identity": {"serviceAccountName": "run"}}, plan).identity
    assert (identity.value.service_account_name, identity.value.secrets, identity.level) == ("run", (), Level.Run)
    assert resolve({"identity": {"secrets": []}}, plan).identity.level is Level.Plan


def test_a_schedule_and_a_bare_workflow_leave_a_level_out() -> None:
    """A slot has no caller, and a workflow without a plan has no plan."""
    run = LaunchPlanExecutionSpec.model_validate({"launchPlanRef": {"name": "p"}, "labels": {"r": "1"}})
    plan = LaunchPlanSpec.model_validate({"workflowRef": {"name": "w"}, "labels": {"p": "1"}})
    operator = RunDefaults(labels={"o": "1"}, interruptible=True)
    assert resolve_settings(None, plan, operator).labels == {"p": "1"}
    assert resolve_settings(run, None, operator).labels == {"r": "1"}
    assert resolve_settings(None, None, operator).labels == {"o": "1"}
    assert resolve_settings(run, None, operator).interruptible is True


LEVELS = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
        "annotations": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
        "env": st.lists(st.fixed_dictionaries({"name": st.sampled_from("AB")}), max_size=2, unique_by=str),
        "interruptible": st.booleans(),
        "maxParallelism": st.integers(0, 3),
        "rawOutputDataConfig": st.fixed_dictionaries({}, optional={"outputLocationPrefix": st.sampled_from(["", "s3://a"])}),
        "timeout": st.sampled_from(["1s", "1m"]),
    },
)  # fmt: skip


@given(LEVELS, LEVELS, LEVELS)
def test_a_level_between_that_says_nothing_changes_nothing(first: Fields, second: Fields, third: Fields) -> None:
    """So each setting comes whole from one level, whichever the others set."""
    resolved = resolve(first, second, third)
    alone = [resolve(first), resolve(plan=second), resolve(operator=third)]
    for name in ("labels", "annotations", "interruptible", "max_parallelism", "output_prefix", "timeout"):
        nothing = getattr(resolve(), name)
        said = [getattr(each, name) for each in alone if getattr(each, name) != nothing]
        assert getattr(resolved, name) == (said[0] if said else nothing)
    assert resolved.env == next((each.env for each in alone if each.env.value), resolve().env)
