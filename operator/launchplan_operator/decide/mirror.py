"""A run through a reference as its own record shows it: the phase, times, outputs and error of the one that does the work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import Phase
from launchplan_operator.api.mending import Target
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.pointers import target_unavailable
from launchplan_operator.decide.progress import cause_of, queued_status, rejected_status, run_status, skipped_status
from launchplan_operator.decide.run import RunError, RunState

_LOST = "the execution {place} was deleted before it had ended, and is not made again"
#: Why a run does not start, in words that are about what was asked for. Any other cause is the business of the plan's
#: side, whose words may name its runs or quote its template: the reason is told, and what it means in general.
_ABOUT_THE_CALLER = frozenset(
    {
        Reason.UnexpectedInput,
        Reason.TypeMismatch,
        Reason.MissingInput,
        Reason.FixedInputOverride,
        Reason.InputsTooLarge,
        Reason.VersionNotFound,
    }
)

#: Phases of a run that has not started, and perhaps never does.
_UNSTARTED = frozenset({Phase.Queued, Phase.Skipped, Phase.Rejected})


def mirror_status(
    remote: Mapping[str, Any], target: Target, generation: int, now: datetime, previous: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the status of a run through a reference.

    Args:
        remote: the execution that does the work, whole.
        target: the run.
        generation: the run's.
        now: aware.
        previous: the run's status so far, with what was fixed when it was accepted.
    """
    status = remote.get("status") or {}
    phase = Phase(status.get("phase") or Phase.Queued)
    reason, message = _cause(remote, phase, status)
    if phase is Phase.Queued:
        return queued_status(reason, message, generation, now, previous)
    if phase is Phase.Skipped:
        made = skipped_status(reason, message, generation, now, previous)
    elif phase is Phase.Rejected:
        made = rejected_status((_refusal(remote, reason, message),), target, generation, now, previous)
    else:
        return run_status(_state(phase, reason, message, status), generation, now, previous)
    return made | ({"completionTime": status["completionTime"]} if "completionTime" in status else {})


def lost_status(place: str, generation: int, now: datetime, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a run whose other execution, namespace/name, was deleted before it had ended."""
    message = _LOST.format(place=place)
    error = RunError("System", Reason.RemoteDeleted, message)
    state = RunState(Reason.RemoteDeleted, message, previous.get("startTime"), completed=instant_text(now), error=error)
    return run_status(state, generation, now, previous)


def _cause(remote: Mapping[str, Any], phase: Phase, status: Mapping[str, Any]) -> tuple[Reason, str]:
    """Return why the run stands where it stands; a reason that this operator does not know is another one's."""
    text, message = cause_of(status)
    reason = Reason.__members__.get(text or "Queued", Reason.Unknown)
    if phase in _UNSTARTED and reason not in _ABOUT_THE_CALLER:
        message = reason.meaning
    place = f"{remote['metadata']['namespace']}/{remote['metadata']['name']}"
    return reason, message and f"{place}: {message}"


def _refusal(remote: Mapping[str, Any], reason: Reason, message: str) -> Finding:
    """To whoever asks, a plan that is not to be seen any more is not there."""
    if reason is not Reason.ReferenceNotAllowed:
        return Finding(reason, message, "spec")
    plan = (remote["spec"].get("launchPlanRef") or {}).get("name")
    return target_unavailable(f"{remote['metadata']['namespace']}/{plan}")


def _state(phase: Phase, reason: Reason, message: str, status: Mapping[str, Any]) -> RunState:
    error = status.get("error")
    return RunState(
        reason,
        message,
        started=status.get("startTime"),
        completed=status.get("completionTime") if phase.terminal else None,
        outputs=(status.get("outputs") or {}) if phase is Phase.Succeeded else None,
        error=RunError(error["kind"], error["code"], error["message"]) if error else None,
    )
