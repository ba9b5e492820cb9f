"""A run and a workflow in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from launchplan_operator.api.kinds import REFERENCE_LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.describing import condition, inputs_table, section, titled
from launchplan_operator.cli.outcomes import describe_end, phase_of, value_text, waiting_reason
from launchplan_operator.kube.transport import Object

_LAUNCHERS: Final = {WORKFLOW_DEFINITIONS.kind: "Workflow", REFERENCE_LAUNCH_PLANS.kind: "Reference"}


def describe_run(execution: Object) -> str:
    """Return the description of a run."""
    status = execution.get("status") or {}
    error = status.get("error") or {}
    return (
        titled(_facts(execution, status))
        + section("Inputs", titled(_texts(status.get("inputs") or execution["spec"].get("inputs") or {})))
        + section("Outputs", titled(_texts(status.get("outputs") or {})))
        + section(f"Error ({error.get('kind')}, {error.get('code')})", str(error.get("message") or "") if error else "")
    )


def describe_workflow(workflow: Object) -> str:
    """Return the description of a workflow."""
    status, interface = workflow.get("status") or {}, workflow["spec"].get("interface") or {}
    ready = condition(status, "Ready")
    facts = (
        ("Workflow", f"{workflow['metadata']['name']} (namespace {workflow['metadata']['namespace']})"),
        ("State", f"{ready['reason']}: {ready['message']}".removesuffix(": ") if ready else "not looked at yet"),
        ("Version", str(status.get("version") or "")),
        ("Outputs", ", ".join(f"{each['name']} ({each['type']})" for each in interface.get("outputs") or ())),
    )
    return titled(facts) + section("Inputs", inputs_table(_parameters(interface)))


def _parameters(interface: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a workflow's inputs as a plan's status has them: required or not."""
    from launchplan_operator.api.workflow import InputParameter  # noqa: PLC0415 - a run is described without the models

    inputs = interface.get("inputs") or ()
    return [{**each, "required": InputParameter.model_validate(each).required} for each in inputs]


def _facts(execution: Object, status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec, metadata = execution["spec"], execution["metadata"]
    reference, origin = spec["launchPlanRef"], status.get("origin") or {}
    yield "Run", f"{metadata['name']} (namespace {metadata['namespace']})"
    yield "Phase", _phase(execution)
    yield _LAUNCHERS.get(reference.get("kind"), "Plan"), reference["name"]
    yield "Version", str(status.get("launchPlanVersion") or reference.get("version") or "")
    yield "Origin", " ".join(str(origin[key]) for key in ("type", "slot") if origin.get(key))
    yield "Asked for by", _requester_text(origin.get("requester"))
    yield "Relaunch of", str(spec.get("relaunchOf") or "")
    yield "Terminate", str((spec.get("terminate") or {}).get("cause") or "")
    yield "Created", metadata["creationTimestamp"]
    yield "Started", str(status.get("startTime") or "")
    yield "Ended", str(status.get("completionTime") or "")
    yield "Duration", str(status.get("duration") or "")
    yield "Job", str((status.get("jobRef") or {}).get("name") or "")
    yield "Remote", _remote_text(status.get("remote"))
    yield "Log", f"kubectl launchplan logs {metadata['name']}" if status.get("jobRef") or status.get("remote") else ""


def _requester_text(requester: Mapping[str, Any] | None) -> str:
    """Return who asked for a run from another namespace."""
    if not requester:
        return ""
    return "lpx/{execution} (namespace {namespace}), through rlp/{reference}".format_map(requester)


def _remote_text(remote: Mapping[str, Any] | None) -> str:
    """Return the run in the plan's namespace that does the work."""
    return "lpx/{name} (namespace {namespace})".format_map(remote) if remote else ""


def _phase(execution: Object) -> str:
    phase, reason = phase_of(execution), waiting_reason(execution)
    if phase == "Pending":
        return "Pending: the operator has not looked at it yet; is it running?"
    if phase == "Skipped":
        return describe_end(execution)
    return f"{phase}: {reason}" if reason else phase


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, value_text(value)) for name, value in values.items())
