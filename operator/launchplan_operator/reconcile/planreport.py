"""A plan's status from what was read, decided and done: facts gathered from its executions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.api.mending import target_of
from launchplan_operator.decide.consent import check_consent
from launchplan_operator.decide.counting import Countable, Counting, count_executions
from launchplan_operator.decide.decisions import decision_of, withdraw_unstarted
from launchplan_operator.decide.planreading import PlanReading
from launchplan_operator.decide.planstatus import PlanReport, build_plan_status, plan_interface
from launchplan_operator.decide.progress import cause_of, is_terminal
from launchplan_operator.decide.versions import bound_history
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.ledger import LedgerStep
from launchplan_operator.reconcile.planforce import Force
from launchplan_operator.reconcile.plansituation import ScheduleStep
from launchplan_operator.reconcile.referrers import report_referrers


def report_status(
    context: Context,
    plan: Mapping[str, Any],
    reading: PlanReading,
    force: Force,
    steps: tuple[ScheduleStep, LedgerStep],
    executions: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], Counting]:
    """Return the plan's whole status, and what was counted for it."""
    step, ledger = steps
    known, now = plan.get("status") or {}, context.clock()
    previous = withdraw_unstarted(known, {slot for execution in executions if (slot := _started_slot(execution))})
    counting = count_executions(
        previous.get("counts") or {},
        [entry["uid"] for entry in previous.get("uncounted") or ()],
        [_countable(execution) for execution in executions if is_terminal(execution.get("status") or {})],
        slots=Counter(step.account.counts) + Counter(ledger.counts),
    )
    pinned = reading.spec.active_version if reading.spec else None
    needed = {version for version in (force.active, pinned, *_used(executions)) if version}
    shown = force.version or reading.runnable
    report = PlanReport(
        generation=plan["metadata"]["generation"],
        target=target_of(LAUNCH_PLANS, plan),
        active=force.active,
        pinned=pinned is not None,
        suspended=reading.spec is not None and reading.spec.suspend,
        versions=bound_history(reading.known, needed),
        findings=(*reading.findings, *force.findings, *step.findings, *_consent_findings(context, reading)),
        pending=step.pending or ledger.pending,
        interface=plan_interface(shown.workflow.interface, shown.bindings) if shown else None,
        schedule=step.schedule,
        counting=counting,
        running=sum(_is_running(execution) for execution in executions),
        last_execution=_last(executions) or previous.get("lastExecution"),
        decisions=(*(previous.get("decisions") or ()), *_decisions(steps, executions, counting, now)),
        concurrency=ledger.status,
        references=report_referrers(context, plan),
    )
    return build_plan_status(report, known, now), counting


def _consent_findings(context: Context, reading: PlanReading) -> tuple[Finding, ...]:
    return check_consent(reading.spec.allow_references_from, context.served) if reading.spec is not None else ()


def _decisions(
    steps: tuple[ScheduleStep, LedgerStep],
    executions: Sequence[Mapping[str, Any]],
    counting: Counting,
    now: datetime,
) -> Iterator[Mapping[str, Any]]:
    """What was decided of slots and of runs that never started; each run is told of when it is counted, which is once."""
    step, ledger = steps
    yield from (*step.account.decisions, *ledger.decisions)
    new = set(counting.new)
    told = [decision_of(execution, now) for execution in executions if execution["metadata"]["name"] in new]
    yield from sorted(
        (decision for decision in told if decision is not None), key=lambda decision: str(decision["time"])
    )


def _countable(execution: Mapping[str, Any]) -> Countable:
    metadata, status = execution["metadata"], execution["status"]
    return Countable(
        uid=metadata["uid"],
        name=metadata["name"],
        phase=status["phase"],
        counted=bool(status.get("counted")),
        reason=cause_of(status)[0],
        started="jobRef" in status,
    )


def _used(executions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The versions that executions name or run, ended ones too: they can be run once more."""
    for execution in executions:
        named = (execution["spec"].get("launchPlanRef") or {}).get("version")
        ran = (execution.get("status") or {}).get("launchPlanVersion")
        yield from (version for version in (named, ran) if version)


def _started_slot(execution: Mapping[str, Any]) -> str | None:
    status = execution.get("status") or {}
    return (status.get("origin") or {}).get("slot") if "jobRef" in status else None


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
