"""A plan read together with its workflow: the version that it stands for, or everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.settings import Allow
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.kickoff import sample_slot_inputs, slot_inputs
from launchplan_operator.decide.references import workflow_version_not_found
from launchplan_operator.decide.schedule import Timetable, read_schedule
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


@dataclass(frozen=True, slots=True)
class Runnable:
    """A version that can be run: what its snapshot means.

    Attributes:
        version: the plan's.
        workflow_version: the workflow's.
        timetable: when it fires; None without a schedule, or where the schedule cannot be read any more.
        inputs: what a slot gets, but for the time that an input may take from it; None where a caller must give something.
    """

    version: str
    spec: LaunchPlanSpec
    workflow_version: str
    workflow: WorkflowDefinitionSpec
    timetable: Timetable | None
    inputs: Mapping[str, Any] | None

    @property
    def bindings(self) -> Bindings:
        """The values that the plan gives."""
        return _bindings(self.spec)

    def slot_inputs(self, slot: datetime) -> Mapping[str, Any] | None:
        """Return what a slot (aware) gets; None where a caller must give something."""
        if self.inputs is None or self.spec.schedule is None:
            return self.inputs
        return {**self.inputs, **slot_inputs(self.spec.schedule, slot)}


@dataclass(frozen=True, slots=True)
class PlanReading:
    """A plan as its spec, its workflow and its past make it.

    Attributes:
        spec: None where the stored spec does not parse.
        workflow: the workflow as the plan resolves to it.
        live: the workflow as it is now, whose permissions count.
        known: the versions that can be run, newest last.
        snapshot: what the spec stands for; None unless there is no finding.
        runnable: the same, ready to run.
    """

    spec: LaunchPlanSpec | None
    workflow: WorkflowView
    live: WorkflowView
    known: tuple[KnownVersion, ...] = ()
    snapshot: Snapshot | None = None
    runnable: Runnable | None = None
    findings: tuple[Finding, ...] = ()


async def read_plan(context: Context, plan: Mapping[str, Any]) -> PlanReading:
    """Return what a plan means now."""
    known = await recall_versions(context, plan)
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
    runnable = _runnable(snapshot, spec, workflow.spec)
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


def read_runnable(snapshot: Snapshot) -> Runnable | Finding:
    """Return what a snapshot means; one that an earlier operator took may not fit this one's schema."""
    spec = parse_spec(LaunchPlanSpec, {"spec": snapshot.spec})
    workflow = parse_spec(WorkflowDefinitionSpec, {"spec": snapshot.workflow.spec})
    if isinstance(spec, tuple) or isinstance(workflow, tuple):
        problems = (*(spec if isinstance(spec, tuple) else ()), *(workflow if isinstance(workflow, tuple) else ()))
        message = f"version {snapshot.version!r} does not fit this operator's schema: {problems[0].text}"
        return Finding(Reason.InvalidSpec, message, "status.versions", "apply the plan once more")
    return _runnable(snapshot, spec, workflow)


def _runnable(snapshot: Snapshot, spec: LaunchPlanSpec, workflow: WorkflowDefinitionSpec) -> Runnable:
    timetable = read_schedule(spec.schedule) if spec.schedule is not None else None
    given = sample_slot_inputs(spec.schedule) if spec.schedule is not None else {}
    inputs = resolve_inputs(workflow.interface.inputs, _bindings(spec), given)
    return Runnable(
        version=snapshot.version,
        spec=spec,
        workflow_version=snapshot.workflow.version,
        workflow=workflow,
        timetable=timetable if isinstance(timetable, Timetable) else None,
        inputs=inputs if isinstance(inputs, dict) else None,
    )


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


def _bindings(spec: LaunchPlanSpec) -> Bindings:
    return Bindings(spec.default_inputs, spec.fixed_inputs)
