"""A limited plan's ledger: made from what the server says, seats freed when their runs are over, new ones given.

The ledger is part of the plan's status, which is written as a compare-and-set before any Job is made: whatever is
decided here counts only if that write succeeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason, has_status
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.decide.concurrency import decide_admission, read_policy
from launchplan_operator.decide.ledger import (
    Ledger,
    free_seats,
    keep_skipped,
    ledger_status,
    mark_replaced,
    mark_started,
    read_ledger,
    skip_runs,
    take_seats,
)
from launchplan_operator.decide.planreading import PlanReading
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planforce import Force
from launchplan_operator.reconcile.rebuild import rebuild_ledger
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.reconcile.seats import review_seats, started_names
from launchplan_operator.reconcile.standing import candidate_of, is_accepted
from launchplan_operator.render import labels

#: How long a CronJob's controller may still make a Job after its CronJob was seen gone.
_CRONJOB_SETTLES = timedelta(seconds=5)
_UNTIL_GONE = 1.0
_SOON = 0.1
#: How many runs are skipped by one write.
_SKIPPED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """What one pass decided about a plan's limit, for the status.

    Attributes:
        status: `status.concurrency`, or None without a limit in force.
        pending: why the limit is not in force yet.
        again: seconds until the next look, where time alone changes something.
        counts: what to add to the plan's counts.
        decisions: entries for the plan's status.
    """

    status: Mapping[str, Any] | None = None
    pending: Finding | None = None
    again: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    decisions: tuple[Mapping[str, Any], ...] = ()


async def keep_ledger(
    context: Context,
    plan: Mapping[str, Any],
    reading: PlanReading,
    force: Force,
    executions: Sequence[Mapping[str, Any]],
) -> LedgerStep | Failed:
    """Return the ledger as it shall stand in the status that is written next."""
    status = plan.get("status") or {}
    if reading.spec is None:
        # What a limit is cannot be read: nobody is admitted, and who is under way stays known.
        return LedgerStep(status.get("concurrency"))
    ledger = read_ledger(status, plan["metadata"]["uid"])
    if reading.spec.concurrency is None:
        return LedgerStep(_left_over(ledger, _open_uids(executions)))
    policy = read_policy(reading.spec.concurrency, reading.spec.schedule)
    if ledger is None:
        wait = _until_cronjob_settled(context, plan)
        if wait is not None:
            return LedgerStep(pending=_pending(), again=wait)
        ledger = await rebuild_ledger(context, plan)
    review = await review_seats(context, plan, ledger.seats)
    if isinstance(review, Failed):
        return review
    ledger = keep_skipped(free_seats(ledger, review.ended), _open_uids(executions))
    ledger = mark_started(ledger, started_names(context, plan, ledger.seats))
    now = context.clock()
    waiting = [candidate_of(e, plan) for e in executions if _is_waiting(context, e, plan, ledger)]
    admission = decide_admission(
        policy, ledger.seats, waiting, now, halted=_halt(reading, force), hold_until=ledger.hold_until
    )
    skip = admission.skip[:_SKIPPED_AT_ONCE]
    more = len(skip) < len(admission.skip)
    ledger = mark_replaced(take_seats(ledger, admission.admit, now), admission.replace)
    ledger = _end_hold(skip_runs(ledger, skip), now)
    alarm = (admission.next_at - now).total_seconds() if admission.next_at else None
    waits = [review.again, alarm, _SOON if more else None]
    return LedgerStep(
        status=ledger_status(ledger, admission.queued),
        again=min((wait for wait in waits if wait is not None), default=None),
        counts=review.counts,
        decisions=review.decisions,
    )


def _left_over(ledger: Ledger | None, open_uids: set[str]) -> Mapping[str, Any] | None:
    """Keep what was decided under a limit that is taken away, until it is told: a run told that it never starts may not."""
    left = keep_skipped(ledger, open_uids) if ledger is not None else None
    return ledger_status(left, 0) if left is not None and left.skipped else None


def _pending() -> Finding:
    message = "the limit counts once the CronJob is gone: it starts runs without asking"
    return Finding(Reason.ScheduleChangePending, message, "spec.concurrency", transient=True)


def _is_waiting(context: Context, execution: Mapping[str, Any], plan: Mapping[str, Any], ledger: Ledger) -> bool:
    """Tell whether a run stands in line: accepted under this very plan, without a seat, and with its name free."""
    metadata, status = execution["metadata"], execution.get("status") or {}
    if is_terminal(status) or not is_accepted(execution) or "jobRef" in status:
        return False
    if metadata.get("deletionTimestamp") or "terminate" in execution["spec"]:
        return False
    if status.get("planUid") != plan["metadata"]["uid"] or ledger.knows(metadata["uid"]):
        return False
    return context.caches.jobs.get(metadata["namespace"], metadata["name"]) is None


def _open_uids(executions: Sequence[Mapping[str, Any]]) -> set[str]:
    return {e["metadata"]["uid"] for e in executions if not is_terminal(e.get("status") or {})}


def _halt(reading: PlanReading, force: Force) -> Reason | None:
    if force.active is None:
        return Reason.Deactivated
    return Reason.Suspended if reading.spec is not None and reading.spec.suspend else None


def _end_hold(ledger: Ledger, now: datetime) -> Ledger:
    return replace(ledger, hold_until=None) if ledger.hold_until is not None and ledger.hold_until <= now else ledger


def _until_cronjob_settled(context: Context, plan: Mapping[str, Any]) -> float | None:
    """Return for how many seconds a CronJob, or what its controller may still do for it, stands in the limit's way."""
    metadata, now = plan["metadata"], context.clock()
    key = scoped(metadata["namespace"], metadata["name"])
    schedule = (plan.get("status") or {}).get("schedule") or {}
    live = context.caches.cronjobs.get(metadata["namespace"], metadata["name"])
    if (live is not None and _starts_runs(live)) or schedule.get("cronJob"):
        return _UNTIL_GONE
    # Another process may have seen it go just before this one took over.
    instants = [context.caches.cronjobs_gone.get(key), context.leader_since()]
    left = [(each + _CRONJOB_SETTLES - now).total_seconds() for each in instants if each is not None]
    is_new = not has_status(plan)
    return max(left) if left and max(left) > 0 and not is_new else None


def _starts_runs(cronjob: Mapping[str, Any]) -> bool:
    """Tell whether a CronJob of the plan's name is a plan's; somebody's own starts nothing that counts under a limit."""
    controller = labels.controller_of(cronjob)
    return controller is not None and controller["kind"] == LAUNCH_PLANS.kind
