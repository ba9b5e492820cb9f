"""From a plan, its workflow and resolved inputs to the content of a Job."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.settings import RunSettings
from launchplan_operator.api.template import output_container
from launchplan_operator.api.types import Type, parse_type, to_text
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent


def plan_content(
    plan: Mapping[str, Any],
    spec: LaunchPlanSpec,
    versions: tuple[str, str],
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
    settings: RunSettings,
) -> JobContent:
    """Return the content of the Job of a plan's run. `versions` are the plan's and the workflow's."""
    origin = (spec.workflow_ref.name, versions[1])
    return _content((labels.PLAN, plan), versions[0], origin, workflow, inputs, settings, spec.retries)


def workflow_content(
    owner: Mapping[str, Any],
    version: str,
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
    settings: RunSettings,
) -> JobContent:
    """Return the content of a bare workflow's Job."""
    origin = (owner["metadata"]["name"], version)
    return _content((labels.WORKFLOW, owner), version, origin, workflow, inputs, settings)


def _content(
    launcher: tuple[str, Mapping[str, Any]],
    version: str,
    origin: tuple[str, str],
    workflow: WorkflowDefinitionSpec,
    inputs: Mapping[str, Any],
    settings: RunSettings,
    retries: int | None = None,
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
        settings=settings,
        placement=workflow.interruptible if settings.interruptible else None,
        retries=retries,
    )


def _type(text: str) -> Type:
    parsed = parse_type(text)
    if not isinstance(parsed, Type):
        raise TypeError(f"{text!r} is no type: only a validated workflow can be rendered")
    return parsed
