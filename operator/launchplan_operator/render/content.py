"""From a plan, its workflow and resolved inputs to the content of a Job."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.template import output_container
from launchplan_operator.api.types import Type, parse_go_duration, parse_type, to_text
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent

_NO_OVERRIDES = LaunchPlanExecutionSpec.model_validate({"launchPlanRef": {"name": "none"}})


def plan_content(
    plan: Mapping[str, Any],
    spec: LaunchPlanSpec,
    versions: tuple[str, str],
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
    run: LaunchPlanExecutionSpec = _NO_OVERRIDES,
) -> JobContent:
    """Return the content of a plan's Job; the run's maps and time-out take the place of the plan's.

    An empty map takes no place. `versions` are the plan's and the workflow's.
    """
    content = _content((labels.PLAN, plan), versions[0], (spec.workflow_ref.name, versions[1]), workflow, inputs)
    return replace(
        content,
        labels=run.labels or spec.labels,
        annotations=run.annotations or spec.annotations,
        timeout=_seconds(run.timeout or spec.timeout),
        retries=spec.retries,
    )


def workflow_content(
    owner: Mapping[str, Any],
    version: str,
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
    run: LaunchPlanExecutionSpec = _NO_OVERRIDES,
) -> JobContent:
    """Return the content of a bare workflow's Job."""
    content = _content((labels.WORKFLOW, owner), version, (owner["metadata"]["name"], version), workflow, inputs)
    timeout = _seconds(run.timeout)
    return replace(content, labels=run.labels or {}, annotations=run.annotations or {}, timeout=timeout)


def _content(
    launcher: tuple[str, Mapping[str, Any]],
    version: str,
    origin: tuple[str, str],
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
) -> JobContent:
    key, owner = launcher
    return JobContent(
        template=workflow.job,
        launcher=(key, owner["metadata"]["name"]),
        version=version,
        launcher_uid=owner["metadata"]["uid"],
        workflow=origin,
        inputs={p.name: to_text(_type(p.type), inputs[p.name]) for p in workflow.interface.inputs},
        inputs_json=canonical_json(dict(inputs)),
        container=output_container(workflow.job, workflow.container) or "",
        outputs={output.name: output.type for output in workflow.interface.outputs},
    )


def _type(text: str) -> Type:
    parsed = parse_type(text)
    if not isinstance(parsed, Type):
        raise TypeError(f"{text!r} is no type: only a validated workflow can be rendered")
    return parsed


def _seconds(duration: str | None) -> int | None:
    parsed = parse_go_duration(duration) if duration is not None else None
    return int(parsed.total_seconds()) if parsed is not None else None
