"""A plan's status from what was read, decided and done: facts gathered from its executions."""

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.decide.activation import Activation
from launchplan_operator.decide.counting import Countable, Counting, count_executions
from launchplan_operator.decide.planstatus import PlanReport, build_plan_status, plan_interface
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.plansituation import ScheduleStep
from launchplan_operator.reconcile.planview import PlanReading


def report_status(
    context: Context,
    plan: Mapping[str, Any],
    reading: PlanReading,
    activation: Activation,
    step: ScheduleStep,
    executions: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], Counting]:
    """Return the plan's whole status, and what was counted for it."""
    previous = plan.get("status") or {}
    workflow = reading.workflow.spec
    counting = count_executions(
        previous.get("counts") or {},
        [entry["uid"] for entry in previous.get("uncounted") or ()],
        [_countable(execution) for execution in executions if is_terminal(execution.get("status") or {})],
        slots=step.account.counts,
    )
    report = PlanReport(
        generation=plan["metadata"]["generation"],
        activation=activation,
        suspended=reading.spec is not None and reading.spec.suspend,
        latest=reading.version or None,
        findings=(*reading.findings, *step.findings),
        pending=step.pending,
        interface=plan_interface(workflow.interface, reading.bindings) if workflow and not reading.findings else None,
        schedule=step.schedule,
        counting=counting,
        running=sum(_is_running(execution) for execution in executions),
        last_execution=_last(executions) or previous.get("lastExecution"),
        decisions=(*(previous.get("decisions") or ()), *step.account.decisions),
    )
    return build_plan_status(report, previous, context.clock()), counting


def _countable(execution: Mapping[str, Any]) -> Countable:
    metadata, status = execution["metadata"], execution["status"]
    return Countable(metadata["uid"], metadata["name"], status["phase"], bool(status.get("counted")))


def _is_running(execution: Mapping[str, Any]) -> bool:
    status = execution.get("status") or {}
    return "jobRef" in status and not is_terminal(status)


def _last(executions: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    started = [execution for execution in executions if (execution.get("status") or {}).get("phase")]
    if not started:
        return None
    newest = max(started, key=lambda e: (e["metadata"]["creationTimestamp"], e["metadata"]["name"]))
    status = newest["status"]
    times = (status.get("completionTime"), status.get("startTime"), newest["metadata"]["creationTimestamp"])
    time = next(time for time in times if time)
    return {"name": newest["metadata"]["name"], "phase": status["phase"], "time": time}
