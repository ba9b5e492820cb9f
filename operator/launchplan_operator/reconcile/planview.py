"""A plan read together with its workflow: what it means, or everything that is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.schedule import Timetable, read_schedule
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from launchplan_operator.decide.versions import plan_version
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.workflow import view_workflow


@dataclass(frozen=True, slots=True)
class PlanReading:
    """A plan as its spec and its workflow make it.

    Attributes:
        spec: None where the stored spec does not parse.
        workflow: the workflow as the plan sees it.
        version: the version that the spec stands for; empty unless there is no finding.
        timetable: when it fires; None without a schedule, or while that is invalid.
        inputs: what a slot gets; None where a caller must give something.
    """

    spec: LaunchPlanSpec | None
    workflow: WorkflowView
    version: str = ""
    timetable: Timetable | None = None
    inputs: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def bindings(self) -> Bindings:
        """The values that the plan gives."""
        return Bindings(self.spec.default_inputs, self.spec.fixed_inputs) if self.spec else Bindings()


def read_plan(context: Context, plan: Mapping[str, Any]) -> PlanReading:
    """Return what a plan means now."""
    spec = parse_spec(LaunchPlanSpec, plan)
    if isinstance(spec, tuple):
        return PlanReading(None, WorkflowView(""), findings=spec)
    name = spec.workflow_ref.name
    workflow = view_workflow(name, context.caches.workflows.get(plan["metadata"]["namespace"], name))
    timetable = read_schedule(spec.schedule) if spec.schedule is not None else None
    broken = timetable if isinstance(timetable, tuple) else ()
    findings = (*validate_plan(PlanView(spec, workflow)), *broken)
    readable = timetable if isinstance(timetable, Timetable) else None
    if findings or workflow.spec is None:
        return PlanReading(spec, workflow, timetable=readable, findings=findings)
    inputs = resolve_inputs(workflow.spec.interface.inputs, Bindings(spec.default_inputs, spec.fixed_inputs), {})
    version = plan_version(plan["spec"], workflow.version)
    return PlanReading(spec, workflow, version, readable, inputs if isinstance(inputs, dict) else None)
