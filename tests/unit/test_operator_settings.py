"""The operator's settings, read from an environment."""

import json
from typing import Any

import pytest

from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.settings import Settings, read_settings

NAME = "LAUNCHPLAN_OPERATOR_DEFAULTS"


def test_an_empty_environment_gives_the_defaults() -> None:
    """There is nothing that one must set, and no run settings are made up."""
    assert read_settings({}) == Settings()
    assert Settings().defaults == RunDefaults()
    assert read_settings({NAME: " "}) == Settings()


def test_run_settings_are_json_written_as_in_a_plan() -> None:
    """All of them may be given."""
    given: dict[str, Any] = {
        "labels": {"team": "data"},
        "annotations": {"note": "x"},
        "env": [{"name": "MODE", "value": "x"}],
        "interruptible": True,
        "maxParallelism": 4,
        "rawOutputDataConfig": {"outputLocationPrefix": "s3://b"},
        "identity": {"serviceAccountName": "runs"},
        "timeout": "2h",
    }
    defaults = read_settings({NAME: json.dumps(given)}).defaults
    assert defaults.model_dump(by_alias=True, exclude_unset=True, mode="json") == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", f"{NAME}: expected JSON: ", id="no JSON"),
        pytest.param("[]", f"{NAME}: found a list, expected a valid", id="no object"),
        pytest.param('{"timeout": "2 hours"}', f"{NAME}: timeout: found the string '2 hours'", id="no duration"),
        pytest.param('{"timout": "2h"}', f"{NAME}: timout: found the string '2h': extra inputs", id="no such setting"),
        pytest.param(
            '{"identity": {"serviceAccountName": "A B"}}', f"{NAME}: identity.serviceAccountName: found the string 'A B'",
            id="a field of a field",
        ),
        pytest.param('{"env": [{"name": "LAUNCHPLAN_X"}]}', f"{NAME}: env[0].name: found", id="a name of ours"),
        pytest.param('{"labels": {"a": 1}, "maxParallelism": -1}', "; maxParallelism: found the number -1", id="all of it"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_the_start_with_its_field(text: str, message: str) -> None:
    """The process ends with that line."""
    with pytest.raises(ValueError, match="^" + NAME) as caught:
        read_settings({NAME: text})
    assert message in str(caught.value)


POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
ELECTION = "LAUNCHPLAN_OPERATOR_LEADER_ELECTION"


@pytest.mark.parametrize(
    ("environ", "elects"),
    [
        pytest.param({}, False, id="outside of a pod"),
        pytest.param(POD, True, id="in a pod"),
        pytest.param(POD | {"KUBECONFIG": "x"}, False, id="in a pod that is told of another cluster"),
        pytest.param(POD | {ELECTION: "false"}, False, id="in a pod, and not wanted"),
        pytest.param({ELECTION: "true"}, True, id="outside of a pod, and wanted"),
        pytest.param({ELECTION: " True "}, True, id="written otherwise"),
        pytest.param(POD | {ELECTION: ""}, True, id="in a pod, and left empty"),
    ],
)
def test_a_leader_is_elected_in_a_pod_unless_one_says_otherwise(environ: dict[str, str], elects: bool) -> None:
    """A deployment may have replicas; a process that somebody starts by hand has none."""
    assert read_settings(environ).leader_election is elects


def test_what_is_neither_true_nor_false_is_told() -> None:
    """With the variable's name."""
    with pytest.raises(ValueError, match=f"{ELECTION}: found 'yes', expected true or false"):
        read_settings({ELECTION: "yes"})


def test_the_lease_has_a_name_and_its_place_may_be_chosen() -> None:
    """Where none is named, the operator finds its own."""
    assert (Settings().lease_name, Settings().lease_namespace) == ("launchplan-operator", "")
    chosen = {"LAUNCHPLAN_OPERATOR_LEASE_NAME": "blue", "LAUNCHPLAN_OPERATOR_LEASE_NAMESPACE": "team"}
    settings = read_settings(chosen)
    assert (settings.lease_name, settings.lease_namespace) == ("blue", "team")


def test_a_number_that_is_none_is_told() -> None:
    """With the variable's name."""
    with pytest.raises(ValueError, match="LAUNCHPLAN_OPERATOR_WORKERS: found 'many', expected a number"):
        read_settings({"LAUNCHPLAN_OPERATOR_WORKERS": "many"})
