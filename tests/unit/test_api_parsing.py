"""From stored objects to models, and the findings for what is none."""

from typing import Any

import pytest

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec, Phase
from launchplan_operator.api.launchplan import History, LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.schedule import FixedRate, RateUnit, Schedule
from launchplan_operator.api.workflow import InputParameter, WorkflowDefinitionSpec

PLAN: dict[str, Any] = {
    "workflowRef": {"name": "hello"},
    "defaultInputs": {"city": "oslo", "none": None},
    "fixedInputs": {"unit": {"name": "metric"}},
    "schedule": {"cron": "*/5 * * * *", "timeZone": "Europe/Berlin"},
    "labels": {"team": "data", "example.com/tier": ""},
    "annotations": {"example.com/note": "any text, with blanks"},
    "autoActivate": True,
    "suspend": True,
    "history": {"succeeded": 3, "ttl": "72h"},
    "timeout": "1h30m",
    "retries": 2,
}


def plan(**changes: Any) -> LaunchPlanSpec | tuple[Finding, ...]:
    """Parse the plan with some of its fields changed."""
    return parse_spec(LaunchPlanSpec, {"spec": PLAN | changes})


def test_a_whole_plan_is_parsed() -> None:
    """Every field arrives, values as they are."""
    spec = plan()
    assert isinstance(spec, LaunchPlanSpec)
    assert spec.workflow_ref.name == "hello"
    assert spec.default_inputs == {"city": "oslo", "none": None}
    assert spec.fixed_inputs == {"unit": {"name": "metric"}}
    assert spec.schedule == Schedule(cron="*/5 * * * *", time_zone="Europe/Berlin", engine="Auto")
    assert (spec.labels, spec.annotations) == (PLAN["labels"], PLAN["annotations"])
    assert (spec.auto_activate, spec.suspend, spec.timeout, spec.retries) == (True, True, "1h30m", 2)
    assert spec.history == History(succeeded=3, failed=10, skipped=10, ttl="72h")


def test_a_plan_needs_no_more_than_a_workflow() -> None:
    """Everything else has its default: inactive, not suspended, ten of each kept."""
    spec = parse_spec(LaunchPlanSpec, {"spec": {"workflowRef": {"name": "hello"}}})
    assert isinstance(spec, LaunchPlanSpec)
    assert (spec.schedule, spec.auto_activate, spec.suspend) == (None, False, False)
    assert (spec.history.succeeded, spec.history.failed, spec.history.skipped, spec.history.ttl) == (10, 10, 10, None)
    assert (spec.default_inputs, spec.fixed_inputs, spec.labels, spec.annotations) == ({}, {}, {}, {})


def test_a_fixed_rate_is_a_number_of_units() -> None:
    """The other way to say when."""
    spec = plan(schedule={"fixedRate": {"value": 90, "unit": "Minute"}})
    assert isinstance(spec, LaunchPlanSpec)
    assert spec.schedule is not None
    assert spec.schedule.fixed_rate == FixedRate(value=90, unit=RateUnit.Minute)
    assert spec.schedule.time_zone == "UTC"


def test_fields_of_a_later_version_are_ignored() -> None:
    """An older operator reads what it knows."""
    assert plan(notifications=[{"type": "Slack"}]) == plan()


@pytest.mark.parametrize(
    ("changes", "reason", "path", "message"),
    [
        pytest.param(
            {"workflowRef": {}}, Reason.InvalidSpec, "spec.workflowRef.name", "found nothing, expected a value",
            id="a required field is absent",
        ),
        pytest.param(
            {"suspend": "maybe"}, Reason.InvalidSpec, "spec.suspend", "found the string 'maybe', expected a valid boolean",
            id="another kind of value",
        ),
        pytest.param(
            {"retries": -1}, Reason.InvalidSpec, "spec.retries", "found the number -1, expected greater than or equal to 0",
            id="a number out of bounds",
        ),
        pytest.param(
            {"workflowRef": {"name": "Hello"}}, Reason.InvalidSpec, "spec.workflowRef.name",
            "found the string 'Hello': string should match pattern",
            id="a name that no object can have",
        ),
        pytest.param(
            {"schedule": {"cron": "* * * * *", "fixedRate": {"value": 1, "unit": "Day"}}}, Reason.InvalidSpec,
            "spec.schedule", "expected exactly one of cron and fixedRate",
            id="both ways to say when",
        ),
        pytest.param(
            {"schedule": {}}, Reason.InvalidSpec, "spec.schedule",
            "expected exactly one of cron and fixedRate",
            id="neither way to say when",
        ),
        pytest.param(
            {"schedule": {"cron": "* * * * *", "engine": "Temporal"}}, Reason.InvalidSpec, "spec.schedule.engine",
            "found the string 'Temporal', expected 'Auto', 'CronJob' or 'Operator'",
            id="an engine that does not exist yet",
        ),
        pytest.param(
            {"timeout": "1500ms"}, Reason.DurationInvalid, "spec.timeout",
            "found the string '1500ms': expected whole seconds, one at least",
            id="a time-out that a Job cannot have",
        ),
        pytest.param(
            {"timeout": "0s"}, Reason.DurationInvalid, "spec.timeout",
            "found the string '0s': expected whole seconds, one at least",
            id="a time-out of nothing",
        ),
        pytest.param(
            {"timeout": "1.0001s"}, Reason.DurationInvalid, "spec.timeout",
            "found the string '1.0001s': expected whole seconds",
            id="a fraction that the API server's rule cannot see",
        ),
        pytest.param(
            {"timeout": "90"}, Reason.InvalidSpec, "spec.timeout", "found the string '90': string should match pattern",
            id="a duration without a unit",
        ),
        pytest.param(
            {"labels": {"a b": "c"}}, Reason.LabelInvalid, "spec.labels", "found an object: key 'a b': expected a name",
            id="a label key with a blank",
        ),
        pytest.param(
            {"annotations": {"x.launchplan.dev/a": "c"}}, Reason.LabelInvalid, "spec.annotations",
            "found an object: key 'x.launchplan.dev/a': keys of launchplan.dev are the operator's own",
            id="an annotation of ours",
        ),
        pytest.param(
            {"labels": {"a": "no blanks"}}, Reason.InvalidSpec, "spec.labels.a", "found the string 'no blanks': string should",
            id="a label value with a blank",
        ),
        pytest.param(
            {"defaultInputs": {f"i{n}": n for n in range(101)}}, Reason.InvalidSpec, "spec.defaultInputs",
            "found an object: dictionary should have at most 100 items",
            id="too many inputs",
        ),
    ],
)  # fmt: skip
def test_a_stored_plan_that_does_not_fit_gives_a_finding(
    changes: dict[str, Any], reason: Reason, path: str, message: str
) -> None:
    """The finding says where, what was found and what was expected."""
    (finding,) = as_findings(plan(**changes))
    assert (finding.reason, finding.path) == (reason, path)
    assert finding.message.startswith(message)


def test_each_misfit_gets_a_finding_of_its_own() -> None:
    """One apply shows all that is wrong, list items by their index."""
    interface = {"inputs": [{"name": "a", "type": "string"}, {"name": "1", "type": ""}]}
    findings = as_findings(parse_spec(WorkflowDefinitionSpec, {"spec": {"interface": interface, "job": []}}))
    assert [finding.path for finding in findings] == [
        "spec.interface.inputs[1].name",
        "spec.interface.inputs[1].type",
        "spec.job",
    ]


@pytest.mark.parametrize("obj", [{}, {"spec": None}, {"spec": []}])
def test_an_object_without_a_spec_gives_a_finding(obj: dict[str, Any]) -> None:
    """Never an exception."""
    (finding,) = as_findings(parse_spec(LaunchPlanSpec, obj))
    assert (finding.reason, finding.path) == (Reason.InvalidSpec, "spec")


def as_findings(parsed: object) -> tuple[Finding, ...]:
    """Return what must be findings."""
    assert isinstance(parsed, tuple)
    return parsed


@pytest.mark.parametrize(
    "key",
    ["a", "A-b_c.d", "example.com/a", "a" * 63, f"{'a' * 61}.{'b' * 190}/c", "launchplan.dev", "xlaunchplan.dev/a"],
)
def test_a_label_key_that_kubernetes_takes_is_taken(key: str) -> None:
    """A name, perhaps after a DNS name and a slash; our domain only as a whole."""
    assert isinstance(plan(labels={key: "x"}), LaunchPlanSpec)


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a/b/c", "-a", "a-", "a" * 64, f"{'b' * 254}/c", "EXAMPLE.com/a", "launchplan.dev/plan"]
)
def test_a_label_key_that_kubernetes_refuses_is_refused(key: str) -> None:
    """And so is one of our domain."""
    (finding,) = as_findings(plan(labels={key: "x"}))
    assert finding.reason is Reason.LabelInvalid


def test_a_default_of_null_is_a_default() -> None:
    """Only an input without the field is required."""
    inputs = [{"name": "a", "type": "string"}, {"name": "b", "type": "string", "default": None}]
    spec = parse_spec(WorkflowDefinitionSpec, {"spec": {"interface": {"inputs": inputs}, "job": {"any": "thing"}}})
    assert isinstance(spec, WorkflowDefinitionSpec)
    assert [parameter.required for parameter in spec.interface.inputs] == [True, False]
    assert spec.job == {"any": "thing"}


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("string", True),
        ("dataset", True),
        ("list[optional[string]]", True),
        ("union[string, integer]", True),
        ("optional[string]", False),
        ("union[string, integer, none]", False),
        ("optional[nonsense]", True),
    ],
)
def test_an_input_that_may_be_null_is_not_required(kind: str, required: bool) -> None:
    """Without a default it is null; what is no type makes nothing optional."""
    assert InputParameter.model_validate({"name": "a", "type": kind}).required is required


def test_an_execution_refers_to_a_plan_unless_it_says_otherwise() -> None:
    """And asks for nothing else by itself."""
    spec = parse_spec(LaunchPlanExecutionSpec, {"spec": {"launchPlanRef": {"name": "hello"}}})
    assert isinstance(spec, LaunchPlanExecutionSpec)
    assert (spec.launch_plan_ref.kind, spec.inputs, spec.terminate, spec.labels) == ("LaunchPlan", {}, None, None)


def test_six_phases_are_terminal() -> None:
    """The others may change."""
    assert {phase.value for phase in Phase if phase.terminal} == {
        "Succeeded",
        "Failed",
        "TimedOut",
        "Aborted",
        "Skipped",
        "Rejected",
    }
