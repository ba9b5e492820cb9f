"""Where a run stands under its plan's limit, as the plan's ledger in the cache has it.

The cache may be older than the server, never newer. A seat that was given up since is no danger: the run's name is
occupied before its seat goes, so that a Job of that name is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import ConditionType, Reason, find_condition
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.decide.concurrency import Candidate, Seat, read_policy, tell_wait
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.decide.ledger import Skipped, read_entries
from launchplan_operator.decide.run import End
from launchplan_operator.decide.schedule import jitter_of, plan_identity, read_described
from launchplan_operator.reconcile.context import Context
from launchplan_operator.render import labels


@dataclass(frozen=True, slots=True)
class Standing:
    """A run under its plan's limit.

    Attributes:
        plan: the plan; None for a bare workflow's run, or where the plan is gone.
        limited: whether the run needs a seat.
        seat: its seat, if it has one.
        skipped: why it never gets one, if that was decided.
        held_until: nobody gets one before this instant; None where nothing is held.
    """

    plan: Mapping[str, Any] | None = None
    limited: bool = False
    seat: Seat | None = None
    skipped: Skipped | None = None
    held_until: datetime | None = None

    @property
    def must_wait(self) -> bool:
        """Whether a Job may not be made now."""
        return self.limited and self.seat is None


def find_standing(context: Context, execution: Mapping[str, Any]) -> Standing:
    """Return where a run stands."""
    plan = plan_of(context, execution)
    if plan is None:
        return Standing()
    status, uid = plan.get("status") or {}, execution["metadata"]["uid"]
    # A limit that was taken away is one until the plan's own look has dropped the ledger.
    limited = bool(plan["spec"].get("concurrency") or status.get("concurrency"))
    entries = context.caches.entries_of(plan).get(uid, {}) if limited else {}
    ledger = read_entries(status, plan["metadata"]["uid"], entries) if limited else None
    if ledger is None:
        return Standing(plan, limited)
    seat = next((seat for seat in ledger.seats if seat.uid == uid), None)
    skipped = next((entry for entry in ledger.skipped if entry.uid == uid), None)
    held = ledger.hold_until is not None and ledger.hold_until > context.clock()
    return Standing(plan, limited, seat, skipped, ledger.hold_until if held else None)


def plan_of(context: Context, execution: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the plan that a run refers to, or None."""
    reference = execution["spec"].get("launchPlanRef") or {}
    if reference.get("kind", "LaunchPlan") != "LaunchPlan":
        return None
    return context.caches.plans.get(execution["metadata"]["namespace"], str(reference.get("name")))


def find_end(execution: Mapping[str, Any], standing: Standing) -> End | None:
    """Return why a run is to end before it is done: a person asked for it, or a newer run takes its place."""
    terminate = execution["spec"].get("terminate")
    if terminate is not None:
        return End(Reason.Aborted, str(terminate.get("cause")))
    if standing.seat is not None and standing.seat.replaced_by is not None:
        return End(Reason.Replaced, f"the newer run {standing.seat.replaced_by} takes its place, by behavior Replace")
    return None


def origin_of(execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return who asked for a run: a slot, a person, a person's wish to run an earlier one once more, or another run."""
    if requester := labels.requester_of(execution):
        return {"type": "Reference", "requester": asdict(requester)}
    if labels.is_slot_run(execution):
        metadata = execution["metadata"]
        origin = (metadata.get("labels") or {}).get(labels.ORIGIN)
        return {
            "type": "CatchUp" if origin == "CatchUp" else "Schedule",
            "slot": metadata["annotations"][labels.SLOT],
        }
    return {"type": "Relaunch" if execution["spec"].get("relaunchOf") else "Manual"}


def is_accepted(execution: Mapping[str, Any]) -> bool:
    """Tell whether a run was checked: its version and inputs are fixed."""
    accepted = find_condition((execution.get("status") or {}).get("conditions") or (), ConditionType.Accepted)
    return accepted is not None and accepted["status"] == "True"


def candidate_of(execution: Mapping[str, Any], plan: Mapping[str, Any]) -> Candidate:
    """Return an accepted run of a plan as it stands in line."""
    metadata, origin = execution["metadata"], origin_of(execution)
    slot = to_instant(origin["slot"]) if "slot" in origin else None
    return Candidate(
        name=metadata["name"],
        uid=metadata["uid"],
        origin=origin["type"],
        slot=slot,
        created=to_instant(metadata["creationTimestamp"]),
        due=_due(plan, slot) if slot is not None else None,
    )


def _due(plan: Mapping[str, Any], slot: datetime) -> datetime:
    """Return when a slot was to start: at its time and the jitter of the schedule as the plan's status has it."""
    table = read_described(((plan.get("status") or {}).get("schedule") or {}).get("text") or "")
    identity = plan_identity(plan["metadata"]["namespace"], plan["metadata"]["name"])
    return slot + jitter_of(identity, slot, table.jitter) if table is not None else slot


def tell_standing(execution: Mapping[str, Any], standing: Standing) -> tuple[Reason, str]:
    """Say what a run waits for."""
    if standing.held_until is not None:
        until = instant_text(standing.held_until)
        message = f"the plan's status was lost, and with it who was under way: nothing starts before {until}"
        return Reason.LedgerHeld, message
    spec = parse_spec(LaunchPlanSpec, standing.plan) if standing.plan is not None else ()
    if standing.plan is None or isinstance(spec, tuple) or spec.concurrency is None:
        return Reason.WaitingForSeat, "the plan's limit is about to change"
    policy = read_policy(spec.concurrency, spec.schedule)
    return Reason.WaitingForSeat, tell_wait(policy, candidate_of(execution, standing.plan))
