"""What a plan means: its spec with its workflow, the versions that it has, and each of them ready to run. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.kickoff import sample_slot_inputs, slot_inputs
from launchplan_operator.decide.schedule import Timetable, read_schedule
from launchplan_operator.decide.validate import WorkflowView
from launchplan_operator.decide.versions import KnownVersion, Snapshot


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


def read_runnable(snapshot: Snapshot) -> Runnable | Finding:
    """Return what a snapshot means; one that an earlier operator took may not fit this one's schema."""
    spec = parse_spec(LaunchPlanSpec, {"spec": snapshot.spec})
    workflow = parse_spec(WorkflowDefinitionSpec, {"spec": snapshot.workflow.spec})
    if isinstance(spec, tuple) or isinstance(workflow, tuple):
        problems = (*(spec if isinstance(spec, tuple) else ()), *(workflow if isinstance(workflow, tuple) else ()))
        message = f"version {snapshot.version!r} does not fit this operator's schema: {problems[0].text}"
        return Finding(Reason.InvalidSpec, message, "status.versions", "apply the plan once more")
    return runnable_of(snapshot, spec, workflow)


def runnable_of(snapshot: Snapshot, spec: LaunchPlanSpec, workflow: WorkflowDefinitionSpec) -> Runnable:
    """Return what a snapshot means, whose spec and workflow were read already."""
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


def _bindings(spec: LaunchPlanSpec) -> Bindings:
    return Bindings(spec.default_inputs, spec.fixed_inputs)
