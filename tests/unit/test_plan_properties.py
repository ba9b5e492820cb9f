"""What the cases of plans, inputs and versions are samples of, in general."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.model import LABEL_VALUE_PATTERN, MAX_EXECUTION_NAME, NAME_PATTERN
from launchplan_operator.api.workflow import Interface, WorkflowDefinitionSpec
from launchplan_operator.decide.activation import decide_activation
from launchplan_operator.decide.inputs import resolve_inputs
from launchplan_operator.decide.planstatus import plan_interface
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from launchplan_operator.decide.versions import (
    KnownVersion,
    WorkflowContent,
    read_workflow_content,
    remember_version,
    take_snapshot,
    version_conflict,
)
from tests.unit.strategies import JSON, Call, calls

JOB: dict[str, Any] = {"template": {"spec": {"containers": [{"name": "main"}]}}}


def told_interface(call: Call) -> dict[str, Any]:
    """Return what the status of a call's plan would tell."""
    return plan_interface(Interface(inputs=call.parameters), call.bindings)


def required(call: Call) -> set[str]:
    """Return the inputs that the status calls required."""
    return {each["name"] for each in told_interface(call).get("parameters", ()) if each["required"]}


@given(calls())
def test_every_input_is_either_free_or_fixed(call: Call) -> None:
    """Nothing that the workflow declares is missing in the status, nothing stands there twice."""
    interface = told_interface(call)
    free = [each["name"] for each in interface.get("parameters", ())]
    fixed = list(interface.get("fixedInputs", {}))
    assert sorted(free + fixed) == sorted(parameter.name for parameter in call.parameters)


@given(calls())
def test_the_required_inputs_are_those_without_which_no_run_starts(call: Call) -> None:
    """A call without values is refused for each of them, and for nothing else."""
    resolved = resolve_inputs(call.parameters, call.bindings, {})
    missing = [finding.path for finding in resolved if isinstance(finding, Finding)]
    assert sorted(missing) == sorted(f"spec.inputs.{name}" for name in required(call))


@given(calls())
def test_a_default_in_the_status_is_what_a_call_without_values_gets(call: Call) -> None:
    """So are the fixed values."""
    given_ = {name: call.caller[name] for name in required(call)}
    resolved = resolve_inputs(call.parameters, call.bindings, given_)
    assert isinstance(resolved, dict)
    interface = told_interface(call)
    shown = {each["name"]: each["default"] for each in interface.get("parameters", ()) if not each["required"]}
    assert resolved == given_ | shown | interface.get("fixedInputs", {})


def view(call: Call, fixed: Mapping[str, Any]) -> PlanView:
    """Return a scheduled plan of a call's workflow, with other fixed inputs than the call's."""
    inputs = [each.model_dump(by_alias=True, exclude_unset=True) for each in call.parameters]
    workflow = WorkflowDefinitionSpec.model_validate({"interface": {"inputs": inputs}, "job": JOB})
    spec = {"workflowRef": {"name": "w"}, "defaultInputs": call.bindings.defaults, "fixedInputs": fixed}
    plan = LaunchPlanSpec.model_validate(spec | {"schedule": {"cron": "@daily"}})
    return PlanView(plan, WorkflowView("w", workflow, "1"))


@given(calls())
def test_a_schedule_is_refused_exactly_for_the_inputs_that_a_caller_must_give(call: Call) -> None:
    """A slot has no caller."""
    findings = validate_plan(view(call, call.bindings.fixed))
    assert {finding.reason for finding in findings} <= {Reason.ScheduleUnboundInput}
    assert {finding.path for finding in findings} == {f"spec.defaultInputs.{name}" for name in required(call)}


NAMES = st.sampled_from(["v1", "v2", "v3"])
#: An edit: the version's name, what it stands for, and how it is activated.
EDITS = st.lists(
    st.tuples(st.none() | NAMES, st.integers(1, 3), st.integers(1, 2), st.booleans(), st.none() | NAMES), max_size=12
)
Edit = tuple[str | None, int, int, bool, str | None]


def workflow_of(number: int) -> WorkflowContent:
    """Return one of a few workflows."""
    return read_workflow_content({"version": f"w{number}", "job": {"backoffLimit": number}})


def live(edits: Sequence[Edit]) -> list[tuple[tuple[KnownVersion, ...], str | None, Edit]]:
    """Return the known versions and the active one after each edit of a plan."""
    known: tuple[KnownVersion, ...] = ()
    active: str | None = None
    moments = []
    for edit in edits:
        name, retries, workflow, auto, pinned = edit
        spec = {"workflowRef": {"name": "w"}, "retries": retries} | ({"version": name} if name else {})
        snapshot = take_snapshot(spec, workflow_of(workflow))
        if version_conflict(known, snapshot, None) is None:
            known = remember_version(known, snapshot)
        names = [each.version for each in known]
        active = decide_activation(auto_activate=auto, pinned=pinned, known=names, previous=active).active
        moments.append((known, active, edit))
    return moments


@given(EDITS)
def test_whatever_is_registered_and_activated_one_version_at_most_is_active_and_it_can_be_run(
    edits: list[Edit],
) -> None:
    """It is the pinned one where that is known, else the newest of a plan that activates itself, else none."""
    for known, active, (_, _, _, auto, pinned) in live(edits):
        names = [each.version for each in known]
        assert len(set(names)) == len(names)
        assert active is None or names.count(active) == 1
        if pinned in names:
            assert active == pinned
        elif pinned is None:
            assert active == (names[-1] if auto else None)


@given(EDITS)
def test_a_versions_name_stands_for_one_content_for_ever(edits: list[Edit]) -> None:
    """Once it is known, no later edit gives it another hash."""
    hashes: dict[str, str] = {}
    for known, _, _ in live(edits):
        for each in known:
            assert hashes.setdefault(each.version, each.hash) == each.hash


@given(EDITS)
def test_the_last_edit_alone_decides_what_is_active_where_its_pin_is_known(edits: list[Edit]) -> None:
    """No order in which other versions were active before matters."""
    for known, active, (_, _, _, auto, pinned) in live(edits):
        names = [each.version for each in known]
        if pinned is None or pinned in names:
            fresh = decide_activation(auto_activate=auto, pinned=pinned, known=names, previous=None)
            assert fresh.active == active


@given(st.from_regex(NAME_PATTERN, fullmatch=True).filter(lambda name: len(name) <= MAX_EXECUTION_NAME))
def test_every_name_that_a_run_may_have_can_be_the_value_of_a_label(name: str) -> None:
    """The Job has the run's name, and its pods bear it as a label."""
    assert re.fullmatch(LABEL_VALUE_PATTERN, name)


@given(calls(), st.data())
def test_a_scheduled_plan_with_any_values_gets_findings_and_never_an_exception(call: Call, data: st.DataObject) -> None:
    """Also where a value has no text of its type."""
    names = [parameter.name for parameter in call.parameters]
    values = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), JSON | st.just("many"), max_size=4))
    findings = validate_plan(view(call, {**call.bindings.fixed, **values}))
    if "other" in values:
        assert Reason.UnexpectedInput in {finding.reason for finding in findings}
