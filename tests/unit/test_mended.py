"""The command that a finding names leaves nothing of the mistake, on whatever object it is made."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.mending import Target, edit_object, mend_command
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan, validate_workflow
from tests.unit.mended import patched
from tests.unit.strategies import JSON, VALUES, job_templates
from tests.unit.test_decide_validate import CONTAINER, PLANS, VALID, WORKFLOWS, plan_view, workflow

WFD = Target("wfd", "demo", "report")
LP = Target("lp", "demo", "daily")


def command(findings: tuple[Finding, ...], target: Target) -> str:
    """Return the command that mends findings."""
    return mend_command((finding.fix for finding in findings), target)


def mended_workflow(spec: WorkflowDefinitionSpec) -> tuple[Finding, ...]:
    """Return what is still wrong with a workflow after its command."""
    text = command(validate_workflow(spec), WFD)
    raw = {"spec": spec.model_dump(mode="json", by_alias=True, exclude_unset=True)}
    return validate_workflow(WorkflowDefinitionSpec.model_validate(patched(raw, text)["spec"]))


def mended_plan(fields: Mapping[str, Any], view: WorkflowView) -> tuple[Finding, ...]:
    """Return what is still wrong with a plan after its command."""
    spec = {"workflowRef": {"name": "report"}, **fields}
    before = PlanView(LaunchPlanSpec.model_validate(spec), view)
    after = patched({"spec": spec}, command(validate_plan(before), LP))["spec"]
    return validate_plan(PlanView(LaunchPlanSpec.model_validate(after), view))


@pytest.mark.parametrize(("changes", "expected"), WORKFLOWS)
def test_a_workflows_command_mends_it(changes: dict[str, Any], expected: tuple[Reason, str] | None) -> None:
    """But for a template of a wrong shape, which a person edits."""
    spec = workflow(**changes)
    if expected is not None and expected[0] is Reason.JobRefused:
        assert [finding.fix for finding in validate_workflow(spec)] == [edit_object()]
        return
    assert mended_workflow(spec) == ()


@pytest.mark.parametrize(("fields", "expected"), PLANS)
def test_a_plans_command_mends_it(fields: dict[str, Any], expected: list[tuple[Reason, str]]) -> None:
    """Whatever it is that is wrong, and all of it at once."""
    findings = validate_plan(plan_view(**fields))
    assert [finding.fix is not None for finding in findings] == [True] * len(expected)
    assert mended_plan(fields, WorkflowView("report", workflow(), "1")) == ()


@given(st.dictionaries(st.sampled_from(["a", "b", "aa", "n/m~"]), JSON), st.dictionaries(st.sampled_from("ab"), JSON),
       st.sampled_from(sorted(VALUES)), st.sampled_from(sorted(VALUES)), st.booleans())  # fmt: skip
def test_no_values_are_too_wrong_to_be_mended(
    defaults: dict[str, Any], fixed: dict[str, Any], one: str, two: str, scheduled: bool
) -> None:
    """Of any type, in both maps, misspelt or missing."""
    spec = workflow(interface__inputs=[{"name": "a", "type": one}, {"name": "b", "type": two}])
    fields = {"defaultInputs": defaults, "fixedInputs": fixed} | (
        {"schedule": {"cron": "0 9 * * *"}} if scheduled else {}
    )
    assert mended_plan(fields, WorkflowView("report", spec, "1")) == ()


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "aB", "a_b", "AB"]), st.sampled_from([*VALUES, "int", "str[]", "?"]), JSON),
                unique_by=lambda each: each[0], max_size=5), job_templates())  # fmt: skip
def test_no_interface_is_too_wrong_to_be_mended(inputs: list[tuple[str, str, Any]], job: dict[str, Any]) -> None:
    """A mended type may show that a default does not fit; then that is mended next."""
    declared = [{"name": name, "type": kind, "default": default} for name, kind, default in inputs]
    spec = WorkflowDefinitionSpec.model_validate(VALID | {"interface": {"inputs": declared}, "job": job})
    findings = validate_workflow(spec)
    if any(finding.reason is Reason.JobRefused for finding in findings):
        return
    assert {finding.reason for finding in mended_workflow(spec)} <= {Reason.DefaultInvalid}


def test_a_renamed_input_takes_no_other_ones_place() -> None:
    """Not even one that only the environment sees as the same."""
    spec = workflow(interface__inputs=[{"name": name, "type": "string"} for name in ("a", "A", "a2", "A_3", "A3")])
    text = command(validate_workflow(spec), WFD)
    raw = {"spec": spec.model_dump(mode="json", by_alias=True, exclude_unset=True)}
    inputs = patched(raw, text)["spec"]["interface"]["inputs"]
    assert [each["name"] for each in inputs] == ["a", "A4", "a2", "A_3", "A3"]


def test_a_renamed_volume_stays_mounted() -> None:
    """Every mount of it follows; the others stay."""
    mounts = [{"name": "launchplan-inputs", "mountPath": "/a"}, {"name": "data", "mountPath": "/b"}]
    volumes = [{"name": "data"}, {"name": "launchplan-inputs"}]
    changes: dict[str, Any] = {f"{CONTAINER}__volumeMounts": mounts, "job__template__spec__volumes": volumes}
    raw = {"spec": workflow(**changes).model_dump(mode="json", by_alias=True)}
    pod = patched(raw, command(validate_workflow(workflow(**changes)), WFD))["spec"]["job"]["template"]["spec"]
    assert [each["name"] for each in pod["volumes"]] == ["data", "my-launchplan-inputs"]
    assert [each["name"] for each in pod["containers"][0]["volumeMounts"]] == ["my-launchplan-inputs", "data"]


def test_a_plan_suffers_from_all_that_is_wrong_with_its_workflow() -> None:
    """One command mends the workflow, so that the plan is mended too."""
    broken = workflow(interface__inputs__0__type="str", interface__inputs__1__default="3", container="mian")
    view = WorkflowView("report", broken, "1", validate_workflow(broken))
    text = command(validate_plan(plan_view(view)), LP)
    assert text == (
        """kubectl patch wfd report -n demo --type=merge -p '{"spec":{"container":"main"}}' && """
        """kubectl patch wfd report -n demo --type=json -p '["""
        """{"op":"replace","path":"/spec/interface/inputs/0/type","value":"string"},"""
        """{"op":"replace","path":"/spec/interface/inputs/1/default","value":3}]'"""
    )


@pytest.mark.parametrize(
    ("others", "meant"),
    [
        pytest.param(("reprot", "x"), "reprot", id="the nearest name is meant"),
        pytest.param(("cleanup",), None, id="a name that is not near is not meant"),
        pytest.param((), None, id="in an empty namespace nothing is meant"),
    ],
)
def test_an_absent_workflow_may_be_misspelt(others: tuple[str, ...], meant: str | None) -> None:
    """Else it is waited for, and there is nothing to change."""
    (finding,) = validate_plan(plan_view(WorkflowView("report", others=others)))
    assert (finding.fix is not None) == (meant is not None)
    if finding.fix is not None:
        assert finding.fix.merge == {"spec": {"workflowRef": {"name": meant}}}
        assert f"did you mean {meant!r}?" in finding.text


def test_a_misspelt_name_keeps_its_value_where_a_schedule_needs_it() -> None:
    """The example for what is missing does not beat what the person wrote."""
    fields: dict[str, Any] = {"defaultInputs": {"cty": "Oslo"}, "schedule": {"cron": "0 9 * * *"}}
    text = command(validate_plan(plan_view(**fields)), LP)
    assert patched({"spec": fields}, text)["spec"]["defaultInputs"] == {"city": "Oslo"}
