"""References to plans: what a plan offers, whether that fits what a reference declares, and what else may be wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, edit_object, remove_item, retarget, set_field, set_item
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.types import TypeProblem, parse_type
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.casting import casting_obstacle
from launchplan_operator.decide.declared import check_types
from launchplan_operator.decide.inputs import check_values, listed, missing_input, nearest_name


@dataclass(frozen=True, slots=True)
class Taken:
    """An input that a plan takes: its type's text, and whether a run must give it."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What one version of a plan offers to whoever refers to it; no value of the plan is among it.

    Attributes:
        uid: the plan's.
        hash: the SHA-256 of the version's content, in hex.
        fixed: the names of the inputs that the plan fixes.
        outputs: the type's text of each output.
    """

    namespace: str
    name: str
    uid: str
    version: str
    hash: str
    inputs: tuple[Taken, ...] = ()
    fixed: tuple[str, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """The plan as people write it: namespace/name."""
        return f"{self.namespace}/{self.name}"


def read_offer(plan: tuple[str, str, str], version: tuple[str, str], interface: Mapping[str, Any]) -> Offer:
    """Return what a version of a plan offers.

    Args:
        plan: its namespace, name and uid.
        version: its name and its hash.
        interface: as a plan's `status.interface`.
    """
    taken = tuple(Taken(p["name"], p["type"], p["required"]) for p in interface.get("parameters") or ())
    outputs = tuple((output["name"], output["type"]) for output in interface.get("outputs") or ())
    return Offer(*plan, *version, taken, tuple(sorted(interface.get("fixedInputs") or ())), outputs)


def offer_status(offer: Offer) -> dict[str, Any]:
    """Return an offer as it stands in a reference's `status.resolved`."""
    inputs = [{"name": each.name, "type": each.type, "required": each.required} for each in offer.inputs]
    outputs = [{"name": name, "type": text} for name, text in offer.outputs]
    lists = {"inputs": inputs, "fixed": list(offer.fixed), "outputs": outputs}
    told = {
        "namespace": offer.namespace,
        "name": offer.name,
        "uid": offer.uid,
        "version": offer.version,
        "hash": offer.hash,
    }
    return told | {name: value for name, value in lists.items() if value}


def check_reference(spec: ReferenceLaunchPlanSpec) -> tuple[Finding, ...]:
    """Return what is wrong with a reference by itself: types that do not parse."""
    return (*check_types(spec.inputs, "spec.inputs"), *check_types(spec.outputs, "spec.outputs"))


def check_interface(spec: ReferenceLaunchPlanSpec, offer: Offer) -> tuple[Finding, ...]:
    """Return a finding for each field in which what a reference declares and what a plan offers do not fit.

    What runs pass must be taken, what the plan needs must be declared, what it fixes is nobody's to pass, and what is
    relied on must come out. Types fit as Flyte's compiler casts them; those of the reference parse.
    """
    return (*_passed_is_taken(spec, offer), *_needed_is_declared(spec, offer), *_expected_comes_out(spec, offer))


def check_passed(spec: ReferenceLaunchPlanSpec, offer: Offer, inputs: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what is wrong with the inputs of a run through a reference: all that can be known without the plan's values."""
    needed = [each.name for each in offer.inputs if each.required and each.name not in inputs]
    return (
        *check_values(declared_parameters(spec), inputs, "spec.inputs", declarer="the reference"),
        *(missing_input(name, "give it in the execution's inputs: the plan needs it") for name in needed),
    )


def declared_parameters(spec: ReferenceLaunchPlanSpec) -> tuple[InputParameter, ...]:
    """Return the inputs of a reference as those of a workflow; whether a run must give one is the plan's to say."""
    return tuple(InputParameter(name=each.name, type=each.type) for each in spec.inputs)


def reference_not_found(name: str, others: Sequence[str]) -> Finding:
    """Return the finding for a reference that does not exist; `others` are the names of those that do."""
    message = f"found no ReferenceLaunchPlan {name!r} in this namespace"
    meant = nearest_name(name, others)
    hint = f"did you mean {meant!r}?" if meant is not None else "apply it, or see: kubectl get rlp"
    return Finding(Reason.ReferenceNotFound, message, "spec.launchPlanRef.name", hint, transient=True)


def reference_invalid(name: str, finding: Finding) -> Finding:
    """Return what a reference's own finding is to a run through it."""
    message = f"the ReferenceLaunchPlan {name!r} does not stand for a plan that fits: {finding.reason}: {finding.text}"
    fix = retarget(finding.fix, "rlp", name)
    return Finding(
        Reason.ReferenceInvalid,
        message,
        "spec.launchPlanRef.name",
        f"kubectl describe rlp {name}",
        transient=finding.transient,
        fix=fix,
    )


def another_version(name: str, wanted: str, pinned: str) -> Finding:
    """Return the finding for a run that asks for another version than the one that its reference names."""
    message = f"found version {wanted!r}, expected {pinned!r}, for which alone the ReferenceLaunchPlan {name!r} stands"
    return Finding(Reason.VersionNotFound, message, "spec.launchPlanRef.version", "name that version, or none")


def target_unavailable(place: str) -> Finding:
    """Return the finding for a plan that is not there or not to be seen; it says nothing that would tell which."""
    message = f"found no LaunchPlan {place} that allows references from this namespace"
    hint = "its owner sees in its status who refers to it, and allows it by spec.allowReferencesFrom"
    return Finding(Reason.TargetUnavailable, message, "spec.name", hint, transient=True)


def target_inactive(place: str, newest: str | None) -> Finding:
    """Return the finding for a plan of which no version is active."""
    message = f"found no active version of the LaunchPlan {place}, expected one, as the reference names none"
    fix = set_field(newest, "spec", "version") if newest else None
    return Finding(Reason.TargetInactive, message, "spec.version", "name a version", transient=True, fix=fix)


def target_version_not_found(place: str, wanted: str, known: Sequence[str]) -> Finding:
    """Return the finding for a version that the plan does not have; `known` is oldest first."""
    message = f"found no version {wanted!r} of the LaunchPlan {place}; the newest that it has: {listed(known[-10:])}"
    meant = nearest_name(wanted, known) or (known[-1] if known else None)
    return Finding(
        Reason.VersionNotFound,
        message,
        "spec.version",
        "name one of those, or none for the active one",
        transient=True,
        fix=set_field(meant, "spec", "version"),
    )


def target_unreadable(place: str, version: str) -> Finding:
    """Return the finding for a version whose content is lost or tampered with; the plan's own status says how."""
    message = f"found version {version!r} of the LaunchPlan {place} in its list, but its content cannot be read"
    hint = "its owner finds the cause by running that version"
    return Finding(Reason.VersionNotFound, message, "spec.version", hint, transient=True)


def points_at_itself(place: str) -> Finding:
    """Return the finding for a reference that names its own namespace and name."""
    message = f"found the reference's own namespace and name, {place}, expected those of a LaunchPlan"
    hint = "name the plan of another namespace, or give the reference another name than the plan's"
    return Finding(Reason.ReferenceToItself, message, "spec.name", hint, fix=edit_object())


def points_at_reference(place: str, target: tuple[str, str] | None = None) -> Finding:
    """Return the finding for a reference that names another one, which names the plan `target`."""
    message = f"found that {place} is a ReferenceLaunchPlan, expected a LaunchPlan"
    fix = None
    if target is not None:
        there = {"namespace": target[0], "name": target[1], "project": None, "domain": None}
        fix = set_field(there, "spec")
    return Finding(Reason.ReferenceToReference, message, "spec.name", "name the plan that it points at", fix=fix)


def _passed_is_taken(spec: ReferenceLaunchPlanSpec, offer: Offer) -> Iterator[Finding]:
    taken = {each.name: each for each in offer.inputs}
    for place, passed in enumerate(spec.inputs):
        where = f"spec.inputs[{passed.name}]"
        found = f"input {passed.name!r}: the reference passes {passed.type}"
        removal = remove_item(f"spec.inputs[{place}]")
        if passed.name in offer.fixed:
            yield _mismatch(f"{found}, but the plan fixes it", where, "remove it: nobody may pass it", removal)
        elif passed.name not in taken:
            near = nearest_name(passed.name, [*taken])
            hint = f"did you mean {near!r}?" if near else f"the plan takes {listed([*taken])}"
            yield _mismatch(f"{found}, but the plan has no such input", where, hint, removal)
        elif obstacle := _obstacle(passed.type, taken[passed.name].type):
            wanted = taken[passed.name].type
            fix = set_item(wanted, f"spec.inputs[{place}].type")
            yield _mismatch(f"{found}, but the plan takes {wanted}", f"{where}.type", obstacle, fix)


def _needed_is_declared(spec: ReferenceLaunchPlanSpec, offer: Offer) -> Iterator[Finding]:
    declared = {passed.name for passed in spec.inputs}
    missing = [each for each in offer.inputs if each.required and each.name not in declared]
    for place, each in enumerate(missing):
        message = f"input {each.name!r}: the plan needs {each.type}, but the reference passes none"
        yield _mismatch(message, "spec.inputs", "declare it", _declare(len(spec.inputs), place, missing))


def _declare(declared: int, place: int, missing: Sequence[Taken]) -> Fix | None:
    """Return the fix that adds one input to those that are declared; where none is, the first one's adds them all."""
    items = [{"name": each.name, "type": each.type} for each in missing]
    if declared:
        return Fix(ops=({"op": "add", "path": f"/spec/inputs/{declared + place}", "value": items[place]},))
    return Fix(ops=({"op": "add", "path": "/spec/inputs", "value": items},)) if place == 0 else None


def _expected_comes_out(spec: ReferenceLaunchPlanSpec, offer: Offer) -> Iterator[Finding]:
    given = dict(offer.outputs)
    for place, expected in enumerate(spec.outputs):
        where = f"spec.outputs[{expected.name}]"
        found = f"output {expected.name!r}: the reference expects {expected.type}"
        if expected.name not in given:
            near = nearest_name(expected.name, [*given])
            hint = f"did you mean {near!r}?" if near else f"the plan gives {listed([*given])}"
            yield _mismatch(f"{found}, but the plan gives none", where, hint, remove_item(f"spec.outputs[{place}]"))
        elif obstacle := _obstacle(given[expected.name], expected.type):
            fix = set_item(given[expected.name], f"spec.outputs[{place}].type")
            yield _mismatch(f"{found}, but the plan gives {given[expected.name]}", f"{where}.type", obstacle, fix)


def _mismatch(message: str, path: str, hint: str, fix: Fix | None) -> Finding:
    return Finding(Reason.InterfaceMismatch, message, path, hint, fix=fix)


def _obstacle(source: str, target: str) -> str | None:
    given, wanted = parse_type(source), parse_type(target)
    if isinstance(given, TypeProblem) or isinstance(wanted, TypeProblem):
        return None if source == target else f"{source} is not {target}"
    return casting_obstacle(given, wanted)
