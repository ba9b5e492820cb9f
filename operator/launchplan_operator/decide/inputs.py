"""What a run gets: the caller's values over the plan's over the workflow's, and the plan's fixed ones over all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, join_fixes, put_value, set_field
from launchplan_operator.api.types import Type, TypeProblem, check_value, parse_type, to_text
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.samples import nearest_value

#: Inputs travel twice in pod annotations (256 KiB in all) and one environment text must stay below 128 KiB.
MAX_INPUT_BYTES = 96 * 1024
#: What YAML 1.1 makes of these unquoted keys is a boolean, so they arrive as "true" and "false".
YAML_BOOLEANS = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class Bindings:
    """The values a plan gives: overridable defaults and fixed ones. A bare workflow gives none."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)


def unexpected_input(
    name: str, parameters: Sequence[InputParameter], path: str, declarer: str = "the workflow"
) -> Finding:
    """Return the finding for a key that the workflow does not declare, with the nearest name as the hint."""
    known = [parameter.name for parameter in parameters]
    return Finding(
        Reason.UnexpectedInput,
        f"found the input {name!r}, which {declarer} does not declare; it declares {listed(known)}",
        path=f"{path}.{name}",
        hint=_hint(name, known),
    )


def check_binding(parameter: InputParameter, value: Any, path: str) -> Finding | None:
    """Return a TypeMismatch if the value is not of the parameter's declared type."""
    declared = _type_of(parameter)
    mismatch = check_value(declared, value) if declared is not None else None
    if mismatch is None:
        return None
    message = f"input {parameter.name!r}: {mismatch}"
    fix = put_value(_nearest(parameter, value), *path.split("."), parameter.name)
    return Finding(Reason.TypeMismatch, message, path=f"{path}.{parameter.name}", fix=fix)


def check_values(
    parameters: Sequence[InputParameter],
    values: Mapping[str, Any],
    path: str,
    taken: Collection[str] = (),
    declarer: str = "the workflow",
) -> Iterator[Finding]:
    """Yield a finding for each value that names no input or is not of its type; `taken` are names that have a value."""
    declared = {parameter.name: parameter for parameter in parameters}
    for name, value in sorted(values.items()):
        parameter = declared.get(name)
        if parameter is None:
            near = nearest_name(name, [each for each in declared if each not in values and each not in taken])
            meant = (near, _nearest(declared[near], value)) if near is not None else None
            yield replace(unexpected_input(name, parameters, path, declarer), fix=_rename(path, name, meant))
        elif mismatch := check_binding(parameter, value, path):
            yield mismatch


def unbound_inputs(parameters: Sequence[InputParameter], bindings: Bindings) -> list[str]:
    """Return the names of the required inputs that neither the workflow nor the plan gives a value."""
    return [
        p.name for p in parameters if p.required and p.name not in bindings.defaults and p.name not in bindings.fixed
    ]


def resolve_inputs(
    parameters: Sequence[InputParameter], bindings: Bindings, caller: Mapping[str, Any]
) -> dict[str, Any] | tuple[Finding, ...]:
    """Return the resolved inputs in declared order, or every finding that forbids the run.

    An optional input that nobody gives is null.
    """
    findings = tuple(_caller_findings(parameters, bindings, caller))
    if findings:
        return findings
    resolved = {p.name: _bound_value(p, bindings, caller) for p in parameters}
    return tuple(_size_findings(parameters, resolved)) or resolved


def inputs_to_shrink(parameters: Sequence[InputParameter], bindings: Bindings, caller: Mapping[str, Any]) -> list[str]:
    """Return the names of the largest inputs, as many as must be smaller for a run to start."""
    left = {p.name: _bound_value(p, bindings, caller) for p in parameters}
    names: list[str] = []
    while any(_size_findings([p for p in parameters if p.name in left], left)):
        names.append(_largest(left))
        del left[names[-1]]
    return names


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """Return the name that was probably meant by one that is not known, or None where none is near."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def listed(names: Sequence[str]) -> str:
    """Return names as a short readable list."""
    if not names:
        return "none"
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"  # noqa: PLR2004


def _caller_findings(
    parameters: Sequence[InputParameter], bindings: Bindings, caller: Mapping[str, Any]
) -> Iterator[Finding]:
    for name in sorted(set(caller) & set(bindings.fixed)):
        yield Finding(
            Reason.FixedInputOverride,
            f"found a value for the input {name!r}, which the plan fixes; nobody may override it",
            path=f"spec.inputs.{name}",
            hint="remove it from the inputs",
        )
    free = {name: value for name, value in caller.items() if name not in bindings.fixed}
    yield from check_values(parameters, free, "spec.inputs")
    for name in unbound_inputs(parameters, bindings):
        if name not in caller:
            yield missing_input(name, "give it in the execution's inputs, or as a default or fixed input of the plan")


def missing_input(name: str, hint: str) -> Finding:
    """Return the finding for a required input to which a run gives no value."""
    message = f"found no value for the required input {name!r}"
    return Finding(Reason.MissingInput, message, path=f"spec.inputs.{name}", hint=hint)


def _size_findings(parameters: Sequence[InputParameter], resolved: Mapping[str, Any]) -> Iterator[Finding]:
    """Both ways in which inputs travel are bounded; as texts they may be longer: 1 in a list[float] is written 1.0."""
    texts = (to_text(declared, resolved[p.name]) for p in parameters if (declared := _type_of(p)) is not None)
    sizes = {
        "canonical JSON": len(canonical_json(resolved).encode()),
        "environment texts": sum(len(text.encode()) for text in texts),
    }
    for form, size in sizes.items():
        if size > MAX_INPUT_BYTES:
            found = f"found {size} bytes of inputs as {form}, most of them in {_largest(resolved)!r}"
            message = f"{found}, expected at most {MAX_INPUT_BYTES}"
            yield Finding(Reason.InputsTooLarge, message, path="spec.inputs", hint="pass large data by URI")
            return


def _largest(values: Mapping[str, Any]) -> str:
    return max(values, key=lambda name: len(canonical_json(values[name])))


def _type_of(parameter: InputParameter) -> Type | None:
    declared = parse_type(parameter.type)
    # A text that is no type is the workflow's own finding; without a type nothing can be said of a value.
    return None if isinstance(declared, TypeProblem) else declared


def _bound_value(parameter: InputParameter, bindings: Bindings, caller: Mapping[str, Any]) -> Any:
    for values in (bindings.fixed, caller, bindings.defaults):
        if parameter.name in values:
            return values[parameter.name]
    return parameter.default


def _hint(name: str, known: Sequence[str]) -> str:
    if name in YAML_BOOLEANS:
        return "an unquoted y, n, on, off, yes or no is a boolean in YAML: quote the key"
    nearest = nearest_name(name, known)
    return f"did you mean {nearest!r}?" if nearest is not None else ""


def _nearest(parameter: InputParameter, value: Any) -> Any:
    declared = _type_of(parameter)
    if declared is None or check_value(declared, value) is None:
        return value
    return nearest_value(declared, value)


def _rename(path: str, name: str, meant: tuple[str, Any] | None) -> Fix | None:
    fields = path.split(".")
    renamed = put_value(meant[1], *fields, meant[0]) if meant is not None else None
    return join_fixes((set_field(None, *fields, name), renamed))
