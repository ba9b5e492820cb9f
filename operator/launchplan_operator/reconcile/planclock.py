"""The operator's own engine: an execution for each slot when it is due, named like the slot, so that there is only one.

What was started is not remembered: the status says up to which slot every outcome is known, and a slot after that is
started by creating its execution, which the API server refuses a second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from launchplan_operator.decide.planreading import Runnable
from launchplan_operator.decide.planstatus import ScheduleFacts
from launchplan_operator.decide.schedule import Timetable, plan_identity, read_described, schedule_hash, slot_name
from launchplan_operator.decide.slots import DueSlots, due_slots
from launchplan_operator.reconcile.booking import book
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.plansituation import NOTHING, ScheduleStep, Situation, mark_of
from launchplan_operator.reconcile.planslots import SlotAccount, account_missed, account_unfired, join_accounts
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.reconcile.retention import executions_of
from launchplan_operator.reconcile.slotruns import catch_up, start_slots
from launchplan_operator.render import labels

#: The hash of a schedule that we keep ourselves differs from the same one's that a CronJob keeps.
_OURS: Final = "-operator"
_SOON: Final = 0.05
_ENDED: Final = "the schedule was changed or ended before the slot was started"


def operator_hash(table: Timetable) -> str:
    """Return the hash of a schedule that the operator keeps."""
    return schedule_hash(table) + _OURS


def is_kept_by_us(recorded: Mapping[str, Any]) -> bool:
    """Tell whether the recorded schedule is one that the operator keeps."""
    return str(recorded.get("scheduleHash", "")).endswith(_OURS)


def has_open_books(recorded: Mapping[str, Any]) -> bool:
    """Tell whether slots of the recorded schedule are nobody's but ours: no CronJob keeps it, or none was made yet."""
    return bool(recorded.get("scheduleHash")) and not recorded.get("cronJob")


def next_hash(here: Situation) -> str | None:
    """Return the hash of the schedule that is wanted, or None if none is."""
    if here.own_table is not None:
        return operator_hash(here.own_table)
    annotations = here.manifest["metadata"]["annotations"] if here.manifest else {}
    return annotations.get(labels.SCHEDULE)


async def keep_time(context: Context, here: Situation, version: Runnable, table: Timetable) -> ScheduleStep:
    """Start the slots that are due, and say which is next."""
    base = mark_of(here)
    if base is None or here.recorded.get("scheduleHash") != operator_hash(table):
        return await _begin(context, here, version, table)
    due = due_slots(table, _identity(here), base, context.clock(), table.deadline)
    account = await _settle(context, here, due, version)
    if isinstance(account, Failed):
        return ScheduleStep(outcome=account)
    facts = _facts(table, here.instant("since"), account.last_slot or here.instant("lastSlot"))
    return ScheduleStep(facts, account, look_at=due.next_at)


async def close_books(context: Context, here: Situation, version: Runnable | None) -> SlotAccount | Failed:
    """Settle every slot of the recorded schedule up to now, which is its end.

    With no version to start, as when the plan was suspended, what has come and not started is missed.
    """
    base, table = mark_of(here), read_described(here.recorded.get("text") or "")
    if base is None or table is None:
        return NOTHING
    now = context.clock()
    if here.recorded.get("cronJob"):
        return await account_unfired(context, here.plan, table, base, now)
    due = due_slots(replace(table, jitter=timedelta(0)), _identity(here), base, now, table.deadline)
    if version is not None:
        return await _settle(context, here, due, version)
    unstarted = await _without_run(context, here, [*due.late, *due.on_time])
    if isinstance(unstarted, Failed):
        return unstarted
    return await account_missed(context, here.plan, unstarted, due.older, lambda _: _ENDED)


async def _begin(context: Context, here: Situation, version: Runnable, table: Timetable) -> ScheduleStep:
    """Say since when the schedule counts, once the slots of the one before are settled; nothing of it starts earlier."""
    account = await close_books(context, here, version) if here.recorded.get("scheduleHash") else NOTHING
    if isinstance(account, Failed):
        return ScheduleStep(outcome=account)
    return ScheduleStep(_facts(table, context.clock(), None), account, again=_SOON)


async def _settle(context: Context, here: Situation, due: DueSlots, version: Runnable) -> SlotAccount | Failed:
    """Start what is on time; what is late is caught up or missed."""
    on_time = await start_slots(context, here.plan, version, due.on_time, "Schedule")
    if isinstance(on_time, Failed):
        return on_time
    late = await _without_run(context, here, due.late)
    if isinstance(late, Failed):
        return late
    later = any(slot > late[-1] for slot in (*due.late, *due.on_time)) if late else False
    made_up = await catch_up(context, here.plan, version, late, due.older, started_later=later)
    return made_up if isinstance(made_up, Failed) else join_accounts(made_up, on_time, SlotAccount(due.until))


def _facts(table: Timetable, since: datetime | None, last: datetime | None) -> ScheduleFacts:
    return ScheduleFacts(
        timetable=table,
        text=table.describe(),
        schedule_hash=operator_hash(table),
        since=since,
        last_slot=last,
        engine="Operator",
    )


async def _without_run(context: Context, here: Situation, slots: Sequence[datetime]) -> list[datetime] | Failed:
    """Return the slots that have no run yet; the others' runs, whichever process asked for them, stand in the books.

    A person's execution of a slot's name is no run of it.
    """
    executions = executions_of(context, here.plan["metadata"]["namespace"], "LaunchPlan", _name(here))
    uid = here.plan["metadata"]["uid"]
    runs = {each["metadata"]["name"]: each for each in executions if labels.is_owned_by(each, uid)}
    found = {slot: runs.get(slot_name(_name(here), slot)) for slot in slots}
    for run in found.values():
        if run is not None and (failed := await book(context, run)) is not None:
            return failed
    return [slot for slot, run in found.items() if run is None]


def _name(here: Situation) -> str:
    name: str = here.plan["metadata"]["name"]
    return name


def _identity(here: Situation) -> str:
    return plan_identity(here.plan["metadata"]["namespace"], _name(here))
