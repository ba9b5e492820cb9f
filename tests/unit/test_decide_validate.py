"""Validation of workflows and plans: one reason for each mistake, with the place where it was made."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.settings import EnvVar, RunSettings, SecretUse
from launchplan_operator.api.types import Type
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.inputs import MAX_INPUT_BYTES
from launchplan_operator.decide.samples import sample_inputs
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan, validate_workflow
from launchplan_operator.render.content import workflow_content
from launchplan_operator.render.job import render_job
from tests.unit.strategies import job_templates
from tests.unit.type_strategies import TYPES

POD = "spec.job.template.spec"
VALID: dict[str, Any] = {
    "allow": {"env": ["MODE"]},
    "interface": {
        "inputs": [
            {"name": "city", "type": "string"},
            {"name": "limit", "type": "integer", "default": 3},
        ],
        "outputs": [{"name": "rows", "type": "integer"}],
    },
    "job": {
        "template": {
            "metadata": {"labels": {"team": "a"}},
            "spec": {
                "initContainers": [{"name": "init"}],
                "containers": [
                    {"name": "main", "env": [{"name": "MODE", "value": "$(LP_INPUT_CITY)"}]},
                    {"name": "two"},
                ],
                "volumes": [{"name": "data"}],
            },
        }
    },
}


def workflow(**changes: Any) -> WorkflowDefinitionSpec:
    """Return the valid workflow with changes, each key a path such as `job__template__spec`."""
    spec = deepcopy(VALID)
    for path, value in changes.items():
        place: Any = spec
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("__"))
        for part in parents:
            place = place[part]
        place[last] = value
    return WorkflowDefinitionSpec.model_validate(spec)


def told(findings: tuple[Finding, ...]) -> list[tuple[Reason, str]]:
    """Return reason and path of each finding."""
    return [(finding.reason, finding.path) for finding in findings]


CONTAINER = "job__template__spec__containers__0"

WORKFLOWS: list[Any] = [
    pytest.param({}, None, id="a valid workflow has no finding"),
    pytest.param({"interface": {}}, None, id="a workflow may have neither inputs nor outputs"),
    pytest.param({"container": "two"}, None, id="any container may carry the outputs"),
    pytest.param(
        {"interface__inputs__0__type": "text"},
        (Reason.TypeInvalid, "spec.interface.inputs[city].type"),
        id="an input's type must be in the grammar",
    ),
    pytest.param(
        {"interface__outputs__0__type": "list[x"},
        (Reason.TypeInvalid, "spec.interface.outputs[rows].type"),
        id="an output's type must be in the grammar",
    ),
    pytest.param(
        {"interface__inputs__1__default": "3"},
        (Reason.DefaultInvalid, "spec.interface.inputs[limit].default"),
        id="a default must be of its input's type",
    ),
    pytest.param(
        {"interface__inputs__1__default": None},
        (Reason.DefaultInvalid, "spec.interface.inputs[limit].default"),
        id="null is a default, and no integer",
    ),
    pytest.param(
        {"interface__inputs__1": {"name": "CITY", "type": "string"}},
        (Reason.InputNameCollision, "spec.interface.inputs[CITY]"),
        id="two inputs may not share an environment name",
    ),
    pytest.param({"job": {}}, (Reason.JobRefused, f"{POD}.containers"), id="a template without a pod has no container"),
    pytest.param(
        {"job__template__spec__containers": []},
        (Reason.JobRefused, f"{POD}.containers"),
        id="an empty list of containers is none",
    ),
    pytest.param(
        {"container": "init"},
        (Reason.ContainerUnknown, "spec.container"),
        id="an init container cannot carry the outputs",
    ),
    pytest.param(
        {"job__completions": 2}, (Reason.OutputInvalid, "spec.job.completions"), id="outputs need a single completion"
    ),
    pytest.param(
        {"job__completions": 2, "interface__outputs": []}, None, id="without outputs, any number of completions goes"
    ),
    pytest.param({"job__completions": 1}, None, id="one completion may be written down"),
    pytest.param(
        {f"{CONTAINER}__env": [{"name": "A"}, {"name": "LP_INPUT_X", "value": "1"}]},
        (Reason.ReservedName, f"{POD}.containers[0].env[1].name"),
        id="an input's environment name is ours",
    ),
    pytest.param(
        {"job__template__spec__initContainers__0__env": [{"name": "LAUNCHPLAN_NAME"}]},
        (Reason.ReservedName, f"{POD}.initContainers[0].env[0].name"),
        id="a run's environment name is ours in init containers too",
    ),
    pytest.param(
        {f"{CONTAINER}__env": [{"name": "MY_LP_INPUT_X"}]}, None, id="only the beginning of a name is reserved"
    ),
    pytest.param(
        {"job__template__metadata__labels": {"launchplan.dev/plan": "x"}},
        (Reason.ReservedName, "spec.job.template.metadata.labels"),
        id="a label of our domain is ours",
    ),
    pytest.param(
        {"job__template__metadata": {"annotations": {"inputs.launchplan.dev/city": "x"}}},
        (Reason.ReservedName, "spec.job.template.metadata.annotations"),
        id="an annotation of a domain below ours is ours",
    ),
    pytest.param(
        {"job__template__metadata__labels": {"mylaunchplan.dev/x": "1", "launchplan.dev": "2"}},
        None,
        id="a domain that only ends like ours, or a key without one, is the author's",
    ),
    pytest.param(
        {"job__template__spec__volumes": [{"name": "x"}, {"name": "launchplan-inputs"}]},
        (Reason.ReservedName, f"{POD}.volumes[1].name"),
        id="the inputs volume is ours",
    ),
    pytest.param(
        {f"{CONTAINER}__volumeMounts": [{"name": "x", "mountPath": "/etc/launchplan/"}]},
        (Reason.ReservedName, f"{POD}.containers[0].volumeMounts[0].mountPath"),
        id="the inputs directory is ours, with or without a slash at its end",
    ),
    pytest.param(
        {f"{CONTAINER}__volumeMounts": [{"name": "x", "mountPath": "/etc/launchplan2"}]},
        None,
        id="a neighbouring directory is free",
    ),
    pytest.param(
        {"job__template__spec__volumes": [{"name": "launchplan-secrets"}]},
        (Reason.ReservedName, f"{POD}.volumes[0].name"),
        id="the secrets volume is ours",
    ),
    pytest.param(
        {f"{CONTAINER}__volumeMounts": [{"name": "x", "mountPath": "/etc/launchplan-secrets"}]},
        (Reason.ReservedName, f"{POD}.containers[0].volumeMounts[0].mountPath"),
        id="the secrets directory is ours",
    ),
    pytest.param(
        {"job__template__spec__nodeSelector": "spot"},
        (Reason.JobRefused, f"{POD}.nodeSelector"),
        id="a node selector written as a text is refused",
    ),
    pytest.param(
        {"job__template__spec__tolerations": {"key": "spot"}},
        (Reason.JobRefused, f"{POD}.tolerations"),
        id="tolerations written as a map are refused",
    ),
    pytest.param(
        {f"{CONTAINER}__env": {"MODE": "fast"}},
        (Reason.JobRefused, f"{POD}.containers[0].env"),
        id="an environment written as a map is refused, not tripped over",
    ),
    pytest.param(
        {"job__template__metadata__labels": ["team"]},
        (Reason.JobRefused, "spec.job.template.metadata.labels"),
        id="labels written as a list are refused",
    ),
    pytest.param(
        {"job__template__metadata": None, f"{CONTAINER}__env": None, "job__template__spec__volumes": None},
        None,
        id="null is as good as absent",
    ),
    pytest.param(
        {"job__template__spec__initContainers": ["busybox"]},
        (Reason.JobRefused, f"{POD}.initContainers"),
        id="a container written as a text is refused",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), WORKFLOWS)
def test_a_workflow_is_valid_or_has_the_one_finding(
    changes: dict[str, Any], expected: tuple[Reason, str] | None
) -> None:
    """Each change of a valid workflow is answered by exactly its reason and place."""
    assert told(validate_workflow(workflow(**changes))) == ([expected] if expected else [])


def test_a_workflow_tells_everything_that_is_wrong_at_once() -> None:
    """A person mends all of it in one go."""
    broken = workflow(interface__inputs__0__type="int", interface__inputs__1__default="x", container="gone")
    findings = validate_workflow(broken)
    assert [f.reason for f in findings] == [Reason.TypeInvalid, Reason.DefaultInvalid, Reason.ContainerUnknown]
    assert not any(finding.transient for finding in findings)
    assert "did you mean integer?" in findings[0].text
    assert "found container 'gone', expected one of the template's: main, two" in findings[2].message


@given(job_templates())
@example({"template": {"spec": {"containers": [{"name": "main", "env": [{"name": []}]}]}}})
def test_a_template_of_any_shape_is_refused_or_can_be_rendered(job: dict[str, Any]) -> None:
    """The template is unread by the schema: nothing that a person writes there trips the checks or the renderer."""
    spec = workflow(job=job, interruptible={"nodeSelector": {"a": "b"}, "tolerations": [{"key": "a"}]})
    if validate_workflow(spec):
        return
    owner = {"apiVersion": "v1", "kind": "W", "metadata": {"name": "w", "namespace": "ns", "uid": "u"}}
    content = workflow_content(owner, "1", spec, sample_inputs(spec.interface.inputs), EVERYTHING)
    assert render_job(content, owner)["spec"]["template"]["spec"]["containers"]


#: All that extends a template.
EVERYTHING = RunSettings(
    pod_labels={"a": "b"},
    pod_annotations={"a": "b"},
    env=(EnvVar(name="A"),),
    service_account="a",
    secrets=(SecretUse(name="s", key="k", file="f"),),
    interruptible=True,
    max_parallelism=1,
    output_prefix="s3://b",
    timeout=1,
)


def plan_view(view: WorkflowView | None = None, **fields: Any) -> PlanView:
    """Return a plan over the valid workflow, or over another view."""
    spec = LaunchPlanSpec.model_validate({"workflowRef": {"name": "report"}, **fields})
    return PlanView(spec, view or WorkflowView("report", workflow(), "1"))


DAILY = {"cron": "0 9 * * *"}

PLANS: list[Any] = [
    pytest.param({}, [], id="a plan may bind nothing and be run by hand"),
    pytest.param(
        {"defaultInputs": {"city": "oslo"}, "schedule": DAILY}, [], id="a scheduled plan that binds all is valid"
    ),
    pytest.param(
        {"fixedInputs": {"city": "oslo"}, "schedule": DAILY}, [], id="a fixed input binds a required one as well"
    ),
    pytest.param(
        {"schedule": DAILY},
        [(Reason.ScheduleUnboundInput, "spec.defaultInputs.city")],
        id="a slot has no caller to give a required input",
    ),
    pytest.param(
        {"defaultInputs": {"city": "a"}, "fixedInputs": {"city": "b"}},
        [(Reason.InputInBoth, "spec.fixedInputs.city")],
        id="an input is either default or fixed",
    ),
    pytest.param(
        {"defaultInputs": {"town": "a"}},
        [(Reason.UnexpectedInput, "spec.defaultInputs.town")],
        id="a default of an undeclared input is unexpected",
    ),
    pytest.param(
        {"fixedInputs": {"town": "a"}},
        [(Reason.UnexpectedInput, "spec.fixedInputs.town")],
        id="a fixed value of an undeclared input is unexpected",
    ),
    pytest.param(
        {"defaultInputs": {"limit": 1.5}},
        [(Reason.TypeMismatch, "spec.defaultInputs.limit")],
        id="a default must be of the declared type",
    ),
    pytest.param(
        {"fixedInputs": {"city": 7}},
        [(Reason.TypeMismatch, "spec.fixedInputs.city")],
        id="a fixed value must be of the declared type",
    ),
    pytest.param(
        {"fixedInputs": {"city": "x" * MAX_INPUT_BYTES}, "schedule": DAILY},
        [(Reason.InputsTooLarge, "spec.defaultInputs")],
        id="a scheduled plan's inputs must fit into a pod's annotations",
    ),
    pytest.param(
        {"env": [{"name": "MODE"}, {"name": "SEED"}], "identity": {"serviceAccountName": "root"}},
        [
            (Reason.NotPermitted, "spec.env[SEED]"),
            (Reason.NotPermitted, "spec.identity.serviceAccountName"),
        ],
        id="a plan asks only for what the workflow allows",
    ),
    pytest.param(
        {"labels": {"any": "x"}, "annotations": {"any": "x"}, "interruptible": True, "maxParallelism": 3},
        [],
        id="labels, annotations and limits need no permission",
    ),
    pytest.param(
        {"defaultInputs": {"city": "x" * MAX_INPUT_BYTES}}, [], id="without a schedule a caller may still give less"
    ),
]


@pytest.mark.parametrize(("fields", "expected"), PLANS)
def test_a_plan_is_valid_or_says_what_is_wrong(fields: dict[str, Any], expected: list[tuple[Reason, str]]) -> None:
    """Each plan over the valid workflow has exactly these findings, none of which time mends."""
    findings = validate_plan(plan_view(**fields))
    assert told(findings) == expected
    assert not any(finding.transient for finding in findings)


def test_a_plan_whose_workflow_is_absent_waits_for_it() -> None:
    """That alone is told, as what another object's arrival would mend."""
    findings = validate_plan(plan_view(WorkflowView("report"), defaultInputs={"zzz": 1}, schedule=DAILY))
    assert told(findings) == [(Reason.WorkflowNotFound, "spec.workflowRef.name")]
    assert findings[0].transient


@pytest.mark.parametrize("spec", [None, workflow()], ids=["unreadable", "readable"])
def test_a_plan_whose_workflow_is_broken_says_why(spec: WorkflowDefinitionSpec | None) -> None:
    """The workflow's first finding is repeated, so that one look suffices."""
    broken = WorkflowView("report", spec, findings=(Finding(Reason.TypeInvalid, "found the type 'int'"),))
    findings = validate_plan(plan_view(broken))
    assert told(findings) == [(Reason.WorkflowInvalid, "spec.workflowRef.name")]
    assert "'report' is not valid: TypeInvalid: found the type 'int'" in findings[0].message
    assert not findings[0].transient


def test_a_broken_workflow_still_denies_what_it_does_not_allow() -> None:
    """Else an edit that breaks it could not take back a permission."""
    broken = WorkflowView("report", workflow(), findings=(Finding(Reason.TypeInvalid, "found the type 'int'"),))
    findings = validate_plan(plan_view(broken, env=[{"name": "SEED"}]))
    assert told(findings) == [
        (Reason.WorkflowInvalid, "spec.workflowRef.name"),
        (Reason.NotPermitted, "spec.env[SEED]"),
    ]


def test_what_is_wrong_by_itself_is_told_even_without_the_workflow() -> None:
    """A key in both maps needs no workflow to be wrong, and is permanent."""
    view = plan_view(WorkflowView("report"), defaultInputs={"a": 1}, fixedInputs={"a": 2})
    assert told(validate_plan(view)) == [
        (Reason.InputInBoth, "spec.fixedInputs.a"),
        (Reason.WorkflowNotFound, "spec.workflowRef.name"),
    ]


@given(TYPES)
def test_a_sample_is_of_its_inputs_type(kind: Type) -> None:
    """A template is tried with values that a caller could give."""
    spec = workflow(interface__inputs=[{"name": "x", "type": str(kind)}])
    view = plan_view(WorkflowView("report", spec, "1"), defaultInputs=sample_inputs(spec.interface.inputs))
    assert validate_plan(view) == ()


def test_a_sample_is_the_default_where_there_is_one() -> None:
    """Of an enum without a default it is the first choice, of an optional type null."""
    inputs: list[dict[str, Any]] = [
        {"name": "a", "type": "enum[x, y]"},
        {"name": "b", "type": "integer", "default": 5},
        {"name": "c", "type": "optional[integer]"},
    ]
    samples = {"a": "x", "b": 5, "c": None}
    assert sample_inputs(workflow(interface__inputs=inputs).interface.inputs) == samples


def test_an_unreadable_type_has_no_sample() -> None:
    """Only a validated workflow is tried."""
    with pytest.raises(TypeError, match="'int' is no type"):
        sample_inputs(workflow(interface__inputs=[{"name": "a", "type": "int"}]).interface.inputs)
