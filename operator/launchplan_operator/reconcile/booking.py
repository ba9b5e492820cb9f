"""The books of the slots that were started: which runs stand in them, and which came when their slot was settled."""

from collections.abc import Container, Mapping
from typing import Any, Final

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.caches import came_late, may_have_come_late
from launchplan_operator.reconcile.context import CLOCKS, Context
from launchplan_operator.reconcile.result import Done, Failed, Outcome
from launchplan_operator.render import labels

#: Why the run of a slot goes that had another outcome before it came.
TOO_LATE: Final = End(Reason.Missed, "the slot was settled before its run came")
#: Outcomes of slots that left no run.
_UNSTARTED = frozenset({Reason.Missed.value, Reason.Unknown.value})


async def book(context: Context, run: Mapping[str, Any]) -> Failed | None:
    """Take a run for what its slot started; one that came late is marked, as whoever comes after us cannot know it."""
    metadata = run["metadata"]
    if not labels.is_slot_run(run) or (run.get("status") or {}).get("phase"):
        return None
    if came_late(run) and metadata["uid"] not in context.caches.booked_runs:
        marks = {"uid": metadata["uid"], "annotations": {labels.ASKED: metadata["creationTimestamp"]}}
        namespace, name = metadata["namespace"], metadata["name"]
        reply = await context.client.patch(LAUNCH_PLAN_EXECUTIONS, namespace, name, {"metadata": marks})
        if not reply.ok:
            return Failed(f"late run {name}: {reply.message}")
        context.caches.take(LAUNCH_PLAN_EXECUTIONS, reply.body)
    context.caches.booked_runs.add(metadata["uid"])
    return None


def inherit(context: Context, run: Mapping[str, Any]) -> None:
    """Take a slot's run for booked that was there when this process began to write, though no list of then had it.

    A list may be of the past, and a watch late: whoever wrote before has the run in the plan's books.
    """
    since, metadata = context.leader_since(), run["metadata"]
    if since is None or (run.get("status") or {}).get("phase") or may_have_come_late(run):
        return
    if to_instant(metadata["creationTimestamp"]) <= since + CLOCKS:
        context.caches.booked_runs.add(metadata["uid"])


def is_straggler(
    execution: Mapping[str, Any], plan: Mapping[str, Any], booked: Container[str], *, elected: bool
) -> bool:
    """Tell whether a slot's run was made by a request that arrived after the slot had been settled otherwise.

    Whatever is settled as started is booked in memory, or was there before this process began to write; of what was
    there, a request that arrived when nobody wrote has made what came late, and what the plan tells as missed. Where no
    leader is elected, what came in time may stand in the books of another process, which may be gone since.
    """
    if (execution.get("status") or {}).get("phase"):
        return False
    if execution["metadata"]["annotations"][labels.SLOT] in _told_unstarted(plan):
        return True
    if execution["metadata"]["uid"] in booked:
        return False
    schedule = (plan.get("status") or {}).get("schedule") or {}
    knows_all = elected or came_late(execution)
    marks = [schedule[mark] for mark in (("since", "lastSlot") if knows_all else ("since",)) if schedule.get(mark)]
    return execution["metadata"]["annotations"][labels.SLOT] <= max(marks) if marks else knows_all


async def remove_late(context: Context, run: Mapping[str, Any]) -> Outcome:
    """Delete a slot's run that came too late, and whose name is occupied: its slot has its outcome."""
    namespace, name, uid = (run["metadata"][key] for key in ("namespace", "name", "uid"))
    # It is no run that stood in the books and is lost.
    context.caches.booked_runs.discard(uid)
    reply = await context.client.delete(LAUNCH_PLAN_EXECUTIONS, namespace, name, uid=uid)
    return Done() if reply.ok or reply.not_found or reply.conflict else Failed(f"late run {name}: {reply.message}")


def _told_unstarted(plan: Mapping[str, Any]) -> set[str]:
    """Return the slots of which a plan's status tells that nothing was started for them."""
    decisions = (plan.get("status") or {}).get("decisions") or ()
    return {each["slot"] for each in decisions if "slot" in each and each["outcome"] in _UNSTARTED}
