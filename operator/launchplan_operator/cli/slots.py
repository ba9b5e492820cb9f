"""What became of every slot of a plan in the last hours, and why; from what the cluster still holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from launchplan_operator.cli.outcomes import end_cause
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.schedule import Timetable, latest_slots, read_described, slot_of_name

#: How many slots one description shows: a day of a plan that fires every minute.
MAX_SLOTS: Final = 1500
_DELETED: Final = "no record of it is left: history removed it, a person did, or it is older than the last decisions"
_LATE: Final = "nothing was recorded since it came: is the operator running?"
_COMING: Final = "it came moments ago and can still start"


@dataclass(frozen=True, slots=True)
class SlotOutcome:
    """One slot.

    Attributes:
        outcome: a run's phase, a decision's outcome, or Pending, Unrecorded, NotKept.
        run: the run's name, if there is or was one.
        reason: one word, where there is one.
    """

    slot: datetime
    outcome: str
    run: str = ""
    reason: str = ""
    message: str = ""

    def plain(self) -> dict[str, str]:
        """Return it as JSON shows it."""
        texts = {"run": self.run, "reason": self.reason, "message": self.message}
        return {"slot": instant_text(self.slot), "outcome": self.outcome} | {k: v for k, v in texts.items() if v}


def slot_outcomes(
    plan: Mapping[str, Any], executions: Sequence[Mapping[str, Any]], now: datetime, hours: float
) -> list[SlotOutcome]:
    """Return the outcome of every slot after `now - hours`, oldest first; of too many the latest.

    Before `status.schedule.since` only those slots are known that left a run or a decision.

    Args:
        plan: the plan, with its status.
        executions: its runs.
        now: the present, aware.
        hours: how far back to look.
    """
    start = now - timedelta(hours=hours)
    schedule = (plan.get("status") or {}).get("schedule") or {}
    known = dict(_decided(plan)) | dict(_started(plan["metadata"]["name"], executions))
    past = {slot: outcome for slot, outcome in known.items() if start < slot <= now}
    found = [*past.values(), *(each for each in _silent(schedule, start, now) if each.slot not in past)]
    return sorted(found, key=lambda each: each.slot)[-MAX_SLOTS:]


def timetable_of(schedule: Mapping[str, Any]) -> Timetable | None:
    """Return the schedule in force by a plan's status; None while none is, or where it cannot be read."""
    is_kept = schedule.get("cronJob") or (schedule.get("engine") == "Operator" and schedule.get("scheduleHash"))
    return read_described(str(schedule.get("text") or "")) if is_kept else None


def _decided(plan: Mapping[str, Any]) -> Iterable[tuple[datetime, SlotOutcome]]:
    for each in (plan.get("status") or {}).get("decisions") or ():
        if each.get("slot"):
            slot = to_instant(each["slot"])
            texts = (str(each.get(key) or "") for key in ("execution", "reason", "message"))
            yield slot, SlotOutcome(slot, str(each["outcome"]), *texts)


def _started(plan: str, executions: Sequence[Mapping[str, Any]]) -> Iterable[tuple[datetime, SlotOutcome]]:
    for execution in executions:
        status, name = execution.get("status") or {}, execution["metadata"]["name"]
        origin = (status.get("origin") or {}).get("slot")
        slot = to_instant(origin) if origin else slot_of_name(plan, name)
        if slot is not None:
            yield slot, SlotOutcome(slot, str(status.get("phase") or "Pending"), name, *end_cause(status))


def _silent(schedule: Mapping[str, Any], start: datetime, now: datetime) -> Iterable[SlotOutcome]:
    """Return what is to be said of each slot of the schedule in force, should it have left no trace."""
    table, since = timetable_of(schedule), schedule.get("since")
    if table is None or since is None:
        return ()
    slots = latest_slots(table, max(start, to_instant(since)), now, MAX_SLOTS)
    last = to_instant(schedule["lastSlot"]) if schedule.get("lastSlot") else None
    return (_without_trace(slot, last, now - table.jitter - table.deadline) for slot in slots)


def _without_trace(slot: datetime, last: datetime | None, late: datetime) -> SlotOutcome:
    if last is not None and slot <= last:
        return SlotOutcome(slot, "NotKept", message=_DELETED)
    if slot >= late:
        return SlotOutcome(slot, "Pending", message=_COMING)
    return SlotOutcome(slot, "Unrecorded", message=_LATE)
