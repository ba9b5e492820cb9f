"""Which version a run gets, and with which inputs: what it names, what it was accepted with, or what is in force."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.permissions import permit_settings
from launchplan_operator.decide.references import (
    bare_version_not_found,
    plan_invalid,
    plan_not_found,
    plan_version_not_found,
)
from launchplan_operator.decide.relaunch import merge_relaunch, not_there
from launchplan_operator.decide.settings import resolve_settings
from launchplan_operator.decide.versions import find_version, remember_version, take_snapshot
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planforce import activate
from launchplan_operator.reconcile.planview import PlanReading, Runnable, load_version, read_plan
from launchplan_operator.reconcile.revisions import known_versions, load_revision
from launchplan_operator.reconcile.workflow import see_workflow
from launchplan_operator.render.content import plan_content, workflow_content
from launchplan_operator.render.job import JobContent

#: What to run, why not, or None while somebody else's verdict is awaited, which will wake the run.
Choice = JobContent | tuple[Finding, ...] | None


async def read_wish(context: Context, execution: Mapping[str, Any]) -> LaunchPlanExecutionSpec | tuple[Finding, ...]:
    """Return what a run asks for, an earlier run's wishes included."""
    spec, earlier = execution["spec"], execution["spec"].get("relaunchOf")
    if earlier is None:
        return parse_spec(LaunchPlanExecutionSpec, execution)
    source = context.caches.executions.get(execution["metadata"]["namespace"], earlier)
    if source is None:
        return (not_there(earlier),)
    merged = merge_relaunch(spec, source)
    return (merged,) if isinstance(merged, Finding) else parse_spec(LaunchPlanExecutionSpec, {"spec": merged})


async def choose_content(context: Context, execution: Mapping[str, Any], spec: LaunchPlanExecutionSpec) -> Choice:
    """Return what a run starts. A run that waits keeps the version that it was accepted with."""
    accepted = (execution.get("status") or {}).get("launchPlanVersion")
    wanted = accepted or spec.launch_plan_ref.version
    namespace = execution["metadata"]["namespace"]
    if spec.launch_plan_ref.kind == "WorkflowDefinition":
        return _bare_content(context, namespace, spec, wanted)
    return await _plan_content(context, namespace, spec, wanted)


async def _plan_content(context: Context, namespace: str, spec: LaunchPlanExecutionSpec, wanted: str | None) -> Choice:
    name = spec.launch_plan_ref.name
    plan = context.caches.plans.get(namespace, name)
    if plan is None or plan["metadata"].get("deletionTimestamp"):
        return (plan_not_found(name),)
    reading = await read_plan(context, plan)
    if reading.workflow.unchecked:
        return None
    version = await _choose_version(context, plan, reading, wanted)
    if not isinstance(version, Runnable):
        return version
    inputs = resolve_inputs(version.workflow.interface.inputs, version.bindings, spec.inputs)
    if isinstance(inputs, tuple):
        return inputs
    resolved = resolve_settings(spec, version.spec, context.defaults)
    settings = permit_settings(resolved, reading.live.allow, reading.live.name)
    if isinstance(settings, tuple):
        return settings
    versions = (version.version, version.workflow_version)
    return plan_content(plan, version.spec, versions, version.workflow, inputs, settings)


def _bare_content(context: Context, namespace: str, spec: LaunchPlanExecutionSpec, wanted: str | None) -> Choice:
    name = spec.launch_plan_ref.name
    obj = context.caches.workflows.get(namespace, name)
    view = see_workflow(context, namespace, name)
    if view.unchecked:
        return None
    if obj is None or view.spec is None or view.findings:
        return view.findings or (view.not_found("spec.launchPlanRef.name"),)
    if wanted is not None and wanted != view.version:
        return (bare_version_not_found(name, wanted, view.version),)
    inputs = resolve_inputs(view.spec.interface.inputs, Bindings(), spec.inputs)
    if isinstance(inputs, tuple):
        return inputs
    settings = permit_settings(resolve_settings(spec, None, context.defaults), view.allow, name)
    return settings if isinstance(settings, tuple) else workflow_content(obj, view.version, view.spec, inputs, settings)


async def _choose_version(
    context: Context, plan: Mapping[str, Any], reading: PlanReading, wanted: str | None
) -> Runnable | tuple[Finding, ...] | None:
    if wanted is None and (reading.spec is None or reading.findings):
        wanted = await _unedited(context, plan, reading)
        if wanted is None:
            return tuple(plan_invalid(plan["metadata"]["name"], finding) for finding in reading.findings)
    if wanted is None:
        activation = activate(_with_newest(reading), (plan.get("status") or {}).get("activeVersion"))
        if activation.active is None and activation.finding is not None:
            return (activation.finding,)
        wanted = activation.active or (reading.snapshot.version if reading.snapshot else "")
    if find_version(known_versions(plan), wanted) is None:
        return _unknown(plan, reading, wanted)
    found = await load_version(context, plan, reading, wanted)
    return (found,) if isinstance(found, Finding) else found


def _with_newest(reading: PlanReading) -> PlanReading:
    """Return the reading with the version that the spec stands for among the known ones, as it soon will be."""
    return replace(reading, known=remember_version(reading.known, reading.snapshot)) if reading.snapshot else reading


def _unknown(plan: Mapping[str, Any], reading: PlanReading, wanted: str) -> tuple[Finding, ...] | None:
    """Wait for the plan's own look where the version is the one that the spec stands for: it counts once it is kept."""
    name = plan["metadata"]["name"]
    if reading.snapshot is None or reading.snapshot.version != wanted:
        return (plan_version_not_found(name, wanted, [each.version for each in reading.known]),)
    status = plan.get("status") or {}
    refusal = next((c for c in status.get("conditions") or () if c["type"] == "Ready" and c["status"] == "False"), None)
    if refusal is None or status.get("observedGeneration") != plan["metadata"]["generation"]:
        return None
    return (plan_invalid(name, Finding(Reason[refusal["reason"]], refusal["message"], transient=True)),)


async def _unedited(context: Context, plan: Mapping[str, Any], reading: PlanReading) -> str | None:
    """Return the version that still runs where only the workflow is gone or broken, not the plan's own edit."""
    newest = reading.known[-1] if reading.known else None
    obstacle = {Reason.WorkflowNotFound, Reason.WorkflowInvalid}
    if newest is None or reading.spec is None or {finding.reason for finding in reading.findings} - obstacle:
        return None
    snapshot = await load_revision(context, plan, newest)
    if isinstance(snapshot, Finding) or take_snapshot(plan["spec"], snapshot.workflow).hash != snapshot.hash:
        return None
    return activate(reading, (plan.get("status") or {}).get("activeVersion")).active or newest.version
