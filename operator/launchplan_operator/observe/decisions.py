"""What a written status decided, told once: seen from the status before it and the status itself.

A status is written as a compare-and-set on the very object that it was made from. So whatever the two differ in was
decided by this one write, and a write that had to be made again tells it once. Of a write whose answer was lost nothing
is told: the next look finds it in the status already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from launchplan_operator.api.conditions import ConditionType, Reason, find_condition
from launchplan_operator.api.execution import Phase

Status = Mapping[str, Any]

#: Decisions of a plan about slots that have no execution, by their outcome in the plan's status.
_SLOT_OUTCOMES: Final = {"Missed": "missed", "CaughtUp": "caught up", "Unknown": "unknown"}
_ENDS: Final = {Phase.Skipped: "skipped", Phase.Rejected: "rejected"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; its fields are the keys of its log line.

    Attributes:
        decision: queued, started, skipped, replaced, rejected, ended, missed, caught up or unknown.
        plan: the plan's name, or the workflow's of a run without a plan.
        execution: the run's name; None for a slot without one.
        slot: RFC 3339; None for a run that no slot asked for.
        reason: one of `Reason`.
    """

    decision: str
    namespace: str
    plan: str
    execution: str | None
    slot: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RunStep:
    """How one write moved a run on.

    Attributes:
        origin: who asked for it.
        slot: its slot, RFC 3339, if one did.
        started: whether this write first told of its Job.
        ended: its last phase, if this write told of it.
        expired: whether it waited too long.
        lag: seconds from the slot to its Job's start, where this write first told of that.
        wait: seconds from when it was asked for until it was admitted, where it stood in line and this write ended that.
    """

    namespace: str
    origin: str
    slot: str | None
    started: bool = False
    ended: Phase | None = None
    expired: bool = False
    lag: float | None = None
    wait: float | None = None

    @property
    def outcome(self) -> str | None:
        """What became of its slot, where this write decided that."""
        if self.slot is None:
            return None
        if self.started:
            return "caught_up" if self.origin == "CatchUp" else "started"
        if self.ended is None:
            return None
        return "expired" if self.expired else self.ended.lower()


def read_step(namespace: str, before: Status, after: Status) -> RunStep:
    """Return how a run moved on from one status to the next."""
    origin = after.get("origin") or {}
    slot = origin.get("slot")
    # A record that was deleted and made again stands for a run that was told already.
    started = "jobRef" in after and "jobRef" not in before and not after.get("counted")
    ended = _new_end(before, after)
    # A run that had a Job was told as started, and its slot with it.
    untold = slot if started or "jobRef" not in after else None
    is_begun = "startTime" in after and "startTime" not in before and not after.get("counted")
    lag = _seconds(slot, after["startTime"]) if is_begun else None
    # Of a run through a reference another one stands in line, and is measured itself.
    in_line = _stood_in_line(before) and "remote" not in after
    wait = _seconds(after.get("queuedTime"), _admitted_at(after)) if in_line else None
    expired = reason_of(after) == Reason.QueueExpired
    return RunStep(namespace, origin.get("type", "Manual"), untold, started, ended, expired, lag, wait)


def run_decisions(run: Mapping[str, Any], before: Status, after: Status) -> Iterator[Decision]:
    """Yield what one write decided about a run."""
    metadata, reference = run["metadata"], run["spec"].get("launchPlanRef") or {}
    slot = (after.get("origin") or {}).get("slot")
    about = (metadata["namespace"], str(reference.get("name")), metadata["name"], slot)
    if not before.get("phase") and after["phase"] == Phase.Queued:
        yield Decision("queued", *about, reason_of(after))
    step = read_step(metadata["namespace"], before, after)
    if step.started:
        yield Decision("started", *about, (after.get("origin") or {}).get("type"))
    if step.ended is not None:
        reason = reason_of(after)
        replaced = reason == Reason.Replaced
        yield Decision("replaced" if replaced else _ENDS.get(step.ended, "ended"), *about, reason)


def plan_decisions(plan: Mapping[str, Any], before: Status, after: Status) -> Iterator[Decision]:
    """Yield what one write decided about slots of a plan that have no run, or no run any more."""
    metadata, old = plan["metadata"], list(before.get("decisions") or ())
    for told in (each for each in after.get("decisions") or () if each not in old):
        word = _SLOT_OUTCOMES.get(told["outcome"])
        if word is None and told.get("reason") == Reason.ExecutionDeleted:
            word = "skipped"
        if word is not None:
            about = (metadata["namespace"], metadata["name"], told.get("execution"), told.get("slot"))
            yield Decision(word, *about, told.get("reason"))


def slot_counts(before: Status, after: Status) -> dict[str, int]:
    """Return how many slots without a run one write of a plan's status settled, by outcome."""
    old, new = before.get("counts") or {}, after.get("counts") or {}
    counts = {outcome: new.get(outcome, 0) - old.get(outcome, 0) for outcome in ("missed", "unknown")}
    known = list(before.get("decisions") or ())
    deleted = (each for each in after.get("decisions") or () if each.get("reason") == Reason.ExecutionDeleted)
    counts["skipped"] = sum("slot" in each and each not in known for each in deleted)
    return {outcome: count for outcome, count in counts.items() if count > 0}


def reason_of(status: Status) -> str | None:
    """Return the reason of Ready, which is why a run stands where it stands."""
    ready = find_condition(status.get("conditions") or (), ConditionType.Ready)
    return str(ready["reason"]) if ready is not None else None


def _new_end(before: Status, after: Status) -> Phase | None:
    phase = Phase(after["phase"])
    ended_before = before.get("phase") is not None and Phase(before["phase"]).terminal
    return phase if phase.terminal and not ended_before and not after.get("counted") else None


def _stood_in_line(before: Status) -> bool:
    admitted = find_condition(before.get("conditions") or (), ConditionType.Admitted)
    return admitted is not None and admitted["status"] == "False"


def _admitted_at(after: Status) -> str | None:
    admitted = find_condition(after.get("conditions") or (), ConditionType.Admitted)
    return admitted["lastTransitionTime"] if admitted is not None and admitted["status"] == "True" else None


def _seconds(since: str | None, until: str | None) -> float | None:
    if since is None or until is None:
        return None
    return (_instant(until) - _instant(since)).total_seconds()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
