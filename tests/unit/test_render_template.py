"""Reading an unread Job template, and the one text of a JSON value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.canonical import canonical_json, content_hash
from launchplan_operator.api.template import (
    containers,
    is_own_key,
    is_reserved_env,
    misshapen,
    objects,
    output_container,
    pod_keys,
    pod_metadata,
    pod_spec,
)
from tests.unit.strategies import JSON, job_templates

JOB = {
    "template": {
        "metadata": {"labels": {"b": "1", "a": "2"}},
        "spec": {"containers": [{"name": "main"}, {"name": "side"}], "initContainers": [{"name": "init"}]},
    }
}


@pytest.mark.parametrize(
    ("job", "name", "expected"),
    [
        pytest.param(JOB, None, "main", id="the first by default"),
        pytest.param(JOB, "side", "side", id="the one asked for"),
        pytest.param(JOB, "init", None, id="no init container"),
        pytest.param(JOB, "gone", None, id="none of that name"),
        pytest.param({}, None, None, id="none at all"),
        pytest.param({"template": "x"}, "main", None, id="none in a template of another shape"),
    ],
)
def test_the_container_of_the_outputs(job: dict[str, Any], name: str | None, expected: str | None) -> None:
    """By name, else the first of the main ones."""
    assert output_container(job, name) == expected


def test_places_are_read_where_they_are() -> None:
    """Metadata, pod and containers of a template as Kubernetes documents it."""
    assert pod_metadata(JOB) == JOB["template"]["metadata"]
    assert pod_spec(JOB) == JOB["template"]["spec"]
    assert containers(JOB, "initContainers") == [{"name": "init"}]
    assert pod_keys(JOB, "labels") == ["a", "b"]
    assert pod_keys(JOB, "annotations") == []


@given(job_templates() | st.dictionaries(st.just("template"), JSON))
def test_any_shape_can_be_read(job: dict[str, Any]) -> None:
    """A template is a person's, and nobody checked it yet; where nothing is misshapen, nothing is passed over."""
    problems = list(misshapen(job))
    names = [container.get("name") for container in containers(job, "containers")]
    assert output_container(job, None) == (str(names[0]) if names else None)
    if not problems:
        assert containers(job, "containers") == (pod_spec(job).get("containers") or [])
        assert pod_keys(job, "labels") == sorted(pod_metadata(job).get("labels") or {})


@pytest.mark.parametrize(
    ("job", "path", "expected"),
    [
        ({"template": []}, "template", "an object"),
        ({"template": {"metadata": "x"}}, "template.metadata", "an object"),
        ({"template": {"metadata": {"labels": []}}}, "template.metadata.labels", "an object"),
        ({"template": {"metadata": {"annotations": "x"}}}, "template.metadata.annotations", "an object"),
        ({"template": {"spec": []}}, "template.spec", "an object"),
        ({"template": {"spec": {"volumes": {}}}}, "template.spec.volumes", "a list of objects"),
        ({"template": {"spec": {"containers": ["x"]}}}, "template.spec.containers", "a list of objects"),
        ({"template": {"spec": {"initContainers": 7}}}, "template.spec.initContainers", "a list of objects"),
        (
            {"template": {"spec": {"containers": [{}, {"env": {"A": "b"}}]}}},
            "template.spec.containers[1].env",
            "a list of objects",
        ),
        (
            {"template": {"spec": {"initContainers": [{"volumeMounts": [None]}]}}},
            "template.spec.initContainers[0].volumeMounts",
            "a list of objects",
        ),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(job: dict[str, Any], path: str, expected: str) -> None:
    """Each place that we extend, and only that."""
    assert [(place, what) for place, _, what in misshapen(job)] == [(path, expected)]


@pytest.mark.parametrize(
    "job", [JOB, {}, {"template": None}, {"template": {"metadata": None, "spec": {"volumes": None}}}]
)
def test_null_is_absent(job: dict[str, Any]) -> None:
    """As to the API server."""
    assert list(misshapen(job)) == []


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("launchplan.dev/plan", True),
        ("inputs.launchplan.dev/x", True),
        ("a.b.launchplan.dev/x", True),
        ("mylaunchplan.dev/x", False),
        ("launchplan.dev.example/x", False),
        ("launchplan.dev", False),
        ("team", False),
    ],
)
def test_keys_of_our_domain_are_ours(key: str, own: bool) -> None:
    """And those of domains below it."""
    assert is_own_key(key) is own


@pytest.mark.parametrize(
    ("name", "reserved"),
    [("LP_INPUT_X", True), ("LAUNCHPLAN_NAME", True), ("LP_OUTPUT", False), ("X_LP_INPUT_", False)],
)
def test_environment_names_are_ours_by_their_beginning(name: str, reserved: bool) -> None:
    """So that an input that is added later meets no name of the author's."""
    assert is_reserved_env(name) is reserved


@pytest.mark.parametrize(("value", "expected"), [(None, []), ("x", []), ({}, []), ([1, {"a": 1}, None], [{"a": 1}])])
def test_of_anything_only_the_objects_of_a_list_are_taken(value: Any, expected: list[dict[str, Any]]) -> None:
    """A map is no list, even though it can be walked."""
    assert objects(value) == expected


def test_canonical_json_is_compact_sorted_and_unescaped() -> None:
    """The very text that a container gets, and whose hash is a version."""
    assert canonical_json({"b": [1, 2.5, None, True], "a": 'grün "x"'}) == '{"a":"grün \\"x\\"","b":[1,2.5,null,true]}'


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_canonical_json_reads_back_and_does_not_depend_on_order(value: dict[str, Any]) -> None:
    """Equal values have one text and one hash."""
    turned = dict(reversed(value.items()))
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(turned) == canonical_json(value)
    assert content_hash(turned) == content_hash(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}])
def test_what_json_cannot_say_has_no_canonical_text(value: Any) -> None:
    """It would be refused by every other reader."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)
