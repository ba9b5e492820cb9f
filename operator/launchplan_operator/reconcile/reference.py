"""ReferenceLaunchPlan: what it stands for, told in its status, and the history of the runs through it."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import REFERENCE_LAUNCH_PLANS
from launchplan_operator.api.mending import target_of
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.decide.pointers import Offer, offer_status
from launchplan_operator.decide.readiness import Verdict, patience_left, ready_conditions
from launchplan_operator.reconcile.caches import target_place
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.resolution import resolve
from launchplan_operator.reconcile.result import Again, Done, Outcome
from launchplan_operator.reconcile.retention import retain_bare


async def reconcile_reference(context: Context, namespace: str, name: str) -> Outcome:
    """Bring a reference's status up to its spec and to the plan that it names, and keep the history of its runs."""
    reference = context.caches.references.get(namespace, name)
    if reference is None or reference["metadata"].get("deletionTimestamp"):
        return Done()
    spec = parse_spec(ReferenceLaunchPlanSpec, reference)
    found = spec if isinstance(spec, tuple) else await resolve(context, reference, spec)
    if found is None:
        return Done()
    status = _status(context, reference, found)
    outcome = await write_status(context, REFERENCE_LAUNCH_PLANS, reference, status)
    if not isinstance(outcome, Done):
        return outcome
    _tell(context, reference, status)
    kept = await retain_bare(context, REFERENCE_LAUNCH_PLANS, namespace, name)
    if not isinstance(kept, Done | Again):
        return kept
    waits = [kept.after] if isinstance(kept, Again) else []
    if any(condition["type"] == "Reconciling" and condition["status"] == "True" for condition in status["conditions"]):
        waits.append(patience_left(context.clock(), status["conditions"]).total_seconds())
    return Again(min(waits)) if waits else Done()


def _status(context: Context, reference: Mapping[str, Any], found: Offer | tuple[Finding, ...]) -> dict[str, Any]:
    previous = reference.get("status") or {}
    findings = () if isinstance(found, Offer) else found
    message = _fits(found) if isinstance(found, Offer) else ""
    verdict = Verdict(Reason.Resolved, message, target_of(REFERENCE_LAUNCH_PLANS, reference), findings)
    generation = reference["metadata"]["generation"]
    conditions = ready_conditions(verdict, generation, context.clock(), previous.get("conditions") or ())
    place = target_place(reference)
    status: dict[str, Any] = {"observedGeneration": generation, "conditions": conditions}
    status |= {"target": "/".join(place)} if place else {}
    resolved = offer_status(found) if isinstance(found, Offer) else _last_good(previous, place)
    return status | ({"resolved": resolved} if resolved else {})


def _last_good(previous: Mapping[str, Any], place: tuple[str, str] | None) -> Mapping[str, Any] | None:
    """Return what the reference stood for the last time; of another plan than it names now it is no use."""
    resolved = previous.get("resolved")
    return resolved if resolved and (resolved["namespace"], resolved["name"]) == place else None


def _fits(offer: Offer) -> str:
    return f"stands for version {offer.version} of the LaunchPlan {offer.place}, whose interface fits"


def _tell(context: Context, reference: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    """Record an event when a reference breaks, by a cause that is not its last one."""
    ready = status["conditions"][0]
    before = next(iter((reference.get("status") or {}).get("conditions") or ()), None)
    if ready["status"] == "False" and (before is None or before["reason"] != ready["reason"]):
        context.events.record(reference, "Warning", ready["reason"], ready["message"][:900])
