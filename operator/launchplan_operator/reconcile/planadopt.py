"""Taking over somebody's CronJob of a plan's name, where the plan asks for it: announce, delete, go on."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import CRON_JOBS
from launchplan_operator.decide.adoption import (
    ADOPT,
    AnnounceTakeOver,
    Later,
    TakeOver,
    Unasked,
    asks_to_adopt,
    decide_adoption,
    read_old,
)
from launchplan_operator.decide.planstatus import ScheduleFacts
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planclock import close_books, next_hash
from launchplan_operator.reconcile.plancron import name_taken
from launchplan_operator.reconcile.plansituation import (
    NOTHING,
    ScheduleStep,
    Situation,
    idle_facts,
    recorded_facts,
)
from launchplan_operator.reconcile.result import Again, Failed

_SOON = 0.05
_TAKEN_AGAIN = 30.0


async def meet_foreign(context: Context, here: Situation, found: Mapping[str, Any]) -> ScheduleStep:
    """Take one step towards the plan's own schedule where somebody's CronJob, just asked for, bears its name."""
    name, now = here.plan["metadata"]["name"], context.clock()
    replacing, since = here.recorded.get("replacing"), here.instant("since")
    step = decide_adoption(read_old(found), replacing, since, now, asked=asks_to_adopt(here.plan))
    match step:
        case Unasked(keeper):
            return ScheduleStep(idle_facts(here), findings=(name_taken(name, keeper),), again=_TAKEN_AGAIN)
        case Later(wait):
            facts = recorded_facts(here) if replacing == found["metadata"]["uid"] else idle_facts(here)
            return ScheduleStep(facts, pending=_pending("a slot of it is about to start"), again=wait.total_seconds())
        case AnnounceTakeOver():
            return await _announce(context, here, found["metadata"]["uid"])
        case TakeOver():
            return await _take_over(context, here, found)


async def _announce(context: Context, here: Situation, uid: str) -> ScheduleStep:
    """Say since when the plan's schedule counts; what was recorded of another one is settled first."""
    account = NOTHING
    if here.recorded.get("scheduleHash") and here.recorded.get("replacing") != uid:
        closed = await close_books(context, here, here.version)
        if isinstance(closed, Failed):
            return ScheduleStep(outcome=closed)
        account = closed
    facts = ScheduleFacts(
        None,
        here.text,
        schedule_hash=next_hash(here),
        since=context.clock(),
        replacing=uid,
        engine="Operator" if here.own_table else "CronJob",
    )
    return ScheduleStep(facts, account, pending=_pending("it is about to go"), again=_SOON)


async def _take_over(context: Context, here: Situation, found: Mapping[str, Any]) -> ScheduleStep:
    """Delete the CronJob as it was looked at: it has started nothing since. Its Jobs stay, with no owner."""
    now_asking = context.caches.plans.get(here.plan["metadata"]["namespace"], here.plan["metadata"]["name"])
    if now_asking is None or not _still_asks(now_asking, here.plan):
        # The plan went or was edited while the server was asked for the CronJob.
        return ScheduleStep(outcome=Again(_SOON))
    namespace, name, uid, version = (found["metadata"][key] for key in ("namespace", "name", "uid", "resourceVersion"))
    reply = await context.client.delete(
        CRON_JOBS, namespace, name, uid=uid, propagation="Orphan", resource_version=version
    )
    if reply.refused:
        return ScheduleStep(outcome=Failed(f"CronJob {name}: {reply.message}"))
    if reply.ok:
        message = (
            f"took over CronJob {name}, as the annotation {ADOPT} asks: it goes, and what it started is left alone"
        )
        context.events.record(here.plan, "Normal", Reason.CronJobAdopted, message)
    left = await context.client.get(CRON_JOBS, namespace, name)
    if left is not None and left["metadata"]["uid"] == uid:
        return ScheduleStep(recorded_facts(here), pending=_pending("it is being deleted"), again=1.0)
    context.caches.cronjobs.remove(dict(found))
    return ScheduleStep(outcome=Again(_SOON))


def _still_asks(plan: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    metadata = plan["metadata"]
    same = metadata["uid"] == before["metadata"]["uid"] and not metadata.get("deletionTimestamp")
    return same and asks_to_adopt(plan)


def _pending(what: str) -> Finding:
    message = f"the CronJob of this name is taken over: {what}"
    return Finding(Reason.ScheduleChangePending, message, "metadata.annotations", transient=True)
