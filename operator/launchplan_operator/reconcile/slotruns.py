"""Starting slots: one execution each, named like the slot, which the API server takes once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.catchup import decide_catchup, tell_missed
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.kickoff import slot_inputs
from launchplan_operator.decide.planreading import Runnable
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.kube.client import Reply
from launchplan_operator.reconcile.booking import book
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import CLOCKS, Context, is_as_known
from launchplan_operator.reconcile.planslots import SlotAccount, account_missed, join_accounts
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_slot_run


async def start_slots(
    context: Context,
    plan: Mapping[str, Any],
    version: Runnable,
    slots: Sequence[datetime],
    origin: Literal["Schedule", "CatchUp"],
) -> SlotAccount | Failed:
    """Create the execution of each slot that has none, and tell of those that were caught up or could not be."""
    if slots and not await _is_confirmed(context, plan, slots[0]):
        return Failed(f"LaunchPlan {plan['metadata']['name']} is another than the one that was listed")
    decisions: list[Mapping[str, Any]] = []
    taken = 0
    for slot in slots:
        found = await _start(context, plan, version, slot, origin)
        if isinstance(found, Failed):
            return found
        if found is Reason.SlotNameTaken:
            taken += 1
        if found is not None:
            decisions.append(_tell(context, plan, slot, found))
    return SlotAccount(None, {"missed": taken} if taken else {}, tuple(decisions))


async def catch_up(
    context: Context,
    plan: Mapping[str, Any],
    version: Runnable,
    late: Sequence[datetime],
    older: int,
    *,
    started_later: bool,
) -> SlotAccount | Failed:
    """Run the late slots that the plan's catchUp asks for, and count the others as missed.

    `older` is how many more are late, before these; `started_later` whether a slot after them has started.
    """
    schedule = version.spec.schedule
    rule = schedule.catch_up if schedule is not None else None
    now = context.clock()
    decision = decide_catchup(rule, late, now, started_later=started_later)
    caught = await start_slots(context, plan, version, decision.run, "CatchUp")
    if isinstance(caught, Failed):
        return caught

    def tell(slot: datetime) -> str:
        return tell_missed(rule, slot, now, started_later=started_later)

    missed = await account_missed(context, plan, decision.missed, older, tell)
    return missed if isinstance(missed, Failed) else join_accounts(missed, caught)


async def _is_confirmed(context: Context, plan: Mapping[str, Any], slot: datetime) -> bool:
    """Ask once for a plan of which this process starts the first slot: its first list may have been an old one.

    What the cache has been told since is never older than that, unless the process slept: where another one may have
    worked meanwhile, and settled the slot, a late one is always asked for.
    """
    uid = plan["metadata"]["uid"]
    may_be_settled = not context.elected and context.clock() - slot > CLOCKS
    if uid in context.caches.confirmed_plans and not may_be_settled:
        return True
    if not await is_as_known(context, LAUNCH_PLANS, plan):
        return False
    context.caches.confirm_plan(uid)
    return True


async def _start(
    context: Context, plan: Mapping[str, Any], version: Runnable, slot: datetime, origin: str
) -> Reason | Failed | None:
    """Return what is to be told of a slot's start, None where all is as ever, or why it must be tried again."""
    namespace, name = plan["metadata"]["namespace"], slot_name(plan["metadata"]["name"], slot)
    found = context.caches.executions.get(namespace, name)
    if found is None:
        given = slot_inputs(version.spec.schedule, slot) if version.spec.schedule is not None else {}
        times = (instant_text(slot), origin)
        run = render_slot_run(plan, name, version.version, times, given, instant_text(context.clock()))
        reply = await _ask(context, run)
        if reply.ok:
            return await book(context, reply.body) or (Reason.CaughtUp if origin == "CatchUp" else None)
        if not reply.exists:
            return Failed(f"slot {name}: {reply.message}")
        found = await context.client.get(LAUNCH_PLAN_EXECUTIONS, namespace, name)
        if found is None:
            return Failed(f"the execution {name} vanished between two looks")
        context.caches.take(LAUNCH_PLAN_EXECUTIONS, found)
    if not labels.is_owned_by(found, plan["metadata"]["uid"]):
        return Reason.SlotNameTaken
    return await book(context, found)


async def _ask(context: Context, run: dict[str, Any]) -> Reply:
    """Create a slot's run; the watch may tell of it before the answer does, when nobody can know that it is ours."""
    asked = scoped(run["metadata"]["namespace"], run["metadata"]["name"])
    context.caches.asked_runs.add(asked)
    try:
        return await context.client.create(LAUNCH_PLAN_EXECUTIONS, run)
    finally:
        context.caches.asked_runs.discard(asked)


def _tell(context: Context, plan: Mapping[str, Any], slot: datetime, reason: Reason) -> Mapping[str, Any]:
    name = slot_name(plan["metadata"]["name"], slot)
    messages = {
        Reason.CaughtUp: "nobody started it in time, and its run was made afterwards, as spec.schedule.catchUp says",
        Reason.SlotNameTaken: f"found an execution {name!r} that is not the slot's; it is left untouched, and nothing ran "
        "(delete it; start a run by hand if it is still wanted)",
    }
    outcome = "CaughtUp" if reason is Reason.CaughtUp else "Missed"
    return plain_decision(context.clock(), outcome, reason, messages[reason], execution=name, slot=instant_text(slot))
