"""Which version a run gets, and with which inputs: what it names, what it was accepted with, or what is in force."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.api.mending import retarget
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.decide.inputs import Bindings, nearest_name, resolve_inputs
from launchplan_operator.decide.permissions import permit_settings
from launchplan_operator.decide.planreading import PlanReading, Runnable
from launchplan_operator.decide.references import (
    REFERENCE_PATH,
    VERSION_PATH,
    bare_version_not_found,
    plan_invalid,
    plan_not_found,
    plan_version_not_found,
)
from launchplan_operator.decide.relaunch import goes_round, merge_relaunch, not_there
from launchplan_operator.decide.runcommand import RunWish, run_after, run_instead, wish_of
from launchplan_operator.decide.settings import resolve_settings
from launchplan_operator.decide.validate import WorkflowView
from launchplan_operator.decide.versions import find_version, remember_version, take_snapshot
from launchplan_operator.reconcile.caches import Chosen
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planforce import activate
from launchplan_operator.reconcile.planview import load_version, read_plan
from launchplan_operator.reconcile.revisions import known_versions, load_revision
from launchplan_operator.reconcile.workflow import see_workflow
from launchplan_operator.render.content import plan_content, workflow_content
from launchplan_operator.render.job import JobContent

#: What to run, why not, or None while somebody else's verdict is awaited, which will wake the run.
Choice = JobContent | tuple[Finding, ...] | None


async def read_wish(context: Context, execution: Mapping[str, Any]) -> LaunchPlanExecutionSpec | tuple[Finding, ...]:
    """Return what a run asks for, the wishes of the earlier runs included, of which it is one more."""
    merged = _merge_earlier(context, execution)
    if not isinstance(merged, Finding):
        return _read(merged)
    own = _read(execution["spec"])
    return (merged,) if isinstance(own, tuple) else run_instead((merged,), wish_of(own))


def _merge_earlier(context: Context, execution: Mapping[str, Any]) -> Mapping[str, Any] | Finding:
    wish: Mapping[str, Any] = execution["spec"]
    earlier = wish.get("relaunchOf")
    met = {execution["metadata"]["name"]}
    while earlier is not None:
        if earlier in met:
            return goes_round(earlier)
        met.add(earlier)
        source = context.caches.executions.get(execution["metadata"]["namespace"], earlier)
        merged = merge_relaunch(wish, source) if source is not None else not_there(earlier)
        if source is None or isinstance(merged, Finding):
            return merged
        wish, earlier = merged, source["spec"].get("relaunchOf")
    return wish


def _read(spec: Mapping[str, Any]) -> LaunchPlanExecutionSpec | tuple[Finding, ...]:
    read = parse_spec(LaunchPlanExecutionSpec, {"spec": spec})
    # Nobody can edit a run.
    return tuple(replace(finding, fix=None) for finding in read) if isinstance(read, tuple) else read


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
        return _plan_absent(context, namespace, spec)
    reading = await read_plan(context, plan)
    if reading.workflow.unchecked:
        return None
    version = await _choose_version(context, plan, reading, wanted)
    if version is None:
        return None
    wish = wish_of(spec)
    if isinstance(version, tuple):
        return tuple(_of_plan(finding, wish, reading) for finding in version)
    last = context.caches.chosen.get(plan["metadata"]["uid"])
    if last is not None and last.serves(plan, version, reading.live, spec):
        return last.content
    parameters = version.workflow.interface.inputs
    inputs = resolve_inputs(parameters, version.bindings, spec.inputs)
    if isinstance(inputs, tuple):
        return run_instead(inputs, wish, parameters, version.bindings)
    resolved = resolve_settings(spec, version.spec, context.defaults)
    settings = permit_settings(resolved, reading.live.allow, reading.live.name)
    if isinstance(settings, tuple):
        return _denied(settings, wish, version)
    versions = (version.version, version.workflow_version)
    content = plan_content(plan, version.spec, versions, version.workflow, inputs, settings)
    context.caches.remember_chosen(Chosen(plan, version, reading.live, spec, content))
    return content


def _bare_content(context: Context, namespace: str, spec: LaunchPlanExecutionSpec, wanted: str | None) -> Choice:
    name = spec.launch_plan_ref.name
    obj = context.caches.workflows.get(namespace, name)
    view = see_workflow(context, namespace, name)
    if view.unchecked:
        return None
    wish = wish_of(spec)
    if obj is None or view.spec is None or view.findings:
        return tuple(_of_workflow(finding, wish) for finding in view.findings) or _workflow_absent(view, wish)
    parameters = view.spec.interface.inputs
    if wanted is not None and wanted != view.version:
        absent = bare_version_not_found(name, wanted, view.version)
        return run_instead((absent,), replace(wish, version=None), parameters)
    inputs = resolve_inputs(parameters, Bindings(), spec.inputs)
    if isinstance(inputs, tuple):
        return run_instead(inputs, wish, parameters)
    settings = permit_settings(resolve_settings(spec, None, context.defaults), view.allow, name)
    if isinstance(settings, tuple):
        return run_instead(settings, wish, parameters)
    return workflow_content(obj, view.version, view.spec, inputs, settings)


def _denied(findings: tuple[Finding, ...], wish: RunWish, version: Runnable) -> tuple[Finding, ...]:
    """Let a run ask for less: for nothing of its own, and for another version where this one asks for too much."""
    is_plans = any(finding.path == REFERENCE_PATH for finding in findings)
    if is_plans and wish.version is None:
        # The plan itself says what mends it.
        return tuple(replace(finding, fix=None) for finding in findings)
    better = replace(wish, version=None) if is_plans else wish
    return run_instead(findings, better, version.workflow.interface.inputs, version.bindings)


def _plan_absent(context: Context, namespace: str, spec: LaunchPlanExecutionSpec) -> tuple[Finding, ...]:
    others = context.caches.names(LAUNCH_PLANS, namespace)
    absent = plan_not_found(spec.launch_plan_ref.name, others)
    meant = nearest_name(spec.launch_plan_ref.name, others)
    return run_instead((absent,), replace(wish_of(spec), name=meant)) if meant is not None else (absent,)


def _workflow_absent(view: WorkflowView, wish: RunWish) -> tuple[Finding, ...]:
    absent = replace(view.not_found("spec.launchPlanRef.name"), fix=None)
    return run_instead((absent,), replace(wish, name=view.meant)) if view.meant is not None else (absent,)


def _of_workflow(finding: Finding, wish: RunWish) -> Finding:
    """Let a bare run suffer from its workflow's finding: both must be mended, as the run does not wait for it."""
    return replace(finding, fix=run_after(retarget(finding.fix, "wfd", wish.name), wish))


def _of_plan(finding: Finding, wish: RunWish, reading: PlanReading) -> Finding:
    """Let a run suffer from its plan's finding: it waits for what may be mended, else it must be started once more."""
    if finding.path == VERSION_PATH:
        meant = nearest_name(wish.version or "", [each.version for each in reading.known])
        return run_instead((finding,), replace(wish, version=meant))[0]
    fix = retarget(finding.fix, "lp", wish.name)
    return replace(finding, fix=fix if finding.transient else run_after(fix, wish))


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
