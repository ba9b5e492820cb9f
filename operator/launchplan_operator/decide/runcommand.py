"""The command that starts a better run than one that was refused: the caller's inputs as far as they fit, others for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.mending import SHORT_NAMES, Fix, command_text
from launchplan_operator.api.types import TypeProblem, check_value, parse_text, parse_type, to_text
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.inputs import Bindings, inputs_to_shrink, nearest_name, unbound_inputs
from launchplan_operator.decide.samples import example_value, nearest_value, plain_text

#: Characters of a command beyond which nobody reads it: the inputs are better written to a file.
MAX_COMMAND: Final = 800
_NOTHING_BOUND: Final = Bindings()


@dataclass(frozen=True, slots=True)
class RunWish:
    """What a run is asked for.

    Attributes:
        kind: LaunchPlan, WorkflowDefinition or ReferenceLaunchPlan.
        name: the plan's, the workflow's or the reference's.
        version: one version of it, or None.
        inputs: the caller's values.
    """

    kind: str
    name: str
    version: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


def wish_of(spec: LaunchPlanExecutionSpec) -> RunWish:
    """Return what an execution asks for."""
    ref = spec.launch_plan_ref
    return RunWish(ref.kind, ref.name, ref.version, spec.inputs)


def run_instead(
    findings: Sequence[Finding],
    wish: RunWish,
    parameters: Sequence[InputParameter] | None = None,
    bindings: Bindings = _NOTHING_BOUND,
) -> tuple[Finding, ...]:
    """Return the findings about a run, whose spec nobody can change, with the command that starts a better one.

    Args:
        findings: what is wrong.
        wish: what was asked for.
        parameters: the inputs that are declared; None where they are not known.
        bindings: what the plan binds of them.
    """
    fix = Fix(command=compose_run(wish, parameters, bindings))
    return tuple(replace(finding, fix=fix) for finding in findings)


def run_after(fix: Fix | None, wish: RunWish) -> Fix | None:
    """Return the fix of what the run is of, and after it the same run once more."""
    if fix is None:
        return None
    wait = command_text("kubectl", "wait", "--for=condition=Ready", f"{SHORT_NAMES[wish.kind]}/{wish.name}")
    return replace(fix, then=f"{wait} && {compose_run(wish)}")


def compose_run(
    wish: RunWish, parameters: Sequence[InputParameter] | None = None, bindings: Bindings = _NOTHING_BOUND
) -> str:
    """Return the command of a fix that starts a run whose inputs fit what is declared."""
    prefix = "" if wish.kind == "LaunchPlan" else f"{SHORT_NAMES[wish.kind]}/"
    words = ["kubectl", "launchplan", "run", f"{prefix}{wish.name}"]
    if wish.version is not None:
        words += ["--version", wish.version]
    texts = _plain_texts(wish.inputs) if parameters is None else _typed_texts(parameters, bindings, wish.inputs)
    pairs = [word for name, text in (texts or {}).items() for word in ("--input", f"{name}={text}")]
    command = command_text(*words, *pairs)
    if texts is None or len(command) > MAX_COMMAND or not all(word.isprintable() for word in pairs):
        return command_text(*words, "--inputs", "FILE")
    return command


def better_inputs(
    parameters: Sequence[InputParameter], bindings: Bindings, caller: Mapping[str, Any]
) -> dict[str, Any]:
    """Return inputs with which the run would start: as the caller gave them where they fit, in declared order.

    A value of another type becomes the one that was probably meant, a misspelt name the nearest that is not given, and
    a required input that nobody binds an example. What the plan fixes and what is unknown is left out.
    """
    free = {parameter.name: parameter for parameter in parameters if parameter.name not in bindings.fixed}
    given = {name: _fitting(free[name], value) for name, value in caller.items() if name in free}
    for name, value in caller.items():
        near = nearest_name(name, [each for each in free if each not in given]) if name not in free else None
        if near is not None and name not in bindings.fixed:
            given[near] = _fitting(free[near], value)
    examples = {name: _example(free[name]) for name in unbound_inputs(parameters, bindings)}
    shrunk = set(inputs_to_shrink(parameters, bindings, examples | given))
    kept = examples | {name: value for name, value in given.items() if name not in shrunk}
    return {name: kept[name] for name in free if name in kept}


def _plain_texts(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain_text(value) for name, value in inputs.items()}


def _typed_texts(
    parameters: Sequence[InputParameter], bindings: Bindings, caller: Mapping[str, Any]
) -> dict[str, str] | None:
    """Return the texts of better inputs, by name, or None where one has no text."""
    inputs = better_inputs(parameters, bindings, caller)
    given = [each for each in parameters if each.name in inputs]
    unsaid = [each for each in given if inputs[each.name] is None and not _takes_null_as_text(each)]
    if any(bindings.defaults.get(each.name, each.default) is not None for each in unsaid):
        return None
    # An input whose default is null needs not be told that it is null.
    return {each.name: _text(each, inputs[each.name]) for each in given if each not in unsaid}


def _takes_null_as_text(parameter: InputParameter) -> bool:
    """Tell whether the empty text is null; where strings are of the type too, it is one."""
    declared = parse_type(parameter.type)
    return isinstance(declared, TypeProblem) or parse_text(declared, "") is None


def _text(parameter: InputParameter, value: Any) -> str:
    declared = parse_type(parameter.type)
    return plain_text(value) if isinstance(declared, TypeProblem) else to_text(declared, value)


def _fitting(parameter: InputParameter, value: Any) -> Any:
    declared = parse_type(parameter.type)
    if isinstance(declared, TypeProblem) or check_value(declared, value) is None:
        return value
    return nearest_value(declared, value)


def _example(parameter: InputParameter) -> Any:
    declared = parse_type(parameter.type)
    return None if isinstance(declared, TypeProblem) else example_value(declared)
