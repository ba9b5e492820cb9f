"""What became of the slots of a plan's CronJob: started, lost without a trace, or late, and then caught up or missed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import CRON_JOBS
from launchplan_operator.decide.cronjob import last_fired
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.schedule import Timetable, next_slots, slots_between
from launchplan_operator.decide.slots import split_late
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.plansituation import NOTHING, Situation
from launchplan_operator.reconcile.planslots import (
    SlotAccount,
    account_fired,
    account_missed,
    join_accounts,
    traceless_slots,
)
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.reconcile.slotruns import catch_up, start_slots
from launchplan_operator.render import labels

#: A CronJob's controller starts no slot later than its deadline of 200 s, nor, from a stale view, two minutes after that.
CRONJOB_GIVES_UP: Final = timedelta(seconds=320)
_MINUTE: Final = timedelta(minutes=1)
_UNREADABLE: Final = "the version that was to start it could not be read when it came"
_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CronJobPast:
    """The past of a plan's CronJob.

    Attributes:
        since: no slot before this belongs to it.
        look_at: when the next slot that it did not start counts as late.
        warnings: what is wrong with what it did.
    """

    since: datetime
    account: SlotAccount = NOTHING
    look_at: datetime | None = None
    warnings: tuple[str, ...] = ()


async def account_cronjob(
    context: Context, here: Situation, cronjob: Mapping[str, Any], table: Timetable | None
) -> CronJobPast | Failed:
    """Account for the slots of the CronJob in force up to now."""
    created = to_instant(cronjob["metadata"]["creationTimestamp"])
    announced = here.instant("since") if here.recorded.get("scheduleHash") else None
    since = announced or created
    if table is None:
        return CronJobPast(since)
    base = max(since, here.instant("lastSlot") or since)
    is_new = (here.recorded.get("cronJob") or {}).get("uid") != cronjob["metadata"]["uid"]
    gap: SlotAccount | Failed = NOTHING
    if is_new and announced and here.recorded.get("cronJob") is None:
        gap = await _fill_gap(context, here, cronjob, table, base)
    if isinstance(gap, Failed):
        return gap
    shown = last_fired(cronjob)
    if shown is not None and shown > base and not _is_slot(table, shown):
        return CronJobPast(since, _disagree(context, here, gap, shown), None, (_disagreement(shown),))
    fired = max(shown or base, created if is_new else base)
    covered = await account_fired(context, here.plan, table, gap.last_slot or base, fired)
    if isinstance(covered, Failed):
        return covered
    account = join_accounts(gap, covered)
    late = await _account_late(context, here, table, max(fired, account.last_slot or base))
    if isinstance(late, Failed):
        return late
    whole = join_accounts(account, late)
    following = next_slots(table, max(fired, whole.last_slot or base), 1)
    return CronJobPast(since, whole, following[0] + CRONJOB_GIVES_UP + _MOMENT if following else None)


async def _fill_gap(
    context: Context, here: Situation, cronjob: Mapping[str, Any], table: Timetable, since: datetime
) -> SlotAccount | Failed:
    """Start the slots that came between the announcement of a schedule and its CronJob; late ones are caught up."""
    created = to_instant(cronjob["metadata"]["creationTimestamp"])
    past = await traceless_slots(context, here.plan, table, since, created)
    if isinstance(past, Failed):
        return past
    reached = SlotAccount(past.until)
    if here.version is None:
        missed = await account_missed(context, here.plan, past.unexplained, 0, lambda _: _UNREADABLE)
        return missed if isinstance(missed, Failed) else join_accounts(missed, reached)
    on_time, late = split_late(past.unexplained, context.clock())
    started = await start_slots(context, here.plan, here.version, on_time, "Schedule")
    if isinstance(started, Failed):
        return started
    made_up = (
        await catch_up(context, here.plan, here.version, late, 0, started_later=bool(on_time)) if late else NOTHING
    )
    return made_up if isinstance(made_up, Failed) else join_accounts(made_up, started, reached)


async def _account_late(context: Context, here: Situation, table: Timetable, base: datetime) -> SlotAccount | Failed:
    """Settle the slots that the CronJob's controller did not start, and starts no more."""
    until = context.clock() - CRONJOB_GIVES_UP
    if until <= base:
        return NOTHING
    past = await traceless_slots(context, here.plan, table, base, until)
    if isinstance(past, Failed):
        return past
    if past.until is None:
        return NOTHING
    late = past.unexplained
    later = bool(late) and past.until > late[-1]
    if here.version is None:
        made_up = await account_missed(context, here.plan, late, 0, lambda _: _UNREADABLE)
    else:
        made_up = await catch_up(context, here.plan, here.version, late, 0, started_later=later)
    if isinstance(made_up, Failed):
        return made_up
    if late and here.live is not None:
        await _wake_controller(context, here.live, late[-1])
    return join_accounts(made_up, SlotAccount(past.until))


async def _wake_controller(context: Context, cronjob: Mapping[str, Any], slot: datetime) -> None:
    """Write to a CronJob that let a slot pass: one whose slot's name a person's Job had never looks again by itself."""
    annotations = {**(cronjob["metadata"].get("annotations") or {}), labels.SETTLED: instant_text(slot)}
    # After a conflict somebody else's write has woken it.
    await context.client.replace(
        CRON_JOBS, {**cronjob, "metadata": {**cronjob["metadata"], "annotations": annotations}}
    )


def _is_slot(table: Timetable, instant: datetime) -> bool:
    return instant in slots_between(table, instant - _MINUTE, instant, 1)


def _disagreement(shown: datetime) -> str:
    return (
        f"the CronJob fired at {instant_text(shown)}, which is no slot as this operator reads the schedule (another time "
        "zone database?): late slots are not caught up until the two agree (bring the older of the two up to date)"
    )


def _disagree(context: Context, here: Situation, gap: SlotAccount, shown: datetime) -> SlotAccount:
    """Tell it once for each such instant."""
    message = _disagreement(shown)
    if message in (here.recorded.get("warnings") or ()):
        return gap
    told = plain_decision(context.clock(), "Disagreed", Reason.ScheduleDisagreement, message, slot=instant_text(shown))
    return join_accounts(gap, SlotAccount(None, {}, (told,)))
