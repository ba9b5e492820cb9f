"""The Job of a run: the author's template as it is, with our values beside it and never in it."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.settings import RunSettings
from launchplan_operator.api.template import input_env
from launchplan_operator.render.job import JobContent, render_job, render_job_spec
from tests.unit.strategies import TEXTS

TEMPLATE: dict[str, Any] = {
    "backoffLimit": 4,
    "activeDeadlineSeconds": 60,
    "ttlSecondsAfterFinished": 5,
    "template": {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": "runner",
            "initContainers": [{"name": "init", "image": "i"}],
            "containers": [
                {
                    "name": "main",
                    "image": "m",
                    "command": ["run", "$(LP_INPUT_CITY)"],
                    "env": [{"name": "MODE", "value": "$(LP_INPUT_CITY)"}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                },
                {"name": "side", "image": "s", "terminationMessagePolicy": "File"},
            ],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    },
}
CONTENT = JobContent(
    template=TEMPLATE,
    launcher=("launchplan.dev/plan", "report"),
    version="v1",
    launcher_uid="plan-uid",
    workflow=("etl", "w1"),
    inputs={"city": "oslo", "maxRows": "3"},
    inputs_json='{"city":"oslo","maxRows":3}',
    container="main",
    outputs={"rows": "integer"},
    settings=RunSettings(labels={"cost": "x"}, annotations={"owner": "y"}),
)
EXECUTION = {
    "apiVersion": "launchplan.dev/v1alpha1",
    "kind": "LaunchPlanExecution",
    "metadata": {"name": "run", "namespace": "prod", "uid": "run-uid"},
}


def job(**changes: Any) -> dict[str, Any]:
    """Return the Job of the content with changes."""
    return render_job(replace(CONTENT, **changes), EXECUTION)


def pod_of(rendered: Mapping[str, Any]) -> Any:
    """Return the pod spec of a Job."""
    return rendered["spec"]["template"]["spec"]


def field(path: str) -> dict[str, Any]:
    """Return the source of a value that comes by the downward API."""
    return {"fieldRef": {"fieldPath": path}}


ENV: list[dict[str, Any]] = [
    {"name": "LP_INPUT_CITY", "valueFrom": field("metadata.annotations['inputs.launchplan.dev/city']")},
    {"name": "LP_INPUT_MAX_ROWS", "valueFrom": field("metadata.annotations['inputs.launchplan.dev/maxRows']")},
    {"name": "LAUNCHPLAN_INPUTS", "valueFrom": field("metadata.annotations['launchplan.dev/inputs']")},
    {"name": "LAUNCHPLAN_NAME", "valueFrom": field("metadata.labels['launchplan.dev/plan']")},
    {"name": "LAUNCHPLAN_VERSION", "valueFrom": field("metadata.labels['launchplan.dev/version']")},
    {"name": "LAUNCHPLAN_EXECUTION", "valueFrom": field("metadata.labels['batch.kubernetes.io/job-name']")},
    {"name": "LAUNCHPLAN_NAMESPACE", "valueFrom": field("metadata.namespace")},
]
MOUNT = {"name": "launchplan-inputs", "mountPath": "/etc/launchplan", "readOnly": True}


def test_a_job_is_the_authors_template_with_our_additions_and_nothing_else() -> None:
    """The whole manifest, as the API server gets it."""
    own = {
        "app.kubernetes.io/managed-by": "launchplan-operator",
        "launchplan.dev/plan": "report",
        "launchplan.dev/version": "v1",
        "launchplan.dev/execution": "run",
        "launchplan.dev/origin": "Manual",
    }
    author = TEMPLATE["template"]["spec"]
    init, (main, side) = author["initContainers"][0], author["containers"]
    assert job() == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "run",
            "namespace": "prod",
            "labels": {"cost": "x", **own},
            "annotations": {
                "owner": "y",
                "launchplan.dev/plan-uid": "plan-uid",
                "launchplan.dev/results": '{"container":"main","outputs":{"rows":"integer"},'
                '"workflow":{"name":"etl","version":"w1"}}',
            },
            "ownerReferences": [
                {
                    "apiVersion": "launchplan.dev/v1alpha1",
                    "kind": "LaunchPlanExecution",
                    "name": "run",
                    "uid": "run-uid",
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "backoffLimit": 4,
            "activeDeadlineSeconds": 60,
            "template": {
                "metadata": {
                    "labels": {"team": "a", **own},
                    "annotations": {
                        "note": "b",
                        "inputs.launchplan.dev/city": "oslo",
                        "inputs.launchplan.dev/maxRows": "3",
                        "launchplan.dev/inputs": '{"city":"oslo","maxRows":3}',
                    },
                },
                "spec": {
                    **author,
                    "initContainers": [{**init, "env": ENV, "volumeMounts": [MOUNT]}],
                    "containers": [
                        {
                            **main,
                            "env": [*ENV, *main["env"]],
                            "volumeMounts": [*main["volumeMounts"], MOUNT],
                            "terminationMessagePolicy": "FallbackToLogsOnError",
                        },
                        {**side, "env": ENV, "volumeMounts": [MOUNT]},
                    ],
                    "volumes": [
                        *author["volumes"],
                        {
                            "name": "launchplan-inputs",
                            "downwardAPI": {
                                "items": [
                                    {"path": "inputs.json", **field("metadata.annotations['launchplan.dev/inputs']")}
                                ]
                            },
                        },
                    ],
                },
            },
        },
    }


def test_rendering_leaves_the_template_as_it_was() -> None:
    """It is shared by every run of the workflow, and what is changed in one Job shows in no other."""
    before = deepcopy(TEMPLATE)
    first = job()
    pod_of(first)["containers"][0]["command"].append("more")
    first["spec"]["template"]["metadata"]["labels"]["x"] = "y"
    assert before == TEMPLATE
    assert job() != first


def test_the_names_that_a_container_sees_come_from_marks_that_are_there() -> None:
    """Each annotation and label that the environment refers to is set, but for the one that Kubernetes sets."""
    metadata = job()["spec"]["template"]["metadata"]
    present = {f"metadata.annotations['{key}']" for key in metadata["annotations"]}
    present |= {f"metadata.labels['{key}']" for key in metadata["labels"]}
    present |= {"metadata.namespace", "metadata.labels['batch.kubernetes.io/job-name']"}
    assert {entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in ENV} <= present


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (60, 4), id="the template's own deadline and retries stand"),
        pytest.param({"settings": RunSettings(timeout=90)}, (90, 4), id="a time-out takes the deadline's place"),
        pytest.param({"retries": 0}, (60, 0), id="no retries are a number of retries"),
    ],
)
def test_the_plans_settings_take_the_place_of_the_templates(changes: dict[str, Any], expected: tuple[int, int]) -> None:
    """Only where they are given."""
    spec = job(**changes)["spec"]
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"]) == expected


@pytest.mark.parametrize("key", ["launchplan.dev/version", "app.kubernetes.io/managed-by"])
def test_nobody_takes_our_labels_place(key: str) -> None:
    """Neither the plan's labels on the Job nor the author's on the pod; our watches select by them."""
    template = {"template": {"metadata": {"labels": {key: "theirs"}}, "spec": {"containers": [{"name": "main"}]}}}
    rendered = job(template=template, settings=RunSettings(labels={key: "theirs"}, pod_labels={key: "theirs"}))
    assert rendered["metadata"]["labels"][key] != "theirs"
    assert rendered["spec"]["template"]["metadata"]["labels"][key] != "theirs"


def test_the_plans_labels_and_annotations_stay_off_the_pod() -> None:
    """What stands on a pod may select policies, which only the workflow's author grants."""
    metadata = job()["spec"]["template"]["metadata"]
    assert "cost" not in metadata["labels"]
    assert "owner" not in metadata["annotations"]


def test_only_the_container_of_the_outputs_falls_back_to_its_log() -> None:
    """And what its author chose stays."""
    containers = pod_of(job(container="side"))["containers"]
    assert [c.get("terminationMessagePolicy") for c in containers] == [None, "File"]


MARKER = "s3cr3t-"
#: Texts in quotes, with dollars and braces, which a careless renderer would expand or break.
VALUES = TEXTS.map(lambda text: f"{MARKER}{text}") | st.sampled_from(
    [f"{MARKER}$(PATH)", f'{MARKER}"}}]', f"{MARKER}$$("]
)


@given(st.dictionaries(st.sampled_from(["city", "a_b", "X"]), VALUES, min_size=1))
def test_a_value_stands_in_pod_annotations_and_nowhere_else(inputs: dict[str, str]) -> None:
    """No text is substituted into a template: two runs differ in annotations only."""
    first = job(inputs=inputs, inputs_json=json.dumps(inputs))
    second = job(inputs=dict.fromkeys(inputs, ""), inputs_json="{}")
    annotations = [made["spec"]["template"]["metadata"].pop("annotations") for made in (first, second)]
    assert first == second
    assert MARKER not in json.dumps(first)
    assert {annotations[0][f"inputs.launchplan.dev/{name}"]: name for name in inputs} == {
        v: k for k, v in inputs.items()
    }


@given(st.permutations(["b", "a", "c"]))
def test_inputs_keep_their_declared_order(names: list[str]) -> None:
    """Kubernetes expands a name only from those above it, so the order is part of what an author sees."""
    env = pod_of(job(inputs=dict.fromkeys(names, "x")))["containers"][0]["env"]
    assert [entry["name"] for entry in env[:3]] == [f"LP_INPUT_{name.upper()}" for name in names]
    assert env[-1]["name"] == "MODE"


@pytest.mark.parametrize(
    "empty",
    [
        pytest.param({"template": {"spec": {"containers": [{"name": "main"}]}}}, id="a bare template"),
        pytest.param(
            {"template": {"metadata": None, "spec": {"containers": [{"name": "main", "env": None}], "volumes": None}}},
            id="a template with nulls",
        ),
    ],
)
def test_what_a_template_leaves_out_is_added(empty: dict[str, Any]) -> None:
    """Null is as good as absent."""
    spec = render_job_spec(replace(CONTENT, template=empty))
    assert spec["template"]["spec"]["containers"][0]["env"] == ENV
    assert [volume["name"] for volume in spec["template"]["spec"]["volumes"]] == ["launchplan-inputs"]
    assert spec["template"]["metadata"]["annotations"]["inputs.launchplan.dev/city"] == "oslo"


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("rows", "LP_INPUT_ROWS"),
        ("max_rows", "LP_INPUT_MAX_ROWS"),
        ("maxRows", "LP_INPUT_MAX_ROWS"),
        ("MaxRows2Go", "LP_INPUT_MAX_ROWS2_GO"),
        ("URL", "LP_INPUT_URL"),
    ],
)
def test_an_inputs_environment_name_is_upper_snake_case(name: str, env: str) -> None:
    assert input_env(name) == env
