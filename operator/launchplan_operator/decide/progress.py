"""An execution's status: conditions first, the phase derived from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    Reason.Replaced: Phase.Aborted,
    Reason.RequesterGone: Phase.Aborted,
    Reason.TimedOut: Phase.TimedOut,
    Reason.Aborting: Phase.Aborting,
    Reason.Running: Phase.Running,
}


_Values = Mapping[ConditionType, ConditionStatus]
#: The conditions of a run that has no Job, in the order of the status.
_REJECTED: _Values = {
    ConditionType.Accepted: "False",
    ConditionType.Ready: "False",
    ConditionType.Reconciling: "False",
    ConditionType.Stalled: "True",
}
_WAITING: _Values = {
    ConditionType.Accepted: "Unknown",
    ConditionType.Ready: "False",
    ConditionType.Reconciling: "True",
    ConditionType.Stalled: "False",
}
_QUEUED: _Values = {
    ConditionType.Accepted: "True",
    ConditionType.Admitted: "False",
    ConditionType.Ready: "False",
    ConditionType.Reconciling: "True",
    ConditionType.Stalled: "False",
}
_SKIPPED: _Values = {
    ConditionType.Accepted: "True",
    ConditionType.Admitted: "False",
    ConditionType.Ready: "True",
    ConditionType.Reconciling: "False",
    ConditionType.Stalled: "False",
}


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a run has no Job; `remedy` is the message with the command that would mend it, where there is one."""

    reason: Reason
    message: str
    remedy: str


def derive_phase(conditions: Iterable[Mapping[str, Any]]) -> Phase:
    """Return the phase that an execution's conditions stand for."""
    known = tuple(conditions)
    accepted = find_condition(known, ConditionType.Accepted)
    if accepted is not None and accepted["status"] == "False":
        return Phase.Rejected
    succeeded = find_condition(known, ConditionType.Succeeded)
    if succeeded is None:
        return Phase.Skipped if _is_given_up(known) else Phase.Queued
    if succeeded["status"] == "True":
        return Phase.Succeeded
    ended = succeeded["status"] == "False"
    return _PHASES.get(Reason[succeeded["reason"]], Phase.Failed if ended else Phase.Queued)


def is_terminal(status: Mapping[str, Any]) -> bool:
    """Tell whether an execution's status says that it ended."""
    phase = status.get("phase")
    return phase is not None and Phase(phase).terminal


def noted_end(status: Mapping[str, Any]) -> str | None:
    """Return when it was noted that an execution had ended, which may be long after; None where nothing says when.

    Whoever notes it has sent its last request for the execution's Job.
    """
    if not is_terminal(status):
        return None
    settled = find_condition(status.get("conditions") or (), ConditionType.Reconciling)
    return settled["lastTransitionTime"] if settled is not None else status.get("completionTime")


def cause_of(status: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return why a run stands where it stands: the reason, or None where nothing is known yet, and the message."""
    ready = find_condition(status.get("conditions") or (), ConditionType.Ready)
    return (ready["reason"], ready["message"]) if ready is not None else (None, "")


def rejected_status(
    findings: tuple[Finding, ...], target: Target, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that never starts; `target` is the run, for the command that starts a better one."""
    cause = _cause_of(findings, target)
    status = _status(_REJECTED, cause, generation, now, previous)
    ended = {"completionTime": _since(status, ConditionType.Accepted)}
    return status | ended | {"error": {"kind": "User", "code": str(cause.reason), "message": cause.message}}


def waiting_status(
    findings: Sequence[Finding], target: Target, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that waits for what another object's arrival would mend; `target` is the run."""
    return _status(_WAITING, _cause_of(findings, target), generation, now, previous)


def queued_status(
    reason: Reason, message: str, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that was accepted and waits to be admitted, for this reason."""
    return _status(_QUEUED, _Cause(reason, message, message), generation, now, previous)


def skipped_status(
    reason: Reason, message: str, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run that was accepted and is never admitted: as the plan says, so it is no error."""
    status = _status(_SKIPPED, _Cause(reason, message, message), generation, now, previous)
    return status | {"completionTime": _since(status, ConditionType.Ready)}


def run_status(state: RunState, generation: int, now: datetime, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a run that was accepted, from what its Job and pods show.

    `previous` already holds what was fixed at acceptance: origin, version, inputs, Job.
    """
    conditions = _run_conditions(state, generation, now, previous)
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
    state: RunState, generation: int, now: datetime, previous: Mapping[str, Any]
) -> list[dict[str, Any]]:
    before = tuple(previous.get("conditions") or ())
    ended = state.completed is not None
    succeeded = state.outputs is not None
    outcome: ConditionStatus = "Unknown" if not ended else "True" if succeeded else "False"
    admitted = not ended or _was_admitted(state, previous)
    values: _Values = {
        ConditionType.Accepted: "True",
        ConditionType.Admitted: "True" if admitted else "False",
        ConditionType.Succeeded: outcome,
        ConditionType.Ready: "True" if succeeded else "False",
        ConditionType.Reconciling: "False" if ended else "True",
        ConditionType.Stalled: "True" if ended and not succeeded else "False",
    }
    early = {ConditionType.Accepted, *([ConditionType.Admitted] if admitted else [])}
    return [
        make_condition(kind, value, Reason.Accepted, "", generation, now, before)
        if kind in early
        else make_condition(kind, value, state.reason, state.message, generation, now, before)
        for kind, value in values.items()
    ]


def _was_admitted(state: RunState, previous: Mapping[str, Any]) -> bool:
    """Tell whether a run that ended had been allowed to start; one that was aborted while it waited had not."""
    condition = find_condition(previous.get("conditions") or (), ConditionType.Admitted)
    told = condition is not None and condition["status"] == "True"
    return told or state.started is not None or "jobRef" in previous


def _status(
    values: _Values, cause: _Cause, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run without a Job: its conditions, and the phase that follows from them."""
    before = previous.get("conditions") or ()
    conditions = [
        make_condition(kind, value, *_told(kind, value, cause), generation, now, before)
        for kind, value in values.items()
    ]
    fixed = {"observedGeneration": generation, "phase": derive_phase(conditions), "conditions": conditions}
    return {**previous, **fixed}


def _told(kind: ConditionType, value: ConditionStatus, cause: _Cause) -> tuple[Reason, str]:
    """What a condition says: nothing where all is well, and the command that would mend it where tools look for it."""
    if kind is ConditionType.Accepted and value == "True":
        return Reason.Accepted, ""
    if kind in {ConditionType.Reconciling, ConditionType.Stalled}:
        return cause.reason, cause.remedy if value == "True" else ""
    return cause.reason, cause.message


def _cause_of(findings: Sequence[Finding], target: Target) -> _Cause:
    return _Cause(findings[0].reason, tell(findings), tell_with_command(findings, target))


def _is_given_up(conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a run was not admitted and nobody is about to."""
    found = [find_condition(conditions, kind) for kind in (ConditionType.Admitted, ConditionType.Reconciling)]
    return all(condition is not None and condition["status"] == "False" for condition in found)


def _since(status: Mapping[str, Any], kind: ConditionType) -> str:
    """Return when a condition of a status became what it is: the same again if the status is made again."""
    return next(str(each["lastTransitionTime"]) for each in status["conditions"] if each["type"] == kind)


def _duration(state: RunState) -> str | None:
    if state.started is None or state.completed is None:
        return None
    return format_go_duration(to_instant(state.completed) - to_instant(state.started))
