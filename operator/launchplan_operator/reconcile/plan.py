"""LaunchPlan: read, decide, bring the CronJob one step forward, account for the past, write one status."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.api.types import parse_go_duration
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.planreading import PlanReading
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.readiness import patience_left
from launchplan_operator.decide.retention import HistoryLimits
from launchplan_operator.kube.queue import Priority
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.ledger import keep_ledger
from launchplan_operator.reconcile.lostruns import account_lost, forget_lost
from launchplan_operator.reconcile.planforce import find_force
from launchplan_operator.reconcile.planreport import report_status
from launchplan_operator.reconcile.planschedule import advance_schedule
from launchplan_operator.reconcile.planslots import join_accounts
from launchplan_operator.reconcile.planview import read_plan
from launchplan_operator.reconcile.requester import is_awaited
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.retention import executions_of, remove_tombstones, retain
from launchplan_operator.reconcile.revisions import keep_revision, known_versions, prune_revisions
from launchplan_operator.reconcile.uncounted import confirm_uncounted

#: A CronJob fires a little after its slot; a look this much later finds the next times in the past if it did not.
_AFTER_SLOT = timedelta(seconds=10)
#: What nobody tells us of when it is mended: a quota, an admission, and revisions, which are not watched.
_UNWATCHED = frozenset({Reason.JobRefused, Reason.RevisionRefused, Reason.RevisionTampered})
#: Outcomes of which a person is told, and need not be warned.
_ORDINARY = frozenset({"Skipped", "CaughtUp"})
#: Seconds after which the server is asked once more.
_ASK_AGAIN = 30.0


async def reconcile_plan(context: Context, namespace: str, name: str) -> Outcome:
    """Bring a plan's versions, CronJob, status, counts and history up to its spec and its runs."""
    plan = context.caches.plans.get(namespace, name)
    if plan is None or plan["metadata"].get("deletionTimestamp"):
        return Done()
    reading = await _keep_version(context, plan, await read_plan(context, plan))
    if isinstance(reading, Failed):
        return reading
    if reading.workflow.unchecked:
        # The workflow's verdict wakes its plans.
        return Done()
    force = await find_force(context, plan, reading)
    step = await advance_schedule(context, plan, force)
    if step.outcome is not None:
        return step.outcome
    executions = await confirm_uncounted(context, plan, executions_of(context, namespace, "LaunchPlan", name))
    ledger = await keep_ledger(context, plan, reading, force, executions)
    if isinstance(ledger, Failed):
        return ledger
    lost, told = account_lost(context, plan)
    step = replace(step, account=join_accounts(step.account, lost))
    status, counting = report_status(context, plan, reading, force, (step, ledger), executions)
    outcome = await write_status(context, LAUNCH_PLANS, plan, status)
    if not isinstance(outcome, Done):
        return outcome
    _tell(context, plan, status)
    more = forget_lost(context, told)
    if len(status.get("versions") or ()) < len(reading.known):
        await prune_revisions(context, plan, known_versions({"status": status}))
    await _mark_counted(context, namespace, counting.to_mark)
    if more or not counting.complete:
        return Again(0.0)
    kept = await _retain(context, reading, status, executions)
    if not isinstance(kept, (Done, Again)):
        return kept
    kept_until = kept.after if isinstance(kept, Again) else None
    alarms = [step.again, ledger.again, kept_until, await remove_tombstones(context, plan)]
    return _next_look(context, status, step.look_at, alarms)


async def _keep_version(context: Context, plan: Mapping[str, Any], reading: PlanReading) -> PlanReading | Failed:
    """Keep the version that the spec stands for before anything counts on it."""
    if reading.snapshot is None or reading.workflow.unchecked:
        return reading
    kept = await keep_revision(context, plan, reading.snapshot, reading.known)
    if isinstance(kept, Finding):
        return replace(reading, snapshot=None, runnable=None, findings=(kept,))
    return kept if isinstance(kept, Failed) else replace(reading, known=kept)


async def _mark_counted(context: Context, namespace: str, names: tuple[str, ...]) -> None:
    """Mark what the status now counts, all at once; a mark that fails is made at the next look."""
    marks = [_mark(context, namespace, name) for name in names]
    for answer in await asyncio.gather(*marks, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


async def _mark(context: Context, namespace: str, name: str) -> None:
    body = {"status": {"counted": True}}
    await context.client.patch(LAUNCH_PLAN_EXECUTIONS, namespace, name, body, subresource="status")


async def _retain(
    context: Context, reading: PlanReading, status: Mapping[str, Any], executions: Sequence[Mapping[str, Any]]
) -> Outcome:
    if reading.spec is None:
        return Done()
    history = reading.spec.history
    ttl = parse_go_duration(history.ttl) if history.ttl else None
    limits = HistoryLimits(history.succeeded, history.failed, history.skipped, ttl)
    ended = [each for each in executions if _is_covered(each, status) and not is_awaited(context, each)]
    return await retain(context, ended, limits)


def _is_covered(execution: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Tell whether the plan's status would still know of an ended execution once it is gone."""
    own = execution.get("status") or {}
    slot = (own.get("origin") or {}).get("slot")
    mark = (status.get("schedule") or {}).get("lastSlot")
    since = (status.get("schedule") or {}).get("since")
    covered = slot is None or since is None or slot <= max(mark or "", since)
    return is_terminal(own) and bool(own.get("counted")) and covered


def _next_look(
    context: Context, status: Mapping[str, Any], look_at: datetime | None, alarms: Sequence[float | None]
) -> Outcome:
    """Return when time alone changes something: the first alarm, in seconds, or an instant of the schedule."""
    now = context.clock()
    slot = math.inf if look_at is None else (look_at - now).total_seconds()
    waits = [alarm for alarm in (*alarms, slot) if alarm is not None]
    times = (status.get("schedule") or {}).get("nextTimes") or ()
    if times:
        waits.append((to_instant(times[0]) + _AFTER_SLOT - now).total_seconds())
    waiting = any(c["type"] == "Reconciling" and c["status"] == "True" for c in status["conditions"])
    if waiting:
        waits.append(patience_left(now, status["conditions"]).total_seconds())
    if any(condition["reason"] in _UNWATCHED for condition in status["conditions"]):
        waits.append(_ASK_AGAIN)
    wait = min(waits)
    return Again(wait, Priority.HIGH if wait == slot else Priority.NORMAL) if wait < math.inf else Done()


def _tell(context: Context, plan: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    """One event for each time that a plan stops being ready or a slot is lost."""
    before = plan.get("status") or {}
    ready, *_ = status["conditions"]
    known = {(c["type"], c["status"], c["reason"]) for c in before.get("conditions") or ()}
    pending = ready["reason"] == Reason.ScheduleChangePending
    if ready["status"] == "False" and not pending and ("Ready", "False", ready["reason"]) not in known:
        context.events.record(plan, "Warning", ready["reason"], ready["message"])
    old = list(before.get("decisions") or ())
    for decision in (d for d in status.get("decisions") or () if d not in old):
        subject = f"slot {decision['slot']}" if "slot" in decision else f"run {decision.get('execution')}"
        kind = "Normal" if decision["outcome"] in _ORDINARY else "Warning"
        context.events.record(plan, kind, decision["reason"], f"{subject}: {decision['message']}")
