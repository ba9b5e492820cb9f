"""Wrong values: each is refused before anything is sent, in words that name it."""

import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

import pytest
import yaml

from localcluster.charts import Helm
from localcluster.operated import CHART
from localcluster.places import LocalClusterError

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def refusal(helm: Helm, *arguments: str) -> str:
    """Render, which must fail; return what helm says."""
    with pytest.raises(LocalClusterError) as refused:
        helm("template", "lp", str(CHART), *arguments)
    return str(refused.value)


def values(node: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the path and the schema of everything that may be set."""
    for name, child in node.get("properties", {}).items():
        yield (*path, name), child
        yield from values(child, (*path, name))


ALL = [pytest.param(path, node, id=".".join(path)) for path, node in values(SCHEMA)]
CLOSED = [(), *(path for path, node in values(SCHEMA) if node.get("additionalProperties") is False)]
#: What is of no other type than its own.
OF_ANOTHER_TYPE = {"object": "text", "array": "text", "string": 1, "boolean": "text", "integer": "text"}


@pytest.fixture(scope="module")
def told(helm: Helm) -> str:
    """What helm says of wrong types everywhere: of parts and of wholes, for which it is asked once each."""
    wrong = [(path, OF_ANOTHER_TYPE[node["type"]]) for path, node in values(SCHEMA)]
    deepest = max(len(path) for path, _ in wrong)
    asked = [
        [f"--set-json={'.'.join(path)}={json.dumps(value)}" for path, value in wrong if len(path) == depth]
        for depth in range(1, deepest + 1)
    ]
    return "\n".join(refusal(helm, *arguments) for arguments in asked)


@pytest.mark.parametrize(("path", "node"), ALL)
def test_a_value_of_another_type_is_refused_by_its_name(told: str, path: tuple[str, ...], node: dict[str, Any]) -> None:
    """Helm says where it is, what it got and what it wants."""
    got = "number" if OF_ANOTHER_TYPE[node["type"]] == 1 else "string"
    assert f"at '/{'/'.join(path)}': got {got}, want {node['type']}" in told


def test_a_value_that_there_is_not_is_refused_by_its_name(helm: Helm) -> None:
    """At every level: a slip of the pen is never taken for a default."""
    said = refusal(helm, *(f"--set={'.'.join((*path, 'replica'))}=1" for path in CLOSED))
    places = ["".join(f"/{each}" for each in path) for path in CLOSED]
    assert [place for place in places if f"at '{place}': additional properties 'replica' not allowed" not in said] == []


@pytest.mark.parametrize(("path", "node"), ALL)
def test_a_value_says_what_it_is_for(path: tuple[str, ...], node: dict[str, Any]) -> None:
    """It is the comment in values.yaml and the row of the reference; what is below has a form of its own."""
    if path[0] != "resources" or len(path) == 1:
        assert node["description"].endswith("."), path
        assert "default" in node or "properties" in node or path == ("global",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("replicas=11", "at '/replicas': maximum: got 11, want 10", id="too many replicas"),
        pytest.param("replicas=-1", "at '/replicas': minimum: got -1, want 0", id="less than none"),
        pytest.param(
            "settings.healthPort=80", "at '/settings/healthPort': minimum: got 80, want 1,024", id="root's port"
        ),
        pytest.param(
            "settings.requestTimeout=0", "at '/settings/requestTimeout': minimum: got 0, want 1", id="no time at all"
        ),
        pytest.param(
            "settings.logLevel=debug",
            "at '/settings/logLevel': value must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR'",
            id="a level in small letters",
        ),
        pytest.param("image.pullPolicy=always", "at '/image/pullPolicy': value must be one of", id="no pull policy"),
        pytest.param("image.digest=abc", "at '/image/digest': 'abc' does not match pattern", id="no digest"),
        pytest.param("image.repository=", "at '/image/repository': ", id="no image"),
        pytest.param(
            "watchNamespaces={Team}", "at '/watchNamespaces/0': 'Team' does not match pattern", id="no namespace"
        ),
        pytest.param(
            "watchNamespaces={a,a}", "at '/watchNamespaces': items at 0 and 1 are equal", id="a namespace twice"
        ),
        pytest.param("networkPolicy.apiServerPorts={0}", "at '/networkPolicy/apiServerPorts/0'", id="no port"),
        pytest.param("serviceMonitor.interval=often", "at '/serviceMonitor/interval': 'often' does", id="no duration"),
        pytest.param(
            "leaderElection.enabled=false",
            "replicas: found 2, expected 1 since leaderElection.enabled is false",
            id="two replicas that know nothing of each other",
        ),
        pytest.param(
            "serviceAccount.create=false",
            "serviceAccount.name: expected the name of an existing ServiceAccount",
            id="nobody's account",
        ),
        pytest.param(
            "settings.context=x", "settings.context: expected KUBECONFIG in extraEnv, too", id="a context of nothing"
        ),
        pytest.param(
            "extraEnv[0].name=LAUNCHPLAN_OPERATOR_WORKERS",
            "extraEnv: found LAUNCHPLAN_OPERATOR_WORKERS, expected it to be set by a value of its own",
            id="a setting past its value",
        ),
        pytest.param(
            "serviceMonitor.enabled=true,service.enabled=false",
            "serviceMonitor.enabled: expected service.enabled, too",
            id="a monitor of nothing",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(helm: Helm, value: str, words: str) -> None:
    """With what was found and what was expected."""
    assert words in refusal(helm, "--set", value)


def test_what_the_chart_begins_with_is_what_the_schema_says() -> None:
    """Each default of values.yaml, and no value beside those of the schema."""
    given = yaml.safe_load((CHART / "values.yaml").read_text())
    declared = {path: node["default"] for path, node in values(SCHEMA) if "default" in node}
    assert {path: reduce(getitem, path, given) for path in declared} == declared
    assert set(given) == set(SCHEMA["properties"]) - {"global"}


def test_several_mistakes_are_told_at_once(helm: Helm) -> None:
    """One line each."""
    said = refusal(helm, "--set", "replica=1,settings.worker=2,image.tags=x")
    assert [word for word in ("'replica'", "'worker'", "'tags'") if word not in said] == []


def test_a_chart_may_contain_this_one(helm: Helm) -> None:
    """Helm then hands down `global`."""
    assert "kind: Deployment" in helm("template", "lp", str(CHART), "--set", "global.registry=x")
