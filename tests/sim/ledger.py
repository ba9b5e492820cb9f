"""What became of a plan's slots and runs, collected from its executions and from what its status said over time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from launchplan_operator.api.conditions import has_status
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import cause_of, is_terminal
from launchplan_operator.decide.schedule import slot_name
from tests.fake.store import Change, Object

_COUNTS = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "TimedOut": "timedOut",
    "Aborted": "aborted",
    "Rejected": "rejected",
    "Expired": "expired",
}
#: What is told of slots that left no execution, and their counts.
_WITHOUT_RUN = ("Missed", "Unknown")
#: How it is told that nobody waits any more for a CronJob's controller to start a slot.
_ENDED = "the schedule was changed or ended before"
_SLOT_COUNTS = ("missed", "unknown")
#: Reasons of Ready while no slot is to start.
_RESTING = (["Suspended"], ["Inactive"])
#: By how much two clocks may differ.
_CLOCKS = timedelta(seconds=20)
#: By how much an operator's clock is off at most, with its skew and a step.
_OFF = timedelta(seconds=7)


@dataclass(slots=True)
class PlanHistory:
    """One plan, by its uid.

    Attributes:
        first: whether no plan of that name was there before, and its status was never lost.
        ended: the phase of every execution of the name that ended while the plan was there, by uid.
        ran: uids of those that ended and had a Job.
        forgiven: uids of executions that a person deleted: whether they are counted is left open.
        made_again: names of executions that went: one that comes again may be of a run that was counted.
        deleted: names of those that a person deleted.
        seen: names of all that had a phase.
        started: names of all executions that the operator made.
        squatted: names of all that somebody else made.
        told: slots of which the status said that they were not started.
        resting: spans of time in which the plan was seen to be suspended: (from, until or None).
        removed: when the operator last removed the plan's CronJob, and the plan's generation then.
        untold: how many such slots were counted and not named, as more than ten were told at once.
    """

    namespace: str
    name: str
    first: bool
    alive: bool = True
    ended: dict[str, str] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    forgiven: set[str] = field(default_factory=set)
    made_again: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    squatted: set[str] = field(default_factory=set)
    told: dict[datetime, str] = field(default_factory=dict)
    untold: int = 0
    removed: tuple[datetime, int] | None = None
    resting: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def execution_changed(self, change: Change, by_hand: set[str]) -> None:
        """Note what an execution of this plan's name came to."""
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        if not self.alive:
            return
        status = obj.get("status") or {}
        if is_terminal(status):
            expired = status["phase"] == "Skipped" and cause_of(status)[0] == "QueueExpired"
            self.ended[meta["uid"]] = "Expired" if expired else status["phase"]
            if "jobRef" in status:
                self.ran.add(meta["uid"])
        if change.after is None:
            self.made_again.add(meta["name"])
            if meta["uid"] in by_hand:
                self.forgiven.add(meta["uid"])
                self.deleted.add(meta["name"])
        elif change.before is None and meta["name"] in self.made_again:
            self.forgiven.add(meta["uid"])
        if any(owner.get("controller") for owner in meta.get("ownerReferences") or ()):
            self.started.add(meta["name"])
        else:
            self.squatted.add(meta["name"])
        if status.get("phase"):
            self.seen.add(meta["name"])
        if change.after is None and meta["uid"] not in by_hand and meta["name"] not in self.seen:
            # A request that arrived after its slot was settled: what it made goes before it is looked at.
            self.started.discard(meta["name"])

    def plan_changed(self, change: Change, now: datetime) -> None:
        """Note what the status says anew."""
        if change.after is None:
            self.alive = False
            return
        self._note_rest(change.after, now)
        before = ((change.before or {}).get("status") or {}) if change.before else {}
        after = change.after.get("status") or {}
        if has_status({"status": before}) and not has_status({"status": after}):
            # A person took it away: what was counted is lost.
            self.first = False
            self._forget(before.get("decisions") or ())
        old = before.get("decisions") or ()
        fresh = [each for each in after.get("decisions") or () if each not in old and each.get("slot")]
        new = [each for each in fresh if each["outcome"] in _WITHOUT_RUN]
        for each in new:
            self.told[to_instant(each["slot"])] = each["outcome"]
        if _slots(after) - len(new) < _slots(before):
            self._withdraw(each for each in old if each.get("slot") and each not in (after.get("decisions") or ()))
        self.untold += max(0, _slots(after) - _slots(before) - len(new))

    def _withdraw(self, gone: Iterable[Object]) -> None:
        """A slot that was given up as its schedule ended, and is told as missed no more, was started after all."""
        for slot in _given_up(gone):
            if slot_name(self.name, slot) in self.started:
                self.told.pop(slot, None)

    def _forget(self, lost: Iterable[Object]) -> None:
        """What was given up as its schedule ended may be started yet: nobody can withdraw what a person deleted."""
        for slot in _given_up(lost):
            self.told.pop(slot, None)

    def rested_at(self, slot: datetime) -> bool:
        """Tell whether the plan was seen to be suspended before a slot, and still was after it, by whichever clock."""
        return any(start + _OFF < slot and (end is None or slot + _OFF < end) for start, end in self.resting)

    def _note_rest(self, plan: Object, now: datetime) -> None:
        suspended = bool(plan["spec"].get("suspend")) or not _may_be_active(plan["spec"])
        seen = (plan.get("status") or {}).get("observedGeneration") == plan["metadata"]["generation"]
        ready = [
            each["reason"] for each in (plan.get("status") or {}).get("conditions") or () if each["type"] == "Ready"
        ]
        open_ = bool(self.resting) and self.resting[-1][1] is None
        if open_ and not suspended:
            self.resting[-1] = (self.resting[-1][0], now)
        elif suspended and seen and ready in _RESTING and not open_:
            self.resting.append((now, None))

    def gap(self, plan: Object) -> str:
        """Return how a schedule begins too late after its forerunner's end, if it does: slots between belong to none."""
        schedule = (plan.get("status") or {}).get("schedule") or {}
        since = schedule.get("since")
        if since is None:
            # Nothing was to fire: whatever begins later begins then.
            self.removed = None
            return ""
        if self.removed is None or self.removed[1] != plan["metadata"]["generation"]:
            return ""
        went = self.removed[0]
        if to_instant(str(since)) - went > _CLOCKS:
            return f"the CronJob went at {went}, and the next schedule counts from {since}"
        if schedule.get("engine") == "Operator":
            # The next schedule has begun: a version that becomes active later may begin its own.
            self.removed = None
        return ""

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return the lowest and the highest right value of each count of runs."""
        found = {}
        for phase, name in _COUNTS.items():
            uids = {uid for uid, ended in self.ended.items() if ended == phase}
            found[name] = (len(uids - self.forgiven), len(uids))
        skipped = {uid for uid, ended in self.ended.items() if ended == "Skipped"}
        # An admitted run that a person deleted before it started is counted as skipped where it was a slot's.
        found["skipped"] = (len(skipped - self.forgiven), len(skipped | self.forgiven))
        found["started"] = (len(self.ran - self.forgiven), len(self.ran))
        return found


def _may_be_active(spec: Object) -> bool:
    return bool(spec.get("autoActivate") or spec.get("activeVersion"))


def _given_up(decisions: Iterable[Object]) -> Iterator[datetime]:
    """Yield the slots of which nobody waited any more for the CronJob's controller."""
    return (to_instant(each["slot"]) for each in decisions if each["message"].startswith(_ENDED))


def _slots(status: Object) -> int:
    counts = status.get("counts") or {}
    return sum(counts.get(name, 0) for name in _SLOT_COUNTS)
