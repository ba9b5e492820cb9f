"""The version of a plan that is in force, and whether its slots fire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.decide.activation import Activation, decide_activation
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planview import PlanReading, Runnable, load_version


@dataclass(frozen=True, slots=True)
class Force:
    """What a plan's schedule follows.

    Attributes:
        active: the active version's name, or None.
        version: the active version; None where none is, or where it cannot be read.
        scheduled: whether slots shall fire; None leaves whatever is scheduled as it is.
        text: the cron text and zone of the version in force, else of the newest, for people.
        has_schedule: whether that has a schedule at all.
        findings: what keeps the version that the spec asks for from being in force.
    """

    active: str | None
    version: Runnable | None
    scheduled: bool | None
    text: str | None = None
    has_schedule: bool = False
    findings: tuple[Finding, ...] = ()


async def find_force(context: Context, plan: Mapping[str, Any], reading: PlanReading) -> Force:
    """Return what is in force now."""
    previous = (plan.get("status") or {}).get("activeVersion")
    if reading.spec is None:
        return Force(previous, None, scheduled=None, has_schedule=True)
    activation = activate(reading, previous)
    found = await load_version(context, plan, reading, activation.active) if activation.active else None
    version = found if isinstance(found, Runnable) else None
    shown = version or reading.runnable
    wants = shown.spec.schedule is not None if shown else reading.spec.schedule is not None
    problems = tuple(each for each in (activation.finding, found) if isinstance(each, Finding))
    return Force(
        active=activation.active,
        version=version,
        scheduled=_is_scheduled(reading, activation, version),
        text=shown.timetable.describe() if shown and shown.timetable else None,
        has_schedule=wants,
        findings=problems,
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


def _is_scheduled(reading: PlanReading, activation: Activation, version: Runnable | None) -> bool | None:
    if activation.active is None or (reading.spec is not None and reading.spec.suspend):
        return False
    if version is None:
        return None
    if version.spec.schedule is None:
        return False
    # A schedule that was readable when the version was made, but is not any more, goes on as it is.
    return True if version.timetable is not None and version.inputs is not None else None
