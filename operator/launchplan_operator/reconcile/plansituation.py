"""What a step on a plan's CronJob looks at, and what it leaves for the status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.decide.cronjob import live_timetable
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.planreading import Runnable
from launchplan_operator.decide.planstatus import ScheduleFacts
from launchplan_operator.decide.schedule import Timetable, read_described
from launchplan_operator.reconcile.planslots import SlotAccount
from launchplan_operator.reconcile.result import Outcome
from launchplan_operator.render import labels

#: No slot passed.
NOTHING = SlotAccount(None)


@dataclass(frozen=True, slots=True)
class ScheduleStep:
    """What one pass did about the schedule, for the status.

    Attributes:
        schedule: None where the plan has none.
        again: seconds until the next step, where one follows.
        look_at: when time alone changes something: a slot is due, or late.
        outcome: set where the pass must end before the status is written.
    """

    schedule: ScheduleFacts | None = None
    account: SlotAccount = NOTHING
    findings: tuple[Finding, ...] = ()
    pending: Finding | None = None
    again: float | None = None
    look_at: datetime | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What the steps look at.

    Attributes:
        recorded: what the status says of the schedule.
        manifest: the CronJob that is wanted, or None.
        live: the CronJob of the plan's name, whosever it is, or None.
        text: the schedule that is wanted, for people.
        version: the version in force, or None where it cannot be read.
        own_table: the timetable that the operator itself is to keep, or None.
    """

    plan: Mapping[str, Any]
    recorded: Mapping[str, Any]
    manifest: dict[str, Any] | None
    live: Mapping[str, Any] | None
    text: str | None
    version: Runnable | None = None
    own_table: Timetable | None = None

    def instant(self, name: str) -> datetime | None:
        """Return a recorded instant of `status.schedule`."""
        text = self.recorded.get(name)
        return to_instant(text) if text else None

    @property
    def live_table(self) -> Timetable | None:
        """When the live CronJob fires."""
        return None if self.live is None else live_timetable(self.live)


def own_cronjob(here: Situation) -> Mapping[str, Any] | None:
    """Return the live CronJob if it is this plan's and stays."""
    if here.live is None or here.recorded.get("replacing") == here.live["metadata"]["uid"]:
        return None
    return here.live if labels.is_owned_by(here.live, here.plan["metadata"]["uid"]) else None


def idle_facts(here: Situation) -> ScheduleFacts:
    """Nothing fires."""
    return ScheduleFacts(None, here.text)


def recorded_facts(here: Situation) -> ScheduleFacts:
    """Nothing is decided anew: the status keeps what it said of the schedule."""
    recorded = here.recorded
    ours = recorded.get("engine") == "Operator"
    return ScheduleFacts(
        timetable=_recorded_table(here) if recorded.get("nextTimes") else None,
        text=here.text,
        cronjob=recorded.get("cronJob"),
        schedule_hash=recorded.get("scheduleHash"),
        since=here.instant("since"),
        last_slot=here.instant("lastSlot"),
        replacing=recorded.get("replacing"),
        engine="Operator" if ours else "CronJob",
    )


def _recorded_table(here: Situation) -> Timetable | None:
    return here.live_table or read_described(here.recorded.get("text") or "")


def mark_of(here: Situation) -> datetime | None:
    """Return the instant up to which the recorded schedule's slots are accounted for."""
    marks = [mark for mark in (here.instant("since"), here.instant("lastSlot")) if mark is not None]
    return max(marks) if marks else None
