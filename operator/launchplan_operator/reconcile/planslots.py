"""Which slots of a plan left no trace: seen from the caches first, and from the server before it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.schedule import Timetable, slot_name
from launchplan_operator.decide.slots import Past, look_back, split_late
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.retention import executions_of
from launchplan_operator.render import labels
from launchplan_operator.render.job import render_slot_job


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
) -> SlotAccount:
    """Account for the slots that the CronJob's `lastScheduleTime` covers: what left no trace is unknown."""
    past = await _traceless(context, plan, timetable, base, until)
    return _account(past, Reason.Unknown, "unknown", "fired, but neither its Job nor its execution is left", context)


async def account_unfired(
    context: Context, plan: Mapping[str, Any], timetable: Timetable, base: datetime, until: datetime
) -> SlotAccount:
    """Account for the slots of a schedule that ends before its CronJob started them: they are missed."""
    past = await _traceless(context, plan, timetable, base, until)
    return _account(
        past, Reason.Missed, "missed", "the schedule ended before the CronJob controller started it", context
    )


async def account_gap(
    context: Context, plan: Mapping[str, Any], cronjob: Mapping[str, Any], timetable: Timetable, since: datetime
) -> SlotAccount:
    """Start the slots that came between the announcement of a schedule and its CronJob; late ones are missed."""
    created = to_instant(cronjob["metadata"]["creationTimestamp"])
    past = await _traceless(context, plan, timetable, since, created)
    on_time, late = split_late(past.unexplained, context.clock())
    for slot in on_time:
        name = slot_name(plan["metadata"]["name"], slot)
        await context.client.create(JOBS, render_slot_job(cronjob, name, instant_text(slot)))
    message = "it came while the schedule changed, and was seen too late"
    return _account(Past(past.until, tuple(late)), Reason.Missed, "missed", message, context)


async def _traceless(
    context: Context, plan: Mapping[str, Any], timetable: Timetable, base: datetime, until: datetime
) -> Past:
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    executions = {e["metadata"]["name"] for e in executions_of(context, namespace, "LaunchPlan", name)}
    jobs = {job["metadata"]["name"] for job in context.caches.jobs.by("plan", scoped(namespace, name))}
    past = look_back(timetable, name, base, until, executions | jobs)
    if not past.unexplained:
        return past
    listing = await context.client.list(JOBS, namespace, {labels.PLAN: name})
    live = {job["metadata"]["name"] for job in listing.items}
    return look_back(timetable, name, base, until, executions | jobs | live)


def _account(past: Past, reason: Reason, field_name: str, message: str, context: Context) -> SlotAccount:
    now = instant_text(context.clock())
    decisions = tuple(
        {"time": now, "slot": instant_text(slot), "outcome": reason.value, "reason": reason.value, "message": message}
        for slot in past.unexplained
    )
    counts = {field_name: len(past.unexplained)} if past.unexplained else {}
    return SlotAccount(past.until, counts, decisions)
