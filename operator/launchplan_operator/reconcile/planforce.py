"""The version of a plan that is in force, and whether its slots fire."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import set_field
from launchplan_operator.api.settings import RunSettings
from launchplan_operator.decide.activation import Activation, decide_activation
from launchplan_operator.decide.engine import Engine, choose_engine
from launchplan_operator.decide.permissions import asked_settings, check_permissions, permit_settings
from launchplan_operator.decide.planreading import PlanReading, Runnable
from launchplan_operator.decide.settings import resolve_settings
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planview import load_version


@dataclass(frozen=True, slots=True)
class Force:
    """What a plan's schedule follows.

    Attributes:
        active: the active version's name, or None.
        version: the active version; None where none is, or where it cannot be read.
        settings: what its slots get; None where the workflow, as it is now, does not allow what the version asks for.
        scheduled: whether slots shall fire; None leaves whatever is scheduled as it is.
        engine: who keeps the time of the version in force; None where it has no readable schedule.
        text: the cron text and zone of the version in force, else of the newest, for people.
        has_schedule: whether that has a schedule at all.
        findings: what keeps the version that the spec asks for from being in force.
    """

    active: str | None
    version: Runnable | None
    settings: RunSettings | None
    scheduled: bool | None
    engine: Engine | None = None
    text: str | None = None
    has_schedule: bool = False
    findings: tuple[Finding, ...] = ()


async def find_force(context: Context, plan: Mapping[str, Any], reading: PlanReading) -> Force:
    """Return what is in force now."""
    previous = (plan.get("status") or {}).get("activeVersion")
    if reading.spec is None:
        return Force(previous, None, None, scheduled=None, has_schedule=True)
    activation = activate(reading, previous)
    found = await load_version(context, plan, reading, activation.active) if activation.active else None
    version = found if isinstance(found, Runnable) else None
    shown = version or reading.runnable
    wants = shown.spec.schedule is not None if shown else reading.spec.schedule is not None
    settings = _settings(context, reading, version) if version else None
    unreadable = _mended_by_another(reading, found) if isinstance(found, Finding) else None
    problems = tuple(each for each in (activation.finding, unreadable) if each is not None)
    denied = _denied(reading, version) if version and settings is None else ()
    engine = _engine(reading, version) if version else None
    unserved = (engine,) if isinstance(engine, Finding) and not reading.findings else ()
    return Force(
        active=activation.active,
        version=version,
        settings=settings,
        scheduled=None
        if isinstance(engine, Finding)
        else _is_scheduled(reading, activation, version, permitted=settings is not None),
        engine=None if isinstance(engine, Finding) else engine,
        text=shown.timetable.describe() if shown and shown.timetable else None,
        has_schedule=wants,
        findings=(*problems, *denied, *unserved),
    )


def activate(reading: PlanReading, previous: str | None) -> Activation:
    """Return the active version of a plan whose spec parses."""
    if reading.spec is None:
        return Activation(previous)
    return decide_activation(
        auto_activate=reading.spec.auto_activate,
        pinned=reading.spec.active_version,
        known=[each.version for each in reading.known],
        previous=previous,
    )


def _mended_by_another(reading: PlanReading, finding: Finding) -> Finding:
    """Say which version may take the place of a pinned one that cannot be read."""
    pinned = reading.spec.active_version if reading.spec else None
    if pinned is None:
        return finding
    others = [each.version for each in reading.known if each.version != pinned]
    return replace(finding, fix=set_field(others[-1] if others else None, "spec", "activeVersion"))


def _settings(context: Context, reading: PlanReading, version: Runnable) -> RunSettings | None:
    resolved = resolve_settings(None, version.spec, context.defaults)
    permitted = permit_settings(resolved, reading.live.allow, reading.live.name)
    return permitted if isinstance(permitted, RunSettings) else None


def _engine(reading: PlanReading, version: Runnable) -> Engine | Finding | None:
    """Return who keeps the time: the schedule is the version's, the limit is the plan's whatever its version."""
    if version.spec.schedule is None or version.timetable is None or reading.spec is None:
        return None
    return choose_engine(version.spec.schedule, version.timetable, limited=reading.spec.concurrency is not None)


def _denied(reading: PlanReading, version: Runnable) -> tuple[Finding, ...]:
    """Say what the version in force may not ask for any more, unless the same is said of the spec already."""
    if reading.live.allow is None or any(finding.reason is Reason.NotPermitted for finding in reading.findings):
        return ()
    asked = asked_settings(version.spec.env, version.spec.identity)
    findings = check_permissions(asked, reading.live.allow, reading.live.name)
    # The spec itself asks for nothing of the kind: where it names another version, its own may take that one's place.
    newest = reading.snapshot.version if reading.snapshot else None
    fix = set_field(newest, "spec", "activeVersion") if newest is not None else None
    return tuple(replace(finding, fix=fix) for finding in findings)


def _is_scheduled(
    reading: PlanReading, activation: Activation, version: Runnable | None, *, permitted: bool
) -> bool | None:
    if activation.active is None or (reading.spec is not None and reading.spec.suspend):
        return False
    if version is None:
        return None
    if version.spec.schedule is None:
        return False
    if not permitted:
        # A permission is gone at once; with its workflow gone, nobody has said no.
        return None if reading.live.allow is None else False
    # A schedule that was readable when the version was made, but is not any more, goes on as it is.
    return True if version.timetable is not None and version.inputs is not None else None
