"""From a plan, its workflow and resolved inputs to the content of a Job."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.settings import Interruptible, RunSettings
from launchplan_operator.api.types import Type, TypeProblem, parse_type, to_text
from launchplan_operator.api.workflow import Interface, WorkflowDefinitionSpec
from launchplan_operator.render.content import plan_content, workflow_content
from launchplan_operator.render.job import JobContent, render_job
from tests.unit.type_strategies import TYPES, values_of

PLAN = {"metadata": {"name": "report", "uid": "plan-uid"}}
WORKFLOW = WorkflowDefinitionSpec.model_validate(
    {
        "interface": {
            "inputs": [
                {"name": "since", "type": "datetime"},
                {"name": "ratio", "type": "float"},
                {"name": "dry", "type": "boolean"},
                {"name": "filter", "type": "struct"},
            ],
            "outputs": [{"name": "rows", "type": "integer"}],
        },
        "job": {"template": {"spec": {"containers": [{"name": "main"}, {"name": "side"}]}}},
    }
)
INPUTS = {"since": "2026-01-31T10:00:00+01:00", "ratio": 3, "dry": True, "filter": {"b": 1, "a": "ü"}}
SETTINGS = RunSettings(labels={"p": "1"}, timeout=5400, interruptible=True)


def content(workflow: WorkflowDefinitionSpec = WORKFLOW, settings: RunSettings = SETTINGS, **plan: Any) -> JobContent:
    """Return the content of a plan's run."""
    spec = LaunchPlanSpec.model_validate({"workflowRef": {"name": "etl"}, **plan})
    return plan_content(PLAN, spec, ("v1", "w1"), workflow, INPUTS, settings)


def test_inputs_travel_as_text_by_their_type_and_as_json_as_they_are() -> None:
    """A float is written as one, an instant in UTC, a struct as compact JSON; in declared order."""
    made = content()
    assert list(made.inputs.items()) == [
        ("since", "2026-01-31T09:00:00Z"),
        ("ratio", "3.0"),
        ("dry", "true"),
        ("filter", '{"a":"ü","b":1}'),
    ]
    assert json.loads(made.inputs_json) == INPUTS


MARKER = "findme-"


@st.composite
def runs(draw: st.DrawFn) -> tuple[Type, Any, Any]:
    """Draw a type and two of its values."""
    kind = draw(TYPES)
    return kind, draw(values_of(kind)), draw(values_of(kind))


def rendered(kind: Type, value: Any) -> dict[str, Any]:
    """Return the Job of a run whose only input has a value."""
    workflow = WORKFLOW.model_copy(
        update={"interface": Interface.model_validate({"inputs": [{"name": "x", "type": str(kind)}]})}
    )
    made = workflow_content({"metadata": {"name": "etl", "uid": "u"}}, "w1", workflow, {"x": value}, RunSettings())
    return render_job(
        made, {"apiVersion": "v", "kind": "k", "metadata": {"name": "run", "namespace": "prod", "uid": "u"}}
    )


@given(runs())
def test_jobs_of_other_values_differ_in_pod_annotations_only(run: tuple[Type, Any, Any]) -> None:
    """Whatever the type: no value can leave its environment variable or its file."""
    kind, *values = run
    jobs = [rendered(kind, value) for value in values]
    annotations = [job["spec"]["template"]["metadata"].pop("annotations") for job in jobs]
    assert jobs[0] == jobs[1]
    for found, value in zip(annotations, values, strict=True):
        assert found.keys() == {"inputs.launchplan.dev/x", "launchplan.dev/inputs"}
        assert found["inputs.launchplan.dev/x"] == to_text(kind, value)
        assert json.loads(found["launchplan.dev/inputs"]) == {"x": value}


@pytest.mark.parametrize(
    "name", ["string", "list[string]", "map[map[string]]", "optional[string]", "union[integer, string]"]
)
def test_a_values_text_stands_nowhere_else(name: str) -> None:
    """Neither as a key nor in quotes, dollars and braces that a careless renderer would expand or break."""
    text = f"{MARKER}$(PATH)\"}}]'\\n$$("
    shapes = {"list[string]": [text], "map[map[string]]": {text: {text: text}}}
    kind = parse_type(name)
    assert not isinstance(kind, TypeProblem)
    job = rendered(kind, shapes.get(name, text))
    annotations = job["spec"]["template"]["metadata"].pop("annotations")
    assert MARKER in annotations["inputs.launchplan.dev/x"]
    assert MARKER not in json.dumps(job)


def test_a_plans_content_names_plan_and_workflow_with_their_versions() -> None:
    """And where the outputs are."""
    made = content()
    assert (made.launcher, made.launcher_uid, made.version) == (("launchplan.dev/plan", "report"), "plan-uid", "v1")
    assert made.workflow == ("etl", "w1")
    assert (made.container, made.outputs) == ("main", {"rows": "integer"})
    assert made.template == WORKFLOW.job


def test_a_plans_content_has_the_runs_settings_and_the_plans_retries() -> None:
    """Settings were resolved over all levels; how often a failed pod is replaced is the plan's alone."""
    made = content(retries=2, labels={"not": "read"}, timeout="1s")
    assert (made.settings, made.retries) == (SETTINGS, 2)


def test_a_bare_workflows_content_has_the_runs_settings_alone() -> None:
    """It is launched by the workflow itself, in the version that it has now."""
    owner = {"metadata": {"name": "etl", "uid": "wf-uid"}}
    made = workflow_content(owner, "w1", WORKFLOW, INPUTS, SETTINGS)
    assert (made.launcher, made.launcher_uid, made.version) == (("launchplan.dev/workflow", "etl"), "wf-uid", "w1")
    assert made.workflow == ("etl", "w1")
    assert (made.settings, made.retries) == (SETTINGS, None)


SPOT = Interruptible(node_selector={"pool": "spot"})


@pytest.mark.parametrize(
    ("placement", "interruptible", "expected"),
    [
        pytest.param(SPOT, True, SPOT, id="an interruptible run lands where the workflow says"),
        pytest.param(SPOT, False, None, id="any other does not"),
        pytest.param(None, True, None, id="a workflow may say nothing of it"),
    ],
)
def test_the_workflow_says_where_interruptible_runs_land(
    placement: Interruptible | None, interruptible: bool, expected: Interruptible | None
) -> None:
    """A plan says only that it may be interrupted: where such nodes are is the author's knowledge."""
    workflow = WORKFLOW.model_copy(update={"interruptible": placement})
    assert content(workflow, RunSettings(interruptible=interruptible)).placement == expected


def test_the_container_of_the_outputs_is_the_one_asked_for() -> None:
    """Else the first."""
    side = WORKFLOW.model_copy(update={"container": "side"})
    assert workflow_content(PLAN, "w1", side, INPUTS, SETTINGS).container == "side"


def test_a_workflow_that_was_not_validated_is_not_rendered() -> None:
    """A text that is no type must not reach a cluster as if it were one."""
    broken = WorkflowDefinitionSpec.model_validate(
        {"interface": {"inputs": [{"name": "x", "type": "int"}]}, "job": WORKFLOW.job}
    )
    with pytest.raises(TypeError, match="'int' is no type"):
        workflow_content(PLAN, "w1", broken, {"x": 1}, SETTINGS)
