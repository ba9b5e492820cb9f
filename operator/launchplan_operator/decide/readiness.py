"""Ready, Reconciling and Stalled, as kstatus reads them.

A permanent finding is `Stalled`. What another object's arrival would mend is `Reconciling`, and `Stalled` only after
five minutes, so that manifests may be applied in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchplan_operator.api.conditions import (
    ConditionType,
    Finding,
    Reason,
    find_condition,
    make_condition,
    tell,
    tell_with_command,
)
from launchplan_operator.api.mending import Target
from launchplan_operator.decide.instants import to_instant

#: How long a transient finding may last before it is called stalled.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the conditions shall say.

    Attributes:
        reason: the reason of Ready while there is no finding.
        message: the message of Ready while there is no finding.
        findings: everything that is wrong.
        target: the object, for the command that would mend it.
        pending: something of ours that is under way and keeps the object from being ready.
    """

    reason: Reason
    message: str
    target: Target
    findings: Sequence[Finding] = ()
    pending: Finding | None = None


def ready_conditions(
    verdict: Verdict, generation: int, now: datetime, previous: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return Ready, Reconciling and Stalled for a verdict; unchanged ones keep their transition times."""
    before = tuple(previous)
    wrong = [*verdict.findings, *([verdict.pending] if verdict.pending else [])]
    reason = wrong[0].reason if wrong else verdict.reason
    message = tell(wrong) if wrong else verdict.message
    # Columns show the message of Ready; the command that mends it stands beside it.
    remedy = tell_with_command(wrong, verdict.target)
    # Another cause is waited for anew, even if the object was stalled for the last one.
    same_cause = [condition for condition in before if condition["reason"] == reason]
    stalled = any(not f.transient for f in verdict.findings) or (
        bool(verdict.findings) and patience_left(now, same_cause) <= timedelta()
    )

    def condition(kind: ConditionType, *, holds: bool) -> dict[str, Any]:
        # Patience is counted from the transition of Reconciling, so a new cause is a transition too.
        kept = same_cause if kind is ConditionType.Reconciling else before
        told = message if kind is ConditionType.Ready else remedy if holds else ""
        return make_condition(kind, "True" if holds else "False", reason, told, generation, now, kept)

    return [
        condition(ConditionType.Ready, holds=not wrong),
        condition(ConditionType.Reconciling, holds=bool(wrong) and not stalled),
        condition(ConditionType.Stalled, holds=stalled),
    ]


def patience_left(now: datetime, previous: Iterable[Mapping[str, Any]]) -> timedelta:
    """Return how long an object that waits for another may still wait before it is called stalled."""
    before = tuple(previous)
    stalled = find_condition(before, ConditionType.Stalled)
    if stalled is not None and stalled["status"] == "True":
        return timedelta()
    waiting = find_condition(before, ConditionType.Reconciling)
    if waiting is None or waiting["status"] != "True":
        return PATIENCE
    return to_instant(waiting["lastTransitionTime"]) + PATIENCE - now
