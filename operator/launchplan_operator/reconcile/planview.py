"""A plan read together with its workflow: the version that it stands for, or everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.settings import Allow
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.planreading import PlanReading, Runnable, read_runnable, runnable_of
from launchplan_operator.decide.references import workflow_version_not_found
from launchplan_operator.decide.schedule import read_schedule
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from launchplan_operator.decide.versions import (
    KnownVersion,
    Snapshot,
    WorkflowContent,
    find_version,
    take_snapshot,
    version_conflict,
)
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.revisions import load_revision, recall_versions
from launchplan_operator.reconcile.workflow import see_workflow


async def read_plan(context: Context, plan: Mapping[str, Any]) -> PlanReading:
    """Return what a plan means now; one that is as it was when it was read is not read again."""
    known = await recall_versions(context, plan)
    if (reading := _recall(context, plan, known)) is not None:
        return reading
    reading = await _read(context, plan, known)
    if reading.snapshot is not None:
        context.caches.remember_reading(plan, reading)
    return reading


def _recall(context: Context, plan: Mapping[str, Any], known: tuple[KnownVersion, ...]) -> PlanReading | None:
    """Return what this very object was read as, if its versions and its workflow are the same."""
    read, reading = context.caches.readings.get(plan["metadata"]["uid"], (None, None))
    if read is not plan or reading is None or reading.known != known:
        return None
    return reading if reading.live is see_workflow(context, plan["metadata"]["namespace"], reading.live.name) else None


async def _read(context: Context, plan: Mapping[str, Any], known: tuple[KnownVersion, ...]) -> PlanReading:
    spec = parse_spec(LaunchPlanSpec, plan)
    if isinstance(spec, tuple):
        return PlanReading(None, WorkflowView(""), WorkflowView(""), known, findings=spec)
    live = see_workflow(context, plan["metadata"]["namespace"], spec.workflow_ref.name)
    workflow = await _resolve_workflow(context, plan, live, spec.workflow_ref.version, known)
    reading = PlanReading(spec, workflow, live, known)
    timetable = read_schedule(spec.schedule) if spec.schedule is not None else None
    broken = timetable if isinstance(timetable, tuple) else ()
    findings = (*validate_plan(PlanView(spec, workflow)), *broken)
    if findings or workflow.content is None or workflow.spec is None:
        return replace(reading, findings=findings)
    snapshot = take_snapshot(plan["spec"], workflow.content)
    if conflict := await _conflict(context, plan, known, snapshot):
        return replace(reading, findings=(conflict,))
    runnable = runnable_of(snapshot, spec, workflow.spec)
    return replace(reading, snapshot=snapshot, runnable=runnable)


async def load_version(
    context: Context, plan: Mapping[str, Any], reading: PlanReading, version: str
) -> Runnable | Finding | None:
    """Return a version of a plan, ready to run, or why it cannot be; None where the plan has no version of that name."""
    if reading.snapshot is not None and reading.snapshot.version == version:
        return reading.runnable
    known = find_version(reading.known, version)
    if known is None:
        return None
    snapshot = await load_revision(context, plan, known)
    return snapshot if isinstance(snapshot, Finding) else read_runnable(snapshot)


async def _resolve_workflow(
    context: Context,
    plan: Mapping[str, Any],
    live: WorkflowView,
    wanted: str | None,
    known: Sequence[KnownVersion],
) -> WorkflowView:
    """Return the workflow that a plan resolves to: the live one, or the version that an own revision has kept."""
    if wanted is None or live.version == wanted or (live.spec is None and not live.findings):
        return live
    holder = next((each for each in reversed(known) if each.workflow == wanted), None)
    if holder is None:
        return replace(live, obstacle=workflow_version_not_found(live.name, wanted, live.version))
    snapshot = await load_revision(context, plan, holder)
    if isinstance(snapshot, Finding):
        return replace(live, obstacle=snapshot)
    return _kept_workflow(live, snapshot.workflow)


def _kept_workflow(live: WorkflowView, content: WorkflowContent) -> WorkflowView:
    """Return a workflow as it was, but for its permissions: those are as they are now."""
    spec = parse_spec(WorkflowDefinitionSpec, {"spec": content.spec})
    if isinstance(spec, tuple):
        return WorkflowView(live.name, findings=spec)
    permitting = spec.model_copy(update={"allow": live.allow or Allow()})
    return WorkflowView(live.name, permitting, content.version, content=content)


async def _conflict(
    context: Context, plan: Mapping[str, Any], known: Sequence[KnownVersion], snapshot: Snapshot
) -> Finding | None:
    same = find_version(known, snapshot.version)
    if same is None or same.hash == snapshot.hash:
        return None
    before = await load_revision(context, plan, same)
    return version_conflict(known, snapshot, before if isinstance(before, Snapshot) else None)
