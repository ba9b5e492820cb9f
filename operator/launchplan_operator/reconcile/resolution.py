"""What a reference stands for now: the plan's version and what it offers, or why it stands for nothing."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.conditions import Finding, has_status
from launchplan_operator.api.consent import ReferenceConsent
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.decide.consent import allows
from launchplan_operator.decide.planreading import read_runnable
from launchplan_operator.decide.planstatus import plan_interface
from launchplan_operator.decide.pointers import (
    Offer,
    check_interface,
    check_reference,
    points_at_itself,
    points_at_reference,
    read_offer,
    target_inactive,
    target_unavailable,
    target_unreadable,
    target_version_not_found,
)
from launchplan_operator.decide.versions import KnownVersion, find_version
from launchplan_operator.reconcile.caches import target_place
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.revisions import known_versions, load_revision

#: What a reference stands for, why for nothing, or None while the plan's own look is awaited, which wakes the reference.
Resolution = Offer | tuple[Finding, ...] | None


async def resolve(
    context: Context, reference: Mapping[str, Any], spec: ReferenceLaunchPlanSpec, version: str | None = None
) -> Resolution:
    """Return what a reference stands for; `version` is one that a run asks for where the reference names none."""
    if wrong := check_reference(spec):
        return wrong
    namespace = reference["metadata"]["namespace"]
    place = f"{spec.target_namespace}/{spec.name}"
    if (spec.target_namespace, spec.name) == (namespace, reference["metadata"]["name"]):
        return (points_at_itself(place),)
    plan = context.caches.plans.get(spec.target_namespace, spec.name)
    other = context.caches.references.get(namespace, spec.name) if spec.target_namespace == namespace else None
    if plan is None and other is not None:
        return (points_at_reference(place, target_place(other)),)
    # What is not there and what is not to be seen reads the same, and takes as long.
    if plan is None or plan["metadata"].get("deletionTimestamp") or not consents(context, plan, namespace):
        return (target_unavailable(place),)
    if not has_status(plan):
        return None
    offer = await _offer(context, plan, spec.version or version)
    if isinstance(offer, Finding):
        return (offer,)
    return check_interface(spec, offer) or offer


def consents(context: Context, plan: Mapping[str, Any], asking: str) -> bool:
    """Tell whether a plan allows references from a namespace, as both are now."""
    consent = parse_spec(ReferenceConsent, {"spec": plan["spec"].get("allowReferencesFrom") or {}})
    if isinstance(consent, tuple):
        return bool(asking == plan["metadata"]["namespace"])
    namespace = context.caches.namespaces.get(None, asking)
    labels: Mapping[str, str] | None = None
    if namespace is not None:
        labels = namespace["metadata"].get("labels") or {}
    return allows(consent, plan["metadata"]["namespace"], asking, labels)


async def _offer(context: Context, plan: Mapping[str, Any], wanted: str | None) -> Offer | Finding:
    """Return what a version of a plan offers; the active one's stands in its status, and nothing is asked for it."""
    metadata, status = plan["metadata"], plan["status"]
    place, active = f"{metadata['namespace']}/{metadata['name']}", status.get("activeVersion")
    names = [known.version for known in known_versions(plan)]
    if wanted is None and active is None:
        return target_inactive(place, names[-1] if names else None)
    known = find_version(known_versions(plan), wanted or active)
    if known is None:
        return target_version_not_found(place, wanted or active, names)
    shown = status.get("interface") or {}
    interface = shown if known.version == active else await _read_interface(context, plan, known)
    if interface is None:
        return target_unreadable(place, known.version)
    identity = (metadata["namespace"], metadata["name"], metadata["uid"])
    return read_offer(identity, (known.version, known.hash), interface)


async def _read_interface(context: Context, plan: Mapping[str, Any], known: KnownVersion) -> Mapping[str, Any] | None:
    snapshot = await load_revision(context, plan, known)
    found = snapshot if isinstance(snapshot, Finding) else read_runnable(snapshot)
    return None if isinstance(found, Finding) else plan_interface(found.workflow.interface, found.bindings)
