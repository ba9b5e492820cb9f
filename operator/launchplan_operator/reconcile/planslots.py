"""Which slots of a plan left no trace: seen from the caches first, and from the server before it is believed."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.planstatus import MAX_DECISIONS
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.schedule import Timetable, slot_name, slot_of_name
from launchplan_operator.decide.slots import Past, look_back
from launchplan_operator.reconcile.booking import book
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.reconcile.retention import executions_of
from launchplan_operator.render import labels

_FIRED: Final = (
    "the CronJob fired it, or a later one, but neither its Job nor its execution is left: they were deleted while no "
    "operator looked, or its controller passed it by; it may have run, and is not run again (start a run by hand if it "
    "is still wanted)"
)
_ENDED: Final = "the schedule was changed or ended before the CronJob controller started it"


@dataclass(frozen=True, slots=True)
class SlotAccount:
    """What became of the slots up to a new high-water mark.

    Attributes:
        last_slot: the new mark, or the old one.
        counts: what to add to the plan's counts, by field.
        decisions: entries for the plan's status, oldest first.
    """

    last_slot: datetime | None
    counts: Mapping[str, int] = field(default_factory=dict)
    decisions: tuple[Mapping[str, Any], ...] = ()


async def account_fired(
    context: Context, plan: Mapping[str, Any], timetable: Timetable, base: datetime, until: datetime
) -> SlotAccount | Failed:
    """Account for the slots that the CronJob's `lastScheduleTime` covers: what left no trace is unknown."""
    past = await traceless_slots(context, plan, timetable, base, until)
    return past if isinstance(past, Failed) else _account(past, Reason.Unknown, "unknown", lambda _: _FIRED, context)


async def account_unfired(
    context: Context, plan: Mapping[str, Any], timetable: Timetable, base: datetime, until: datetime
) -> SlotAccount | Failed:
    """Account for the slots of a schedule that ends before its CronJob started them: they are missed."""
    past = await traceless_slots(context, plan, timetable, base, until)
    return past if isinstance(past, Failed) else _account(past, Reason.Missed, "missed", lambda _: _ENDED, context)


async def account_missed(
    context: Context, plan: Mapping[str, Any], slots: Sequence[datetime], older: int, tell: Callable[[datetime], str]
) -> SlotAccount | Failed:
    """Count slots that nobody starts any more, but for those of which the server knows an execution after all.

    `older` is how many more there are, before these; `tell` says why one is missed.
    """
    if not slots:
        return SlotAccount(None, {"missed": older} if older else {})
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    listing = await context.client.list(LAUNCH_PLAN_EXECUTIONS, namespace, fields=f"spec.launchPlanRef.name={name}")
    live = {execution["metadata"]["name"]: execution for execution in listing.items if _is_of(execution, plan)}
    for run in (run for of_name, run in live.items() if slot_of_name(name, of_name) in slots):
        if (failed := await book(context, run)) is not None:
            return failed
    # A Job that a CronJob started has no execution yet, where nobody looked after it.
    taken = {execution["metadata"]["name"] for execution in listing.items} - live.keys()
    known = live.keys() | _names(await _jobs_of(context, namespace, name), taken)
    missed = tuple(slot for slot in slots if slot_name(name, slot) not in known)
    account = _account(Past(None, missed), Reason.Missed, "missed", tell, context)
    total = len(missed) + older
    return SlotAccount(None, {"missed": total} if total else {}, account.decisions)


async def traceless_slots(
    context: Context, plan: Mapping[str, Any], timetable: Timetable, base: datetime, until: datetime
) -> Past | Failed:
    """Return the slots after `base` up to `until` of which neither a Job nor an execution is left, asked uncached.

    The executions of the others stand in the books from now on.
    """
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    found = executions_of(context, namespace, "LaunchPlan", name)
    runs = {execution["metadata"]["name"]: execution for execution in found if _is_of(execution, plan)}
    taken = {execution["metadata"]["name"] for execution in found} - runs.keys()
    jobs = _names(context.caches.jobs.by("plan", scoped(namespace, name)), taken)
    past = look_back(timetable, name, base, until, runs.keys() | jobs)
    if past.unexplained:
        jobs |= _names(await _jobs_of(context, namespace, name), taken)
        past = look_back(timetable, name, base, until, runs.keys() | jobs)
    for run_name, run in runs.items():
        slot = slot_of_name(name, run_name)
        passed = slot is not None and past.until is not None and base < slot <= past.until
        if passed and (failed := await book(context, run)) is not None:
            return failed
    return past


def _is_of(execution: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    """Tell whether we made an execution for a plan: a person's of the same name is no trace of a slot."""
    return labels.is_owned_by(execution, plan["metadata"]["uid"])


async def _jobs_of(context: Context, namespace: str, name: str) -> Sequence[Mapping[str, Any]]:
    """Return a plan's Jobs, asked uncached."""
    listing = await context.client.list(JOBS, namespace, {labels.PLAN: name})
    for job in listing.items:
        # What the mark passes because the server knows it must not be missing here when its record is made.
        context.caches.take(JOBS, job)
    return listing.items


def _names(jobs: Iterable[Mapping[str, Any]], taken: Container[str]) -> set[str]:
    """Return the names of Jobs but for the tombstones of people's executions, whose names are `taken`."""
    names = ((job["metadata"]["name"], labels.is_tombstone(job)) for job in jobs)
    return {name for name, is_tombstone in names if not (is_tombstone and name in taken)}


def _account(
    past: Past, reason: Reason, field_name: str, tell: Callable[[datetime], str], context: Context
) -> SlotAccount:
    decisions = tuple(
        plain_decision(context.clock(), reason.value, reason, tell(slot), slot=instant_text(slot))
        for slot in past.unexplained[-MAX_DECISIONS:]
    )
    counts = {field_name: len(past.unexplained)} if past.unexplained else {}
    return SlotAccount(past.until, counts, decisions)


def join_accounts(*accounts: SlotAccount) -> SlotAccount:
    """Return several accounts as one; the last mark counts."""
    totals: Counter[str] = Counter()
    for account in accounts:
        totals.update(account.counts)
    marks = [account.last_slot for account in accounts if account.last_slot is not None]
    decisions = tuple(decision for account in accounts for decision in account.decisions)
    return SlotAccount(marks[-1] if marks else None, dict(totals), decisions)
