"""Input resolution: whose value a run gets, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.types import Type
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.inputs import (
    MAX_INPUT_BYTES,
    Bindings,
    check_binding,
    check_values,
    listed,
    resolve_inputs,
    unbound_inputs,
    unexpected_input,
)
from tests.unit.strategies import JSON, Call, calls
from tests.unit.type_strategies import typed_values, values_of


def declared(**types: Any) -> tuple[InputParameter, ...]:
    """Return parameters from `name=type` or `name=(type, default)`."""
    rows = [(name, given if isinstance(given, tuple) else (given,)) for name, given in types.items()]
    return tuple(
        InputParameter.model_validate({"name": name, "type": parts[0]} | ({"default": parts[1]} if parts[1:] else {}))
        for name, parts in rows
    )


def findings_of(resolved: dict[str, Any] | tuple[Finding, ...]) -> list[tuple[Reason, str]]:
    """Return reason and path of each finding."""
    assert isinstance(resolved, tuple), resolved
    return [(finding.reason, finding.path) for finding in resolved]


CITY = declared(city=("string", "oslo"))


@pytest.mark.parametrize(
    ("bindings", "caller", "city"),
    [
        pytest.param(Bindings(), {}, "oslo", id="the workflow's default stands where nobody else speaks"),
        pytest.param(Bindings({"city": "rome"}), {}, "rome", id="the plan's default beats the workflow's"),
        pytest.param(Bindings({"city": "rome"}), {"city": "bonn"}, "bonn", id="the caller beats the plan's default"),
        pytest.param(Bindings(), {"city": "bonn"}, "bonn", id="the caller beats the workflow's default"),
        pytest.param(Bindings({}, {"city": "kyiv"}), {}, "kyiv", id="a fixed value beats the workflow's default"),
        pytest.param(
            Bindings({"city": "rome"}, {"city": "kyiv"}), {}, "kyiv", id="a fixed value beats the plan's default"
        ),
        pytest.param(Bindings(), {"city": ""}, "", id="an empty text is a value"),
    ],
)
def test_a_value_comes_from_the_nearest_who_gives_one(bindings: Bindings, caller: dict[str, Any], city: str) -> None:
    """The order is fixed, caller, plan, workflow."""
    assert resolve_inputs(CITY, bindings, caller) == {"city": city}


@pytest.mark.parametrize("falsy", [0, False, 0.0, ""])
def test_a_falsy_value_of_the_caller_is_a_value(falsy: Any) -> None:
    """Absent means no key, not an empty value."""
    kind = {int: "integer", bool: "boolean", float: "float", str: "string"}[type(falsy)]
    other = {"integer": 7, "boolean": True, "float": 1.5, "string": "x"}[kind]
    assert resolve_inputs(declared(x=(kind, other)), Bindings({"x": other}), {"x": falsy}) == {"x": falsy}


TWO = declared(city="string", limit="integer")


@pytest.mark.parametrize(
    ("bindings", "caller", "expected"),
    [
        pytest.param(
            Bindings({"limit": 1}),
            {"city": "oslo", "town": "x"},
            [(Reason.UnexpectedInput, "spec.inputs.town")],
            id="a key that the workflow does not declare is unexpected",
        ),
        pytest.param(
            Bindings({"city": "oslo"}, {"limit": 1}),
            {"limit": 2},
            [(Reason.FixedInputOverride, "spec.inputs.limit")],
            id="a value for a fixed input is an override",
        ),
        pytest.param(
            Bindings({"city": "oslo"}, {"limit": 1}),
            {"limit": 1},
            [(Reason.FixedInputOverride, "spec.inputs.limit")],
            id="even the fixed value itself is an override",
        ),
        pytest.param(
            Bindings({"city": "oslo"}, {"limit": 1}),
            {"limit": "two"},
            [(Reason.FixedInputOverride, "spec.inputs.limit")],
            id="an override of the wrong type is told once, as an override",
        ),
        pytest.param(
            Bindings({"city": "oslo"}, {"other": 1}),
            {"other": 1, "limit": 1},
            [(Reason.FixedInputOverride, "spec.inputs.other")],
            id="a fixed key that the workflow lost is still nobody's to give",
        ),
        pytest.param(
            Bindings({"city": "oslo"}),
            {"limit": "3"},
            [(Reason.TypeMismatch, "spec.inputs.limit")],
            id="a number in quotes is no integer, and a mistyped value is not missing as well",
        ),
        pytest.param(
            Bindings({"limit": 1}),
            {},
            [(Reason.MissingInput, "spec.inputs.city")],
            id="a required input that nobody gives is missing",
        ),
        pytest.param(
            Bindings({}, {}),
            {"town": "x", "limit": 1.5},
            [
                (Reason.TypeMismatch, "spec.inputs.limit"),
                (Reason.UnexpectedInput, "spec.inputs.town"),
                (Reason.MissingInput, "spec.inputs.city"),
            ],
            id="everything that is wrong is told at once",
        ),
    ],
)
def test_a_call_that_cannot_run_says_why(
    bindings: Bindings, caller: dict[str, Any], expected: list[tuple[Reason, str]]
) -> None:
    """Each finding has its reason and names the place."""
    assert findings_of(resolve_inputs(TWO, bindings, caller)) == expected


@given(calls())
def test_what_is_resolved_has_exactly_the_declared_names_in_their_order(call: Call) -> None:
    """A valid call always resolves, whatever its values."""
    resolved = resolve_inputs(call.parameters, call.bindings, call.caller)
    assert isinstance(resolved, dict)
    assert list(resolved) == [parameter.name for parameter in call.parameters]


@given(calls())
def test_each_value_is_one_that_somebody_gave(call: Call) -> None:
    """No value is converted, and a fixed one never changes."""
    resolved = resolve_inputs(call.parameters, call.bindings, call.caller)
    own = {p.name: p.default for p in call.parameters if not p.required}
    expected = {**own, **call.bindings.defaults, **call.caller, **call.bindings.fixed}
    assert resolved == {p.name: expected[p.name] for p in call.parameters}


@given(calls(), st.data())
def test_no_caller_overrides_a_fixed_input(call: Call, data: st.DataObject) -> None:
    """Whatever is said about a fixed input refuses the run, and nothing is resolved."""
    if not call.bindings.fixed:
        return
    name = data.draw(st.sampled_from(sorted(call.bindings.fixed)))
    resolved = resolve_inputs(call.parameters, call.bindings, {**call.caller, name: data.draw(JSON)})
    assert findings_of(resolved) == [(Reason.FixedInputOverride, f"spec.inputs.{name}")]


@given(calls(), st.data())
def test_a_required_input_without_a_value_is_missed(call: Call, data: st.DataObject) -> None:
    """Taking away one value that only the caller gives refuses the run."""
    needed = unbound_inputs(call.parameters, call.bindings)
    assert set(needed) <= set(call.caller)
    if not needed:
        return
    left_out = data.draw(st.sampled_from(needed))
    caller = {name: value for name, value in call.caller.items() if name != left_out}
    expected = [(Reason.MissingInput, f"spec.inputs.{left_out}")]
    assert findings_of(resolve_inputs(call.parameters, call.bindings, caller)) == expected


@pytest.mark.parametrize(
    ("letter", "more", "fits"),
    [
        pytest.param("a", 0, True, id="inputs of exactly the limit fit"),
        pytest.param("a", 1, False, id="one byte more does not"),
        pytest.param("é", 0, False, id="bytes count, not characters"),
    ],
)
def test_inputs_must_fit_into_a_pods_annotations(letter: str, more: int, fits: bool) -> None:
    """The limit is on the canonical JSON as it travels."""
    assert MAX_INPUT_BYTES == 98_304
    value = letter * (MAX_INPUT_BYTES - len(canonical_json({"x": ""})) + more)
    resolved = resolve_inputs(declared(x="string"), Bindings(), {"x": value})
    assert resolved == {"x": value} if fits else findings_of(resolved) == [(Reason.InputsTooLarge, "spec.inputs")]


@pytest.mark.parametrize(
    ("kind", "item", "written"),
    [
        pytest.param("list[float]", 1, "1.0", id="a whole number in a list of floats"),
        pytest.param("list[integer]", 1e18, str(10**18), id="an integer with an exponent"),
        pytest.param("list[datetime]", "2026-01-01 00:00:00", '"2026-01-01T00:00:00Z"', id="an instant without its Z"),
    ],
)
def test_inputs_must_fit_as_texts_too(kind: str, item: Any, written: str) -> None:
    """A text may be longer than the JSON that it was made from, and an environment text has its own limit."""
    most = (MAX_INPUT_BYTES - 1) // (len(written) + 1)
    parameters = declared(x=kind)
    for count, fits in ((most, True), (most + 1, False)):
        value = [item] * count
        assert len(canonical_json({"x": value})) <= MAX_INPUT_BYTES
        resolved = resolve_inputs(parameters, Bindings(), {"x": value})
        assert resolved == {"x": value} if fits else findings_of(resolved) == [(Reason.InputsTooLarge, "spec.inputs")]


@pytest.mark.parametrize(
    ("bindings", "caller", "value"),
    [
        pytest.param(Bindings(), {}, None, id="nobody gives one"),
        pytest.param(Bindings(), {"x": None}, None, id="the caller gives null"),
        pytest.param(Bindings({"x": [1]}), {"x": None}, None, id="the caller's null beats the plan's default"),
        pytest.param(Bindings({"x": [1]}), {}, [1], id="the plan's default"),
        pytest.param(Bindings({}, {"x": None}), {}, None, id="null may be fixed"),
    ],
)
def test_an_optional_input_is_null_unless_somebody_gives_a_value(
    bindings: Bindings, caller: dict[str, Any], value: Any
) -> None:
    """It is not missing, and null is a value like any other."""
    parameters = declared(x="optional[list[integer]]")
    assert unbound_inputs(parameters, bindings) == []
    assert resolve_inputs(parameters, bindings, caller) == {"x": value}


def test_a_mismatch_names_the_part_that_does_not_fit() -> None:
    """With the path from the input to it."""
    finding = check_binding(declared(x="optional[list[map[integer]]]")[0], [{}, {}, {"y": "a"}], "spec.inputs")
    assert finding is not None
    assert finding.text == "spec.inputs.x: input 'x': at [2].y: expected integer, found the string 'a'"


@given(typed_values(), st.data())
def test_a_fixed_value_of_any_type_is_what_a_run_gets(typed: tuple[Type, Any], data: st.DataObject) -> None:
    """As it was written, whatever the workflow's and the plan's defaults are; and a caller's word refuses the run."""
    kind, fixed = typed
    other = data.draw(values_of(kind))
    parameters = declared(x=(str(kind), other))
    bindings = Bindings({"x": other}, {"x": fixed})
    resolved = resolve_inputs(parameters, bindings, {})
    assert isinstance(resolved, dict)
    assert resolved["x"] is fixed
    assert findings_of(resolve_inputs(parameters, bindings, {"x": other})) == [
        (Reason.FixedInputOverride, "spec.inputs.x")
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("citty", "did you mean 'city'?"),
        ("true", "an unquoted y, n, on, off, yes or no is a boolean in YAML: quote the key"),
        ("false", "an unquoted y, n, on, off, yes or no is a boolean in YAML: quote the key"),
        ("zzz", ""),
    ],
)
def test_an_unexpected_input_hints_at_what_was_meant(name: str, hint: str) -> None:
    """A near name, or YAML's habit of reading booleans into keys."""
    finding = unexpected_input(name, TWO, "spec.inputs")
    assert (finding.hint, finding.path) == (hint, f"spec.inputs.{name}")
    assert f"found the input {name!r}" in finding.message
    assert "it declares city, limit" in finding.message


def test_a_mismatch_says_what_was_found_and_what_was_expected() -> None:
    """A person sees input, type and value in one sentence."""
    finding = check_binding(TWO[1], "3", "spec.fixedInputs")
    assert finding is not None
    assert finding.text == "spec.fixedInputs.limit: input 'limit': expected integer, found the string '3'"


def test_of_an_input_without_a_readable_type_nothing_is_said() -> None:
    """The workflow's own finding speaks of it."""
    assert check_binding(declared(x="nonsense")[0], 3, "spec.inputs") is None


def test_values_are_checked_in_the_order_of_their_names() -> None:
    """Messages do not depend on the order in which a map was written."""
    reasons = [finding.path for finding in check_values(TWO, {"z": 1, "limit": "x", "a": 2, "city": "ok"}, "p")]
    assert reasons == ["p.a", "p.limit", "p.z"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "none"),
        (2, "n0, n1"),
        (10, "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9"),
        (11, "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 1 more"),
    ],
)
def test_a_long_list_of_names_is_cut(count: int, text: str) -> None:
    """Ten names at most."""
    assert listed([f"n{place}" for place in range(count)]) == text
