"""References among some manifests: what is wrong with each, as far as the plan that it names is among them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.kinds import LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.cli.catalogue import Catalogue, PlanFacts
from launchplan_operator.decide.consent import allows
from launchplan_operator.decide.planstatus import plan_interface
from launchplan_operator.decide.pointers import (
    Offer,
    another_version,
    check_interface,
    check_passed,
    check_reference,
    declared_parameters,
    points_at_itself,
    points_at_reference,
    read_offer,
    reference_invalid,
    reference_not_found,
    target_inactive,
    target_unavailable,
    target_version_not_found,
)

#: A manifest has no uid yet, and nobody asks an offer that is only looked at for a hash.
_UNKNOWN: Final = ""
_NOTHING_KNOWN: Final = Offer(_UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)


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


def read_reference(
    catalogue: Catalogue, namespace: str, reference: Mapping[str, Any], version: str | None = None
) -> ReferenceFacts:
    """Return what a reference stands for, with the same checks as the operator's; what is not at hand is not missed.

    `version` is one that a run asks for where the reference names none.
    """
    spec = parse_spec(ReferenceLaunchPlanSpec, reference)
    if isinstance(spec, tuple):
        return ReferenceFacts(None, findings=spec)
    own = namespace or catalogue.namespace
    findings = check_reference(spec) or _misdirected(catalogue, (own, reference["metadata"].get("name")), spec)
    plan = catalogue.plan(spec.target_namespace, spec.name)
    if findings or plan is None or plan.spec is None:
        return ReferenceFacts(spec, findings=findings)
    seen = _may_see(catalogue, own, spec, plan.spec)
    return _pointed(spec, spec.version or version, plan, may_see=seen)


def check_run_through(
    catalogue: Catalogue, namespace: str, name: str, version: str | None, inputs: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Return everything that keeps a run through a reference from starting, as far as these objects tell."""
    obj = catalogue.objects.get((REFERENCE_LAUNCH_PLANS.kind, namespace or catalogue.namespace, name))
    if obj is None:
        return (reference_not_found(name, catalogue.names(REFERENCE_LAUNCH_PLANS, namespace)),)
    facts = read_reference(catalogue, namespace, obj, version)
    if facts.findings or facts.spec is None:
        return tuple(reference_invalid(name, finding) for finding in facts.findings)
    return check_given(name, facts.spec, facts.offer, version, inputs)


def declared_inputs(catalogue: Catalogue, namespace: str, name: str) -> tuple[InputParameter, ...]:
    """Return the inputs that a reference declares; none where it is absent or cannot be read."""
    obj = catalogue.objects.get((REFERENCE_LAUNCH_PLANS.kind, namespace or catalogue.namespace, name))
    spec = parse_spec(ReferenceLaunchPlanSpec, obj) if obj is not None else ()
    return () if isinstance(spec, tuple) else declared_parameters(spec)


def check_given(
    name: str, spec: ReferenceLaunchPlanSpec, offer: Offer | None, version: str | None, inputs: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Return what is wrong with a run through a reference.

    What the plan needs is known only of the version that is offered.
    """
    if version is not None and spec.version not in {None, version}:
        return (another_version(name, version, str(spec.version)),)
    is_known = offer is not None and version in {None, offer.version}
    return check_passed(spec, offer if offer is not None and is_known else _NOTHING_KNOWN, inputs)


def offer_of(resolved: Mapping[str, Any]) -> Offer:
    """Return what a reference's `status.resolved` says that the plan offers."""
    interface = {
        "parameters": resolved.get("inputs"),
        "fixedInputs": resolved.get("fixed"),
        "outputs": resolved.get("outputs"),
    }
    plan = (resolved["namespace"], resolved["name"], resolved["uid"])
    return read_offer(plan, (resolved["version"], resolved["hash"]), interface)


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


def _pointed(spec: ReferenceLaunchPlanSpec, version: str | None, plan: PlanFacts, *, may_see: bool) -> ReferenceFacts:
    place = f"{spec.target_namespace}/{spec.name}"
    if not may_see:
        # In the cluster the plan may come to be; of the one at hand it is certain.
        return ReferenceFacts(spec, findings=(replace(target_unavailable(place), transient=False),))
    finding = _version_finding(place, version, plan)
    workflow = plan.workflow.spec
    if finding or workflow is None or not _is_at_hand(version, plan):
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


def _version_finding(place: str, version: str | None, plan: PlanFacts) -> Finding | None:
    if version is None:
        return None if _activates(plan) else target_inactive(place, plan.version or None)
    if plan.version and version != plan.version:
        return target_version_not_found(place, version, [plan.version])
    return None


def _activates(plan: PlanFacts) -> bool:
    return plan.spec is not None and (plan.spec.auto_activate or plan.spec.active_version is not None)


def _is_at_hand(version: str | None, plan: PlanFacts) -> bool:
    """Tell whether the version that the reference stands for is the one of these manifests: only the cluster has others."""
    wanted = version or (plan.spec.active_version if plan.spec is not None else None)
    return bool(plan.version) and wanted in {None, plan.version}
