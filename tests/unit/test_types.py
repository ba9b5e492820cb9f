"""The type grammar: what a type's text means, which values fit, and how values read as text."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.types import (
    SCALARS,
    Type,
    TypeProblem,
    check_value,
    describe_value,
    parse_text,
    parse_type,
    to_text,
)
from tests.unit.type_strategies import JSON, TYPES, typed_texts, typed_values

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
        place = f"at {row['at']}: " if "at" in row else ""
        expected = row.get("expected", kind.expected)
        assert check_value(kind, row["value"]) == f"{place}expected {expected}, found {row['found']}"
        return
    assert check_value(kind, row["value"]) is None
    assert to_text(kind, row["value"]) == row["text"]


@pytest.mark.parametrize("row", rows("texts.yaml"))
def test_a_text_is_parsed_by_the_declared_type(row: dict[str, Any]) -> None:
    """Each row gives its value, of the same JSON kind, or is refused."""
    value = parse_text(declared(row["type"]), row["text"])
    if "value" not in row:
        assert isinstance(value, TypeProblem)
        assert value.message.startswith(row.get("problem", "expected "))
        assert value.hint == row.get("hint", "")
        return
    assert (type(value), value) == (type(row["value"]), row["value"])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [(name, name) for name in ("integer", "float", "string", "boolean", "datetime", "duration", "struct", "binary")]
    + [("enum[a]", "enum[a]"), ("enum[a,b]", "enum[a, b]"), ("enum[ very fast ,b]", "enum[very fast, b]")]
    + [("enum[10:30,b]", "enum[10:30, b]"), ("list[ integer ]", "list[integer]"), ("map[list[string]]",) * 2]
    + [("blob",) * 2, ("blob[csv]",) * 2, ("blob[csv,multipart]", "blob[csv, multipart]"), ("dataset",) * 2]
    + [("dataset[ id:integer,x y : list[float]]", "dataset[id: integer, x y: list[float]]")]
    + [
        ("optional[integer]",) * 2,
        ("union[integer,none]", "optional[integer]"),
        ("union[string,integer]",) * 1 + ("union[string, integer]",),
    ]
    + [("optional[optional[integer]]", "optional[integer]"), ("union[integer]", "integer")]
    + [("optional[union[string, integer]]", "union[string, integer, none]")]
    + [("union[none, union[string, optional[integer]], float]", "union[string, integer, float, none]")]
    + [("list[" * 15 + "integer" + "]" * 15,) * 2],
)
def test_a_type_has_one_canonical_text(text: str, canonical: str) -> None:
    """A type prints as the text that declares it, with one blank after each comma."""
    assert str(declared(text)) == canonical
    assert declared(canonical) == declared(text)


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("int", "found the type 'int', expected one of integer, float", "integer"),
        ("Integer", "found the type 'Integer'", "integer"),
        (" string", "found the type ' string', expected no blanks around it", "string"),
        ("bolean", "found the type 'bolean'", "boolean"),
        ("dict", "found the type 'dict'", "struct"),
        ("str", "found the type 'str'", "string"),
        ("file", "found the type 'file'", "blob"),
        ("any", "found the type 'any'", "struct"),
        ("array", "found the type 'array'", "list[string]"),
        ("enum", "found the type 'enum', expected its parts in brackets, such as enum[a, b]", "enum[a, b]"),
        ("list", "found the type 'list', expected its parts in brackets, such as list[string]", "list[string]"),
        ("List[int]", "found the type 'List' in 'List[int]'", "list[integer]"),
        ("dict[str, int]", "found the type 'dict' in 'dict[str, int]'", "map[integer]"),
        ("map[string, integer]", "found the type 'map[string, integer]', expected a form such as", "map[integer]"),
        ("Optional[List[str]]", "found the type 'Optional'", "optional[list[string]]"),
        ("Union[int, None]", "found the type 'Union'", "optional[integer]"),
        ("int | None", "found the type 'int | None'", "optional[integer]"),
        ("integer[]", "found the type 'integer[]', expected nothing after 'integer'", "list[integer]"),
        ("string?", "found the type 'string?'", "optional[string]"),
        ("list[date]", "found the type 'date' in 'list[date]'", "list[datetime]"),
        ("dataset[date: date]", "found the type 'date' in 'dataset[date: date]'", "dataset[date: datetime]"),
        ("list[Enum[int, b]]", "found the type 'Enum' in", "list[enum[int, b]]"),
        ("", "found the type ''", ""),
        ("none", "found the type 'none', expected it among the types of a union only", ""),
        ("list[none]", "found the type 'none' in 'list[none]', expected it among", ""),
        ("union[none]", "found the type 'union[none]', expected a type besides none", ""),
        ("nonsense[x]", "found the type 'nonsense' in 'nonsense[x]'", ""),
        ("list[]", "found the type 'list[]', expected a type after 'list['", ""),
        ("union[integer, ]", "found the type 'union[integer, ]', expected a type after 'union[integer,'", ""),
        ("union[, integer]", "found the type 'union[, integer]', expected a type after 'union['", ""),
        ("union[integer, integer]", "found the type 'integer' twice in 'union[integer, integer]'", ""),
        ("union[integer, optional[integer]]", "found the type 'integer' twice", ""),
        ("list[integer", "found the type 'list[integer', expected a ] after 'integer'", ""),
        ("list[integer]]", "found the type 'list[integer]]', expected nothing after 'list[integer]'", ""),
        ("list[integer, string]", "found the type 'list[integer, string]', expected a form such as list[string]", ""),
        ("list[integer: string]", "found the type 'list[integer: string]', expected a form such as list[string]", ""),
        ("integer]", "found the type 'integer]', expected nothing after 'integer'", ""),
        ("enum[a, b]]", "found the type 'enum[a, b]]'", ""),
        ("enum[]", "found an empty choice in 'enum[]'", ""),
        ("enum[a,,b]", "found an empty choice in 'enum[a,,b]'", ""),
        ("enum[a, b,a]", "found the choice 'a' twice", ""),
        ("enum[a[b]]", "found the type 'enum[a[b]]', expected a form such as enum[a, b], without '['", ""),
        ("enum[a\tb]", "found the choice 'a\\tb' in 'enum[a\\tb]', expected visible characters", ""),
        ("blob[]", "found an empty format in 'blob[]'", "list[blob]"),
        ("blob[multipart]", "found the type 'blob[multipart]', expected blob[format] or blob[format, multipart]", ""),
        ("blob[csv, single]", "found the type 'blob[csv, single]', expected blob[format] or", ""),
        ("dataset[a]", "found the type 'dataset[a]', expected a type after the column 'a'", ""),
        ("dataset[: integer]", "found an empty column name in", ""),
        ("dataset[a: integer, a: float]", "found the column 'a' twice in", ""),
        ("list[" * 16 + "integer" + "]" * 16, "found the type 'list[list[", ""),
        ("list[" * 400, "found the type 'list[list[", ""),
        ("optional[" * 200, "found the type 'optional[", ""),
        ("list[" * 1000, "found a type of 5000 characters, expected 2048 at most", ""),
        (f"union[{', '.join(f'enum[{n}]' for n in range(17))}]", "found the type 'union[enum[0], ", ""),
    ],
)
def test_a_text_that_declares_no_type_is_answered_with_the_nearest_one(text: str, found: str, hint: str) -> None:
    """The problem says what was found and, where a name is near, which one was meant."""
    problem = parse_type(text)
    assert isinstance(problem, TypeProblem)
    assert problem.message.startswith(found)
    assert problem.hint == (f"did you mean {hint}?" if hint else "")
    assert not hint or str(declared(hint)) == hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("list[" * 16 + "integer" + "]" * 16, "expected at most 16 levels of types within types"),
        (f"union[{', '.join(f'enum[{n}]' for n in range(17))}]", "expected at most 16 types in one union"),
    ],
)
def test_types_are_bounded(text: str, expected: str) -> None:
    """In depth and in the types of a union; one less is taken."""
    problem = parse_type(text)
    assert isinstance(problem, TypeProblem)
    assert problem.message.endswith(expected)
    assert not isinstance(parse_type(text.replace("list[integer]", "integer").replace(", enum[16]", "")), TypeProblem)


def test_a_type_is_parsed_once() -> None:
    """Types are looked up wherever a value is checked, so the same text gives the same object."""
    assert declared("list[map[integer]]") is declared("list[map[integer]]")


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


@given(typed_values())
def test_a_value_of_a_type_fits_it_and_its_one_form_is_stable(typed: tuple[Type, Any]) -> None:
    """The one form of all values that mean the same fits too, and is its own."""
    kind, value = typed
    assert check_value(kind, value) is None
    normal = kind.normal(value)
    assert check_value(kind, normal) is None
    assert canonical_json(kind.normal(normal)) == canonical_json(normal)


@given(typed_values())
def test_a_canonical_text_stands_for_its_value(typed: tuple[Type, Any]) -> None:
    """Value → text → value ends where it began; only null may be the empty text of a type that reads one."""
    kind, value = typed
    text = to_text(kind, value)
    again = parse_text(kind, text)
    assert not isinstance(again, TypeProblem)
    assert to_text(kind, again) == text
    if value is not None:
        assert canonical_json(kind.normal(again)) == canonical_json(kind.normal(value))
    else:
        assert text == ""
        assert again in (None, "")


@given(typed_texts())
def test_what_is_read_from_a_text_fits_and_has_a_stable_text(typed: tuple[Type, str]) -> None:
    """Text → value → text is a fixed point, whatever the text was."""
    kind, text = typed
    value = parse_text(kind, text)
    if isinstance(value, TypeProblem):
        return
    assert check_value(kind, value) is None
    canonical = to_text(kind, value)
    assert to_text(kind, parse_text(kind, canonical)) == canonical


@given(typed_values())
def test_a_canonical_text_can_stand_in_an_environment(typed: tuple[Type, Any]) -> None:
    """It has a UTF-8 form and no NUL, which would end it."""
    text = to_text(*typed)
    assert "\0" not in text
    assert text.encode().decode() == text


@given(TYPES, JSON)
def test_any_json_value_either_fits_or_gets_a_message(kind: Type, value: Any) -> None:
    """No JSON value makes a check raise, and what fits has a text."""
    mismatch = check_value(kind, value)
    if mismatch is None:
        assert isinstance(to_text(kind, value), str)
    else:
        assert "expected " in mismatch
        assert ", found " in mismatch


@given(st.sampled_from(["struct", "list[list[struct]]", "map[struct]", "union[struct, string]"]), st.integers(60, 3000))
def test_nothing_recurses_without_limit(name: str, depth: int) -> None:
    """A deep value is told as such or as a misfit, as a value and as a text."""
    value: Any = {}
    for _ in range(depth):
        value = {"a": value} if name != "list[list[struct]]" else [value]
    kind = declared(name)
    assert (check_value(kind, value) is None) is (depth <= 64 + (name == "map[struct]") and "list" not in name)
    opening, closing = ("[", "]") if "list" in name else ('{"a":', "}")
    text = opening * depth + "{}" + closing * depth
    read = parse_text(kind, text)
    assert read == text if name == "union[struct, string]" and depth > 64 else isinstance(read, TypeProblem | dict)


def test_a_value_may_nest_as_deep_as_its_type_and_64_levels_more() -> None:
    """One level more is too deep, and the message says so in short."""
    value: Any = 1
    for _ in range(64):
        value = [value]
    assert check_value(declared("struct"), {"a": value}) is not None
    assert check_value(declared("struct"), {"a": value[0]}) is None
    mismatch = check_value(declared("list[struct]"), [{"a": value}])
    assert mismatch is not None
    assert mismatch.endswith("…: expected a JSON value, found more than 64 levels")
    assert len(mismatch) < 130


@pytest.mark.parametrize("name", ["integer", "float", "struct", "list[integer]", "optional[integer]", "duration"])
def test_numbers_of_thousands_of_digits_are_told_in_short(name: str) -> None:
    """Python itself refuses to read or to write them in decimal."""
    kind = declared(name)
    for value in (16**9000, -(16**9000), "9" * 9000 + "s"):
        assert len(check_value(kind, value) or "misfit") < 300
    assert isinstance(parse_text(kind, "9" * 9000), TypeProblem)
    assert isinstance(parse_text(kind, "[" + "9" * 9000 + "]"), TypeProblem)


@given(value=JSON)
def test_no_value_fits_two_scalar_kinds_but_whole_numbers_and_texts(value: Any) -> None:
    """Castability has no widening: only a whole number fits two types, and only a text fits more."""
    fitting = {
        name
        for name in ("integer", "float", "string", "boolean", "struct")
        if check_value(declared(name), value) is None
    }
    assert fitting in ({"integer", "float"}, {"float"}, {"string"}, {"boolean"}, {"struct"}, set())


@given(TYPES)
def test_a_type_prints_as_the_text_that_declares_it(kind: Type) -> None:
    """Types of any shape."""
    assert parse_type(str(kind)) == kind


PIECES = st.sampled_from(["integer", "list", "union", "optional", "blob", "none", "[", "]", ",", ":", " ", "x"])


@given(text=st.text(max_size=20) | st.lists(PIECES, max_size=12).map("".join))
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


def test_the_page_for_users_has_a_row_for_each_type() -> None:
    """All that the grammar has, in words that the grammar takes."""
    page = (Path(__file__).parents[2] / "docs" / "how-to-pass-values.md").read_text(encoding="utf-8")
    table = page.split("## Choose the types")[1].split("\n\n")[1]
    texts = [text for row in table.splitlines()[2:] for text in re.findall(r"`([^`]+)`", row.split("|")[1])]
    placeholders = re.compile(r"\bT(\d?)\b")
    found = {type(declared(placeholders.sub(lambda match: f"enum[{match[1]}x]", text))) for text in texts}
    assert found == set(get_args(Type))
    assert {str(scalar) for scalar in SCALARS.values()} <= set(texts)
