"""The command that starts a better run: what fits is the caller's own, what does not is what was probably meant."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, Target, mend_command, set_field
from launchplan_operator.api.types import parse_text, parse_type
from launchplan_operator.decide.inputs import MAX_INPUT_BYTES, Bindings, check_values, resolve_inputs
from launchplan_operator.decide.runcommand import (
    MAX_COMMAND,
    RunWish,
    better_inputs,
    compose_run,
    run_after,
    run_instead,
)
from tests.unit.mended import commands_of
from tests.unit.strategies import JSON, Call, calls
from tests.unit.test_decide_inputs import declared

TARGET = Target("lpx", "demo", "by-hand")
TWO = declared(city="string", days=("integer", 7))


@pytest.mark.parametrize(
    ("bindings", "caller", "expected"),
    [
        pytest.param(Bindings(), {"city": "Oslo"}, {"city": "Oslo"}, id="what fits stays as it is"),
        pytest.param(Bindings(), {"days": 1, "city": "a"}, {"city": "a", "days": 1}, id="in the order of the interface"),
        pytest.param(Bindings(), {}, {"city": "example"}, id="what is missing gets an example"),
        pytest.param(Bindings({"city": "Bonn"}), {}, {}, id="what the plan binds needs none"),
        pytest.param(Bindings(), {"city": 4, "days": "3"}, {"city": "4", "days": 3}, id="a value is read by its text"),
        pytest.param(
            Bindings(), {"city": "a", "days": "x"}, {"city": "a", "days": 0}, id="where that is none, an example stands in"
        ),
        pytest.param(Bindings(), {"city": "a", "dayz": 2}, {"city": "a", "days": 2}, id="a misspelt name is mended"),
        pytest.param(
            Bindings(), {"city": "a", "days": 1, "dayz": 2}, {"city": "a", "days": 1}, id="what is given beats what is misspelt"
        ),
        pytest.param(Bindings(), {"city": "a", "zone": 2}, {"city": "a"}, id="what nobody knows is left out"),
        pytest.param(Bindings({}, {"days": 2}), {"city": "a", "days": 3}, {"city": "a"}, id="so is what the plan fixes"),
        pytest.param(
            Bindings({}, {"days": 2}), {"city": "a", "dayz": 3}, {"city": "a"}, id="and what was meant to override that"
        ),
        pytest.param(
            Bindings(), {"city": "x" * MAX_INPUT_BYTES, "days": 3}, {"city": "example", "days": 3}, id="what is too large goes"
        ),
    ],
)  # fmt: skip
def test_inputs_become_better(bindings: Bindings, caller: dict[str, Any], expected: dict[str, Any]) -> None:
    """The run would start with them."""
    found = better_inputs(TWO, bindings, caller)
    assert (found, list(found)) == (expected, list(expected))
    assert isinstance(resolve_inputs(TWO, bindings, found), dict)


PLAN = RunWish("LaunchPlan", "daily")


@pytest.mark.parametrize(
    ("wish", "parameters", "command"),
    [
        pytest.param(PLAN, None, "kubectl launchplan run daily -n demo", id="a plan, in its namespace"),
        pytest.param(
            RunWish("LaunchPlan", "daily", "v1"), None, "kubectl launchplan run daily --version v1 -n demo",
            id="the version that was asked for",
        ),
        pytest.param(
            RunWish("WorkflowDefinition", "report", None, {"city": "São Paulo"}), TWO,
            "kubectl launchplan run wfd/report --input 'city=São Paulo' -n demo", id="a workflow, and quotes where a shell needs them",
        ),
        pytest.param(
            RunWish("LaunchPlan", "daily", None, {"x": {"a": [1]}, "y": "b"}), None,
            """kubectl launchplan run daily --input 'x={"a":[1]}' --input y=b -n demo""", id="JSON where no type is known",
        ),
        pytest.param(
            RunWish("LaunchPlan", "daily", None, {"city": "x" * MAX_COMMAND}), TWO,
            "kubectl launchplan run daily --inputs FILE -n demo", id="nobody reads a long command",
        ),
        pytest.param(
            RunWish("LaunchPlan", "daily", None, {"city": "a\nb"}), TWO,
            "kubectl launchplan run daily --inputs FILE -n demo", id="nor types what cannot be seen",
        ),
        pytest.param(
            RunWish("LaunchPlan", "daily", None, {"city": "{x}"}), TWO,
            "kubectl launchplan run daily --input 'city={x}' -n demo", id="braces are the caller's own",
        ),
    ],
)  # fmt: skip
def test_a_command_starts_a_run(wish: RunWish, parameters: Any, command: str) -> None:
    """As a person types it."""
    assert mend_command([Fix(command=compose_run(wish, parameters))], TARGET) == command


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        pytest.param("optional[integer]", None, "--input x= ", id="null is the empty text"),
        pytest.param("optional[string]", None, "", id="unless that is a string: then it is left out"),
        pytest.param(
            "union[integer, string]", "3", """--input 'x="3"' """, id="a text that could be a number is quoted"
        ),
        pytest.param("list[float]", [1, 2.5], "--input 'x=[1.0,2.5]' ", id="a list is JSON"),
        pytest.param("int", 3, "--input x=3 ", id="of what is no type, a value stays as it is"),
    ],
)
def test_a_value_is_told_as_its_type_writes_it(kind: str, value: Any, words: str) -> None:
    """So that the command line reads it back."""
    command = compose_run(RunWish("LaunchPlan", "daily", None, {"x": value}), declared(x=kind))
    assert mend_command([Fix(command=command)], TARGET) == f"kubectl launchplan run daily {words}-n demo"


def test_null_over_a_default_is_told_in_a_file() -> None:
    """On the command line it would be an empty string."""
    parameters = declared(x=("optional[string]", "a"))
    command = compose_run(RunWish("LaunchPlan", "daily", None, {"x": None}), parameters)
    assert command == "kubectl launchplan run daily --inputs FILE -n {namespace}"


def test_several_findings_have_one_command() -> None:
    """It stands once."""
    findings = (Finding(Reason.MissingInput, "none"), Finding(Reason.TypeMismatch, "bad"))
    told = run_instead(findings, PLAN, TWO)
    assert [finding.reason for finding in told] == [Reason.MissingInput, Reason.TypeMismatch]
    fixes = (finding.fix for finding in told)
    assert mend_command(fixes, TARGET) == "kubectl launchplan run daily --input city=example -n demo"


def test_a_run_follows_when_what_it_is_of_is_mended() -> None:
    """The plan is changed, waited for and run, in that order, however many findings it had."""
    fixes = [run_after(set_field(1, "spec", field), PLAN) for field in "ab"]
    commands = commands_of(mend_command(fixes, Target("lp", "demo", "daily")))
    assert [" ".join(words[:4]) for words in commands] == [
        "kubectl patch lp daily",
        "kubectl wait --for=condition=Ready lp/daily",
        "kubectl launchplan run daily",
    ]
    assert run_after(None, PLAN) is None


@given(calls(), st.dictionaries(st.sampled_from([*"abcdefgh", "aa", "-x"]), JSON))
def test_whatever_was_given_a_run_would_start(call: Call, given_instead: dict[str, Any]) -> None:
    """Better inputs are inputs, and those that were right stay."""
    inputs = better_inputs(call.parameters, call.bindings, {**call.caller, **given_instead})
    assert isinstance(resolve_inputs(call.parameters, call.bindings, inputs), dict)
    assert better_inputs(call.parameters, call.bindings, call.caller) == dict(call.caller)
    assert not list(check_values(call.parameters, inputs, "spec.inputs"))


@given(calls())
def test_a_command_gives_the_very_inputs(call: Call) -> None:
    """Each text, read by its type as the command line reads it, is the value again; else they are in a file."""
    text = mend_command(
        [Fix(command=compose_run(RunWish("LaunchPlan", "daily", None, call.caller), call.parameters, call.bindings))],
        TARGET,
    )
    words = shlex.split(text)
    if "--inputs" in words:
        return
    types: dict[str, Any] = {parameter.name: parse_type(parameter.type) for parameter in call.parameters}
    pairs = [word.partition("=") for word, before in zip(words[1:], words, strict=False) if before == "--input"]
    read: dict[str, Any] = {name: parse_text(types[name], told) for name, _, told in pairs}
    same = resolve_inputs(call.parameters, call.bindings, call.caller)
    assert _normal(resolve_inputs(call.parameters, call.bindings, read), types) == _normal(same, types)


def _normal(inputs: Any, types: dict[str, Any]) -> dict[str, str]:
    assert isinstance(inputs, dict)
    return {name: types[name].text(value) for name, value in inputs.items()}
