"""References among some manifests: what is wrong with each, as far as the plan that it names is among them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.kinds import LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import PassedInput, ReferenceLaunchPlanSpec
from launchplan_operator.cli.catalogue import Catalogue, PlanFacts
from launchplan_operator.cli.passing import Passing, check_passed, reference_invalid, reference_not_found
from launchplan_operator.decide.consent import allows
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
    target_version_not_found,
)

#: A manifest has no uid yet, and nobody asks an offer that is only looked at for a hash.
_UNKNOWN: Final = ""


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """A reference as a run sees it.

    Attributes:
        spec: what it declares; None where it cannot be read.
        offer: what the plan offers; None where the plan is not at hand.
    """

    spec: ReferenceLaunchPlanSpec | None
    offer: Offer | None = None
    findings: tuple[Finding, ...] = ()


def read_reference(catalogue: Catalogue, namespace: str, reference: Mapping[str, Any]) -> ReferenceFacts:
    """Return what a reference stands for, with the same checks as the operator's; what is not at hand is not missed."""
    spec = parse_spec(ReferenceLaunchPlanSpec, reference)
    if isinstance(spec, tuple):
        return ReferenceFacts(None, findings=spec)
    own = namespace or catalogue.namespace
    findings = check_reference(spec) or _misdirected(catalogue, (own, reference["metadata"].get("name")), spec)
    plan = catalogue.plan(spec.target_namespace, spec.name)
    if findings or plan is None or plan.spec is None:
        return ReferenceFacts(spec, findings=findings)
    return _pointed(catalogue, own, spec, plan, plan.spec)


def check_run_through(
    catalogue: Catalogue, namespace: str, name: str, version: str | None, inputs: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Return everything that keeps a run through a reference from starting, as far as these objects tell."""
    obj = catalogue.objects.get((REFERENCE_LAUNCH_PLANS.kind, namespace or catalogue.namespace, name))
    if obj is None:
        return (reference_not_found(name, catalogue.names(REFERENCE_LAUNCH_PLANS, namespace)),)
    facts = read_reference(catalogue, namespace, obj)
    if facts.findings or facts.spec is None:
        return tuple(reference_invalid(name, finding) for finding in facts.findings)
    offer = facts.offer if version is None or (facts.offer and facts.offer.version == version) else None
    return check_passed(passing_of(facts.spec, offer), inputs)


def declared_inputs(catalogue: Catalogue, namespace: str, name: str) -> tuple[PassedInput, ...]:
    """Return the inputs that a reference declares; none where it is absent or cannot be read."""
    obj = catalogue.objects.get((REFERENCE_LAUNCH_PLANS.kind, namespace or catalogue.namespace, name))
    spec = parse_spec(ReferenceLaunchPlanSpec, obj) if obj is not None else ()
    return () if isinstance(spec, tuple) else spec.inputs


def passing_of(spec: ReferenceLaunchPlanSpec, offer: Offer | None) -> Passing:
    """Return what runs through a reference may pass, and by what the plan offers, if that is known, must pass."""
    if offer is None:
        return Passing(spec.inputs)
    return Passing(spec.inputs, {each.name for each in offer.inputs if each.required}, offer.fixed)


def _misdirected(
    catalogue: Catalogue, place: tuple[str, str | None], spec: ReferenceLaunchPlanSpec
) -> tuple[Finding, ...]:
    """Return the finding for a reference that names itself or, where no plan has that name, another one."""
    target = (spec.target_namespace, spec.name)
    if target == place:
        return (points_at_itself("/".join(target)),)
    is_plan = (LAUNCH_PLANS.kind, *target) in catalogue.objects
    if not is_plan and (REFERENCE_LAUNCH_PLANS.kind, *target) in catalogue.objects:
        return (points_at_reference("/".join(target)),)
    return ()


def _pointed(
    catalogue: Catalogue, own: str, spec: ReferenceLaunchPlanSpec, plan: PlanFacts, wanted: LaunchPlanSpec
) -> ReferenceFacts:
    place = f"{spec.target_namespace}/{spec.name}"
    if not _may_see(catalogue, own, spec, wanted):
        # In the cluster the plan may come to be; of the one at hand it is certain.
        return ReferenceFacts(spec, findings=(replace(target_unavailable(place), transient=False),))
    finding = _version_finding(place, spec.version, plan, wanted)
    workflow = plan.workflow.spec
    if finding or not plan.version or workflow is None or not _is_at_hand(spec.version, plan, wanted):
        return ReferenceFacts(spec, findings=(finding,) if finding else ())
    interface = plan_interface(workflow.interface, plan.bindings)
    offer = read_offer((spec.target_namespace, spec.name, _UNKNOWN), (plan.version, _UNKNOWN), interface)
    return ReferenceFacts(spec, offer, check_interface(spec, offer))


def _may_see(catalogue: Catalogue, own: str, spec: ReferenceLaunchPlanSpec, wanted: LaunchPlanSpec) -> bool:
    """Tell whether the plan allows the reference; where it cannot be told from these objects, it does."""
    consent = wanted.allow_references_from
    labels = catalogue.labels.get(own)
    if not own or (consent.scope == "Selector" and labels is None):
        return True
    return allows(consent, spec.target_namespace, own, labels)


def _version_finding(place: str, version: str | None, plan: PlanFacts, wanted: LaunchPlanSpec) -> Finding | None:
    if version is None:
        is_active = wanted.auto_activate or wanted.active_version is not None
        return None if is_active else target_inactive(place, plan.version or None)
    if plan.version and version != plan.version:
        return target_version_not_found(place, version, [plan.version])
    return None


def _is_at_hand(version: str | None, plan: PlanFacts, wanted: LaunchPlanSpec) -> bool:
    """Tell whether the version that the reference stands for is the one of these manifests: only the cluster has others."""
    return version == plan.version if version is not None else wanted.active_version in (None, plan.version)
