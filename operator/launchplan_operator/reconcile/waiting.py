"""A run that cannot start now: it waits for what another object's arrival would mend, for as long as it may."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from launchplan_operator.api.conditions import Finding
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.readiness import PATIENCE
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.ending import reject
from launchplan_operator.reconcile.result import Again, Done, Outcome
from launchplan_operator.reconcile.standing import find_standing
from launchplan_operator.reconcile.unstarted import ASK_AGAIN, let_wait


async def refuse(
    context: Context,
    execution: Mapping[str, Any],
    findings: tuple[Finding, ...],
    fixed: Mapping[str, Any] | None = None,
) -> Outcome:
    """Reject a run, or let it wait while another object's arrival may still mend all that is wrong.

    `fixed` is what the status says of the run from now on.
    """
    if any(not finding.transient for finding in findings) or _patience(context, execution) <= timedelta():
        return await reject(context, execution, *findings)
    outcome = await let_wait(context, execution, findings, fixed or {})
    if not isinstance(outcome, Done):
        return outcome
    return Again(min(_patience(context, execution).total_seconds(), ASK_AGAIN))


def _patience(context: Context, execution: Mapping[str, Any]) -> timedelta:
    """Return how long a run may still wait for another object's arrival, from when it could first start."""
    seat = find_standing(context, execution).seat
    created = to_instant(execution["metadata"]["creationTimestamp"])
    return (max(created, seat.admitted_at) if seat else created) + PATIENCE - context.clock()
