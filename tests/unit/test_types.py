"""The type grammar: what a type's text means, which values fit, and how values read as text."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.types import (
    Type,
    TypeProblem,
    check_value,
    describe_value,
    parse_text,
    parse_type,
    to_text,
)

DATA = Path(__file__).parents[1] / "data" / "types"


def rows(name: str) -> list[Any]:
    """Return a table's rows as parameters whose ids read as sentences."""
    table = yaml.safe_load((DATA / name).read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{row['type']}: {row.get('value', row.get('text'))!r}") for row in table]


def declared(text: str) -> Type:
    """Return the type that a text declares, which must be one."""
    parsed = parse_type(text)
    assert not isinstance(parsed, TypeProblem), parsed
    return parsed


@pytest.mark.parametrize("row", rows("values.yaml"))
def test_a_value_fits_its_type_or_the_message_says_what_was_found(row: dict[str, Any]) -> None:
    """Each row fits with its canonical text, or is refused in its own words."""
    kind = declared(row["type"])
    if "found" in row:
        assert check_value(kind, row["value"]) == f"expected {kind.expected}, found {row['found']}"
        return
    assert check_value(kind, row["value"]) is None
    assert to_text(kind, row["value"]) == row["text"]


@pytest.mark.parametrize("row", rows("texts.yaml"))
def test_a_text_is_parsed_by_the_declared_type(row: dict[str, Any]) -> None:
    """Each row gives its value, of the same JSON kind, or is refused."""
    value = parse_text(declared(row["type"]), row["text"])
    if "value" not in row:
        assert isinstance(value, TypeProblem)
        assert "expected" in value.message
        return
    assert (type(value), value) == (type(row["value"]), row["value"])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [(name, name) for name in ("integer", "float", "string", "boolean", "datetime", "duration", "struct", "binary")]
    + [("enum[a]", "enum[a]"), ("enum[a,b]", "enum[a, b]"), ("enum[ very fast ,b]", "enum[very fast, b]")],
)
def test_a_type_has_one_canonical_text(text: str, canonical: str) -> None:
    """A type prints as the text that declares it, with one blank after each comma."""
    assert str(declared(text)) == canonical
    assert declared(canonical) == declared(text)


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("int", "found the type 'int', expected one of integer, float", "did you mean integer?"),
        ("Integer", "found the type 'Integer'", "did you mean integer?"),
        (" string", "found the type ' string'", "did you mean string?"),
        ("bolean", "found the type 'bolean'", "did you mean boolean?"),
        ("dict", "found the type 'dict'", "did you mean struct?"),
        ("enum", "found the type 'enum'", "did you mean enum[a, b]?"),
        ("", "found the type ''", ""),
        ("list[integer]", "found the type 'list[integer]'", ""),
        ("enum[a, b]]", "found the type 'enum[a, b]]'", ""),
        ("enum[]", "found an empty choice in 'enum[]'", ""),
        ("enum[a,,b]", "found an empty choice in 'enum[a,,b]'", ""),
        ("enum[a, b,a]", "found the choice 'a' twice", ""),
    ],
)
def test_a_text_that_declares_no_type_is_answered_with_the_nearest_one(text: str, found: str, hint: str) -> None:
    """The problem says what was found and, where a name is near, which one was meant."""
    problem = parse_type(text)
    assert isinstance(problem, TypeProblem)
    assert problem.message.startswith(found)
    assert problem.hint == hint


def test_a_string_with_half_a_surrogate_pair_is_refused() -> None:
    """Such a text has no UTF-8 form, so no annotation can carry it."""
    assert check_value(declared("string"), "\ud800") == "expected string, found a string with half a surrogate pair"
    assert check_value(declared("struct"), {"a": "\ud800"}) is not None


def test_an_integer_beyond_every_float_is_no_float() -> None:
    """A number that would become infinite is refused, and its message stays short."""
    found = check_value(declared("float"), 10**400)
    assert found is not None
    assert found.endswith("…, which exceeds a float's range")
    assert len(found) < 200


def test_a_value_that_no_json_holds_is_described_by_its_class() -> None:
    """A loader may hand over what YAML makes of an unquoted date."""
    assert describe_value({1}) == "a set"


integers = st.integers(min_value=-(2**63), max_value=2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
strings = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | integers | floats | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=8,
)
instants = st.datetimes().map(lambda instant: f"{instant.isoformat()}Z")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": integers,
    "float": floats | integers,
    "string": strings,
    "boolean": st.booleans(),
    "datetime": instants,
    "duration": st.from_regex(r"\A[+-]?[0-9]{1,5}(\.[0-9]{1,3})?(ms|s|m|h)\Z"),
    "struct": st.dictionaries(strings, json_values, max_size=4),
    "enum[a, b c]": st.sampled_from(["a", "b c"]),
}


@given(data=st.data(), name=st.sampled_from(sorted(VALUES)))
def test_a_canonical_text_stands_for_its_value_and_is_stable(data: st.DataObject, name: str) -> None:
    """Text → value → text ends where it began, and the value is the same number, text or object."""
    kind, value = declared(name), data.draw(VALUES[name])
    assert check_value(kind, value) is None
    text = to_text(kind, value)
    again = parse_text(kind, text)
    assert to_text(kind, again) == text
    if name != "datetime":
        assert again == (float(value) if name == "float" else value)


@given(value=json_values, name=st.sampled_from(sorted(VALUES)))
def test_any_json_value_either_fits_or_gets_a_message(value: Any, name: str) -> None:
    """No JSON value makes a check raise, and what fits has a text that is UTF-8."""
    kind = declared(name)
    mismatch = check_value(kind, value)
    if mismatch is None:
        assert isinstance(to_text(kind, value).encode(), bytes)
    else:
        assert mismatch.startswith("expected ")


@given(value=json_values)
def test_no_value_fits_two_scalar_kinds_but_whole_numbers_and_texts(value: Any) -> None:
    """Castability has no widening: only a whole number fits two types, and only a text fits more."""
    fitting = {
        name
        for name in ("integer", "float", "string", "boolean", "struct")
        if check_value(declared(name), value) is None
    }
    assert fitting in ({"integer", "float"}, {"float"}, {"string"}, {"boolean"}, {"struct"}, set())


@given(text=st.text(max_size=20))
def test_any_text_either_declares_a_type_or_gets_a_problem(text: str) -> None:
    """The grammar is total, and what it accepts prints as something it accepts."""
    parsed = parse_type(text)
    if not isinstance(parsed, TypeProblem):
        assert parse_type(str(parsed)) == parsed


def test_struct_text_is_what_a_json_parser_reads() -> None:
    """The canonical text of an object is JSON with sorted keys and no blanks."""
    text = to_text(declared("struct"), {"b": [1, 2.5], "a": {"c": None}})
    assert text == '{"a":{"c":null},"b":[1,2.5]}'
    assert json.loads(text) == {"b": [1, 2.5], "a": {"c": None}}
