"""What a run passes through a reference: whether it is declared there, of its type, and all that the plan needs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.reference import PassedInput
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.inputs import Bindings, listed, nearest_name, resolve_inputs


@dataclass(frozen=True, slots=True)
class Passing:
    """What runs through a reference may and must pass.

    Attributes:
        declared: what the reference declares.
        required: the inputs that the plan needs from a run; empty where that is not known.
        fixed: the inputs that the plan fixes.
    """

    declared: Sequence[PassedInput]
    required: Collection[str] = ()
    fixed: Collection[str] = ()

    @property
    def parameters(self) -> list[InputParameter]:
        """The declared inputs as a workflow's; what the plan does not need has a default, of which nothing is known."""
        return [_parameter(each, required=each.name in self.required) for each in self.declared]


def check_passed(passing: Passing, values: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return every finding that forbids a run through a reference with these inputs."""
    known = {each.name for each in passing.declared}
    strange = tuple(_strange(passing, name) for name in sorted(set(values) - known))
    given = {name: value for name, value in values.items() if name in known}
    resolved = resolve_inputs([each for each in passing.parameters if each.name in given], Bindings(), given)
    return (*strange, *(resolved if isinstance(resolved, tuple) else ()), *_missing(passing, values))


def reference_not_found(name: str, others: Sequence[str] = ()) -> Finding:
    """Return the finding for a reference that does not exist; `others` are the names of those that do."""
    message = f"found no ReferenceLaunchPlan {name!r} in this namespace"
    meant = nearest_name(name, others)
    hint = f"did you mean {meant!r}?" if meant is not None else "apply it, or see: kubectl get rlp"
    return Finding(Reason.ReferenceNotFound, message, "spec.launchPlanRef.name", hint, transient=True)


def reference_invalid(name: str, finding: Finding) -> Finding:
    """Return what a reference's own finding is to a run through it."""
    message = f"the ReferenceLaunchPlan {name!r} stands for no plan that fits: {finding.reason}: {finding.text}"
    hint, path = f"kubectl describe rlp {name}", "spec.launchPlanRef.name"
    return Finding(Reason.ReferenceInvalid, message, path, hint, transient=finding.transient)


def _parameter(passed: PassedInput, *, required: bool) -> InputParameter:
    declared = {"name": passed.name, "type": passed.type}
    return InputParameter.model_validate(declared if required else declared | {"default": None})


def _strange(passing: Passing, name: str) -> Finding:
    path = f"spec.inputs.{name}"
    if name in passing.fixed:
        message = f"found a value for the input {name!r}, which the plan fixes; nobody may override it"
        return Finding(Reason.FixedInputOverride, message, path, "remove it from the inputs")
    known = [each.name for each in passing.declared]
    message = f"found the input {name!r}, which the reference does not declare; it declares {listed(known)}"
    near = nearest_name(name, known)
    return Finding(Reason.UnexpectedInput, message, path, f"did you mean {near!r}?" if near else "")


def _missing(passing: Passing, values: Mapping[str, Any]) -> Iterator[Finding]:
    for each in passing.declared:
        if each.name in passing.required and each.name not in values:
            message = f"found no value for the required input {each.name!r}"
            hint = "give it in the execution's inputs: the plan has no default for it"
            yield Finding(Reason.MissingInput, message, f"spec.inputs.{each.name}", hint)
