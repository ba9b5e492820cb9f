"""A plan's status, whole: one function makes it from what was read, decided and done."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Target
from launchplan_operator.api.planstatus import MAX_DECISIONS, MAX_NEXT_TIMES
from launchplan_operator.api.workflow import Interface
from launchplan_operator.decide.counting import Counting
from launchplan_operator.decide.inputs import Bindings
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.readiness import Verdict, ready_conditions
from launchplan_operator.decide.schedule import Timetable, dst_warnings, next_slots
from launchplan_operator.decide.versions import KnownVersion

Engine = Literal["CronJob", "Operator"]


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """What the status says of the schedule.

    Attributes:
        timetable: as the CronJob in force has it; None while nothing fires.
        text: the cron text and its zone, for people.
        cronjob: `{name, uid, generation}`, or None.
        schedule_hash: of the schedule that counts.
        replacing: the uid of the CronJob that goes.
        engine: who keeps the time.
        warnings: what is wrong with what was started.
    """

    timetable: Timetable | None
    text: str | None
    cronjob: Mapping[str, Any] | None = None
    schedule_hash: str | None = None
    since: datetime | None = None
    last_slot: datetime | None = None
    replacing: str | None = None
    engine: Engine = "CronJob"
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PlanReport:
    """Everything that a plan's status tells.

    Attributes:
        target: the plan, for the command that would mend it.
        active: the active version, or None.
        pinned: whether the spec names the active version.
        versions: the versions that can be run, newest last.
        pending: something of ours that is under way and keeps the plan from being ready.
        concurrency: the ledger as it stands in the status; None for a plan without a limit.
        references: who refers to the plan; None where nobody does.
    """

    generation: int
    target: Target
    active: str | None
    pinned: bool
    suspended: bool
    versions: Sequence[KnownVersion]
    findings: Sequence[Finding]
    pending: Finding | None
    interface: Mapping[str, Any] | None
    schedule: ScheduleFacts | None
    counting: Counting
    running: int
    last_execution: Mapping[str, Any] | None
    decisions: Sequence[Mapping[str, Any]] = field(default=())
    concurrency: Mapping[str, Any] | None = None
    references: Mapping[str, Any] | None = None


def build_plan_status(report: PlanReport, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status; equal to `previous` where nothing changed its meaning."""
    verdict = Verdict(*_standing(report, now), report.target, report.findings, report.pending)
    conditions = ready_conditions(verdict, report.generation, now, previous.get("conditions") or ())
    optional: dict[str, Any] = {
        "activeVersion": report.active,
        "latestVersion": report.versions[-1].version if report.versions else None,
        "versions": [asdict(each) for each in report.versions],
        "interface": previous.get("interface") if report.interface is None else report.interface,
        "schedule": schedule_status(report.schedule, now) if report.schedule else None,
        "concurrency": dict(report.concurrency) if report.concurrency else None,
        "counts": dict(report.counting.counts),
        "uncounted": [{"uid": uid} for uid in report.counting.uncounted],
        "lastExecution": report.last_execution,
        "decisions": list(report.decisions)[-MAX_DECISIONS:],
        "references": dict(report.references) if report.references else None,
    }
    fixed = {"observedGeneration": report.generation, "conditions": conditions, "running": report.running}
    status = fixed | {name: value for name, value in optional.items() if value not in (None, {}, [])}
    return dict(previous) if _differs_in_marks_only(status, previous) else status


def schedule_status(facts: ScheduleFacts, now: datetime) -> dict[str, Any]:
    """Return `status.schedule`; next times and warnings stand there only while something fires."""
    firing = facts.timetable
    times = next_slots(firing, now, MAX_NEXT_TIMES) if firing else []
    optional: dict[str, Any] = {
        "text": facts.text,
        "cronJob": dict(facts.cronjob) if facts.cronjob else None,
        "scheduleHash": facts.schedule_hash,
        "since": instant_text(facts.since) if facts.since else None,
        "lastSlot": instant_text(facts.last_slot) if facts.last_slot else None,
        "nextTimes": [instant_text(time) for time in times],
        "warnings": [*facts.warnings, *(dst_warnings(firing, now) if firing else [])],
        "replacing": facts.replacing,
    }
    return {"engine": facts.engine} | {name: value for name, value in optional.items() if value not in (None, [])}


def plan_interface(interface: Interface, bindings: Bindings) -> dict[str, Any]:
    """Return what a caller may still pass, what is fixed, and what comes out."""
    parameters = [
        {"name": p.name, "type": p.type} | _default(p.name, {} if p.required else {p.name: p.default}, bindings)
        for p in interface.inputs
        if p.name not in bindings.fixed
    ]
    outputs = [output.model_dump(by_alias=True, exclude_none=True) for output in interface.outputs]
    parts = {"parameters": parameters, "fixedInputs": dict(bindings.fixed), "outputs": outputs}
    return {name: value for name, value in parts.items() if value}


def _default(name: str, own: Mapping[str, Any], bindings: Bindings) -> dict[str, Any]:
    values = {**own, **bindings.defaults}
    return {"required": False, "default": values[name]} if name in values else {"required": True}


def _standing(report: PlanReport, now: datetime) -> tuple[Reason, str]:
    """The reason and message of Ready while nothing is wrong."""
    version = report.active
    scheduled = report.schedule is not None and report.schedule.text is not None
    if version is None and scheduled:
        message = "nothing will run on schedule until spec.autoActivate is true or spec.activeVersion names a version"
        return Reason.Inactive, f"{message}; manual runs start"
    if version is None:
        return Reason.Inactive, "no version is active: set spec.autoActivate or spec.activeVersion; manual runs start"
    if report.suspended:
        return Reason.Suspended, "no slot fires until spec.suspend is false, and none is replayed; manual runs start"
    return Reason.Active, f"version {version} is active{_pin(report)}{_fires(report.schedule, now)}"


def _fires(schedule: ScheduleFacts | None, now: datetime) -> str:
    """Say whether a schedule starts runs; one that has come to its end starts none."""
    if schedule is None or schedule.text is None:
        return ""
    ended = schedule.timetable is not None and not next_slots(schedule.timetable, now, 1)
    return "; its schedule has ended, and starts no more runs" if ended else "; its schedule starts runs"


def _pin(report: PlanReport) -> str:
    """Say that an older version than the newest is in force, and by which field."""
    newest = report.versions[-1].version if report.versions else None
    if not report.pinned or newest in {None, report.active}:
        return ""
    return f" by spec.activeVersion, not the newest, {newest}"


def _differs_in_marks_only(status: Mapping[str, Any], previous: Mapping[str, Any]) -> bool:
    """Uids that were marked meanwhile leave the status with its next change, not by a write of their own."""
    before = {entry["uid"] for entry in previous.get("uncounted") or ()}
    after = {entry["uid"] for entry in status.get("uncounted") or ()}
    rest = {name: value for name, value in status.items() if name != "uncounted"}
    return after <= before and rest == {name: value for name, value in previous.items() if name != "uncounted"}
