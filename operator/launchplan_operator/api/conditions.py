"""Conditions, findings, and the one list of reasons that both speak in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from launchplan_operator.api.mending import Fix, Target, mend_command
from launchplan_operator.api.reasons import Reason

__all__ = [
    "ConditionStatus",
    "ConditionType",
    "Finding",
    "Reason",
    "find_condition",
    "has_status",
    "make_condition",
    "tell",
    "tell_with_command",
]

#: The API server refuses a longer message.
MAX_MESSAGE = 32_768
#: The observedGeneration of an object that the operator has not looked at: without it kstatus calls that one current.
UNOBSERVED = -1

ConditionStatus = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """The condition types of our resources; each is an adjective that is true, false or not yet known."""

    Ready = "Ready"
    Reconciling = "Reconciling"
    Stalled = "Stalled"
    Accepted = "Accepted"
    Admitted = "Admitted"
    Succeeded = "Succeeded"


def has_status(obj: Mapping[str, Any]) -> bool:
    """Tell whether the operator has written a status: until then there is none, or the API server's own."""
    status = obj.get("status") or {}
    return bool(status) and status != {"observedGeneration": UNOBSERVED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: the condition's reason, and what was found, what was expected and where.

    A transient finding is one that another object's arrival would mend. `fix` is a change that would.
    """

    reason: Reason
    message: str
    path: str = ""
    hint: str = ""
    transient: bool = False
    fix: Fix | None = None

    @property
    def text(self) -> str:
        """The whole sentence for a condition or an event: `path: message (hint)`."""
        place = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"


def tell(findings: Iterable[Finding]) -> str:
    """Return what is wrong, in one sentence a finding."""
    return "; ".join(finding.text for finding in findings)


def tell_with_command(findings: Sequence[Finding], target: Target) -> str:
    """Return what is wrong, and the command that mends it, where there is one."""
    command = mend_command((finding.fix for finding in findings), target)
    return f"{tell(findings)}. To mend it, for example: {command}" if command else tell(findings)


def make_condition(
    kind: str,
    status: ConditionStatus,
    reason: Reason,
    message: str,
    generation: int,
    now: datetime,
    previous: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a condition as it stands in a status.

    `lastTransitionTime` is kept from the previous conditions while the status stays the same, so that an unchanged
    condition is an unchanged object. `now` is aware; fractions of a second are dropped.
    """
    before = find_condition(previous, kind)
    kept = before["lastTransitionTime"] if before and before["status"] == status else None
    return {
        "type": str(kind),
        "status": status,
        "reason": str(reason),
        "message": message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…",
        "observedGeneration": generation,
        "lastTransitionTime": kept or now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def find_condition(conditions: Iterable[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    """Return the condition of a type, or nothing."""
    return next((condition for condition in conditions if condition["type"] == kind), None)
