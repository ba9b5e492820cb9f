"""An execution's status: conditions first, the phase derived from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import (
    ConditionStatus,
    ConditionType,
    Finding,
    Reason,
    find_condition,
    make_condition,
    tell,
    tell_with_command,
)
from launchplan_operator.api.execution import Phase
from launchplan_operator.api.mending import Target
from launchplan_operator.api.types import format_go_duration
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.run import RunState

_PHASES = {
    Reason.Aborted: Phase.Aborted,
    Reason.JobDeleted: Phase.Aborted,
    Reason.TimedOut: Phase.TimedOut,
    Reason.Aborting: Phase.Aborting,
    Reason.Running: Phase.Running,
}


def derive_phase(conditions: Iterable[Mapping[str, Any]]) -> Phase:
    """Return the phase that an execution's conditions stand for."""
    known = tuple(conditions)
    accepted = find_condition(known, ConditionType.Accepted)
    if accepted is not None and accepted["status"] == "False":
        return Phase.Rejected
    succeeded = find_condition(known, ConditionType.Succeeded)
    if succeeded is None:
        return Phase.Queued
    if succeeded["status"] == "True":
        return Phase.Succeeded
    ended = succeeded["status"] == "False"
    return _PHASES.get(Reason[succeeded["reason"]], Phase.Failed if ended else Phase.Queued)


def is_terminal(status: Mapping[str, Any]) -> bool:
    """Tell whether an execution's status says that it ended."""
    phase = status.get("phase")
    return phase is not None and Phase(phase).terminal


def rejected_status(
    findings: tuple[Finding, ...], target: Target, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that never starts; `target` is the run, for the command that starts a better one."""
    reason, message, remedy = findings[0].reason, tell(findings), tell_with_command(findings, target)
    before = previous.get("conditions") or ()
    values: tuple[tuple[ConditionType, ConditionStatus], ...] = (
        (ConditionType.Accepted, "False"),
        (ConditionType.Ready, "False"),
        (ConditionType.Reconciling, "False"),
        (ConditionType.Stalled, "True"),
    )
    told = {ConditionType.Reconciling: "", ConditionType.Stalled: remedy}
    conditions = [
        make_condition(kind, value, reason, told.get(kind, message), generation, now, before) for kind, value in values
    ]
    error = {"kind": "User", "code": str(reason), "message": message}
    return {
        **previous,
        "observedGeneration": generation,
        "phase": derive_phase(conditions),
        "conditions": conditions,
    } | {
        "completionTime": conditions[0]["lastTransitionTime"],
        "error": error,
    }


def waiting_status(
    findings: Sequence[Finding], target: Target, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that waits for what another object's arrival would mend; `target` is the run."""
    reason, message, remedy = findings[0].reason, tell(findings), tell_with_command(findings, target)
    before = previous.get("conditions") or ()
    values: tuple[tuple[ConditionType, ConditionStatus], ...] = (
        (ConditionType.Accepted, "Unknown"),
        (ConditionType.Ready, "False"),
        (ConditionType.Reconciling, "True"),
        (ConditionType.Stalled, "False"),
    )
    told = {ConditionType.Reconciling: remedy, ConditionType.Stalled: ""}
    conditions = [
        make_condition(kind, value, reason, told.get(kind, message), generation, now, before) for kind, value in values
    ]
    return {**previous, "observedGeneration": generation, "phase": derive_phase(conditions), "conditions": conditions}


def run_status(state: RunState, generation: int, now: datetime, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a run that was accepted, from what its Job and pods show.

    `previous` already holds what was fixed at acceptance: origin, version, inputs, Job.
    """
    conditions = _run_conditions(state, generation, now, tuple(previous.get("conditions") or ()))
    optional = {
        "startTime": state.started,
        "completionTime": state.completed,
        "duration": _duration(state),
        "outputs": dict(state.outputs) if state.outputs is not None else None,
        "error": {"kind": state.error.kind, "code": state.error.code, "message": state.error.message}
        if state.error
        else None,
    }
    found = {field: value for field, value in optional.items() if value is not None}
    fixed = {"observedGeneration": generation, "phase": derive_phase(conditions), "conditions": conditions}
    return {**previous, **fixed, **found}


def _run_conditions(
    state: RunState, generation: int, now: datetime, before: tuple[Mapping[str, Any], ...]
) -> list[dict[str, Any]]:
    ended = state.completed is not None
    succeeded = state.outputs is not None
    outcome: ConditionStatus = "Unknown" if not ended else "True" if succeeded else "False"
    values: tuple[tuple[ConditionType, ConditionStatus], ...] = (
        (ConditionType.Accepted, "True"),
        (ConditionType.Admitted, "True"),
        (ConditionType.Succeeded, outcome),
        (ConditionType.Ready, "True" if succeeded else "False"),
        (ConditionType.Reconciling, "False" if ended else "True"),
        (ConditionType.Stalled, "True" if ended and not succeeded else "False"),
    )
    early = (ConditionType.Accepted, ConditionType.Admitted)
    return [
        make_condition(kind, value, Reason.Accepted, "", generation, now, before)
        if kind in early
        else make_condition(kind, value, state.reason, state.message, generation, now, before)
        for kind, value in values
    ]


def _duration(state: RunState) -> str | None:
    if state.started is None or state.completed is None:
        return None
    return format_go_duration(to_instant(state.completed) - to_instant(state.started))
