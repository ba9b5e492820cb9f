"""What a plan's status tells of the runs that never started, each once."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any, Final

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.execution import Phase
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.progress import cause_of

#: A status holds ten decisions; the whole message stands in the execution.
MAX_DECISION_MESSAGE: Final = 1024
#: Why a slot was told to have no run, and where it was counted.
_UNSTARTED: Final = {Reason.Missed.value: "missed", Reason.Unknown.value: "unknown"}
_NEVER_STARTED: Final = frozenset({Phase.Skipped, Phase.Rejected, Phase.Aborted})


def plain_decision(
    now: datetime,
    outcome: str,
    reason: Reason,
    message: str,
    *,
    execution: str | None = None,
    slot: str | None = None,
) -> dict[str, Any]:
    """Return an entry of a plan's `status.decisions` about a slot (RFC 3339) or a run, decided now."""
    optional = {"slot": slot, "execution": execution}
    fixed = {"time": instant_text(now), "outcome": outcome, "reason": str(reason), "message": message}
    return fixed | {name: value for name, value in optional.items() if value is not None}


def withdraw_unstarted(status: Mapping[str, Any], started: Container[str]) -> Mapping[str, Any]:
    """Return a plan's status without what it told, and counted, of slots that were started after all.

    A CronJob whose end was announced may start its last slot late, if its controller stood still and the operator too.

    Args:
        status: the plan's status.
        started: the slots whose Jobs are known, as RFC 3339.
    """
    decisions = status.get("decisions") or ()
    wrong = [each for each in decisions if each["reason"] in _UNSTARTED and each.get("slot") in started]
    if not wrong:
        return status
    counts = dict(status.get("counts") or {})
    for name in (_UNSTARTED[each["reason"]] for each in wrong):
        # Whoever wrote the decision into the status by hand may not have counted it.
        counts[name] = max(0, counts.get(name, 0) - 1)
    left = [each for each in decisions if each not in wrong]
    return {**status, "counts": {name: count for name, count in counts.items() if count}, "decisions": left}


def decision_of(execution: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """Return an entry of a plan's `status.decisions` for an ended run that never started, or None for any other.

    Args:
        execution: the LaunchPlanExecution; its name and status are read.
        now: the entry's time, where the status does not say when the run ended.
    """
    status = execution.get("status") or {}
    phase = status.get("phase")
    if phase not in _NEVER_STARTED or "jobRef" in status:
        return None
    reason, message = cause_of(status)
    optional = {
        "slot": (status.get("origin") or {}).get("slot"),
        "reason": reason,
        "message": message if len(message) <= MAX_DECISION_MESSAGE else f"{message[: MAX_DECISION_MESSAGE - 1]}…",
    }
    fixed = {
        "time": status.get("completionTime") or instant_text(now),
        "execution": execution["metadata"]["name"],
        "outcome": "Expired" if reason == Reason.QueueExpired else str(phase),
    }
    return fixed | {name: value for name, value in optional.items() if value}
