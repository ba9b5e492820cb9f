"""Types, values and texts as another system handles them: what we agree with, what we overrule, and what we cannot say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.types import (
    NONE,
    ListOf,
    MapOf,
    Type,
    TypeProblem,
    check_value,
    parse_text,
    parse_type,
)
from launchplan_operator.decide.casting import castable

TABLE = yaml.safe_load((Path(__file__).parents[1] / "data" / "types" / "cases.yaml").read_text(encoding="utf-8"))
#: The types of null, of an empty list and of an empty map, which nobody can declare.
EMPTY: Mapping[str, Type] = {"none": NONE, "list of none": ListOf(NONE), "map of none": MapOf(NONE)}


def declared(text: str) -> Type:
    """Return the type of a row's text."""
    parsed = EMPTY.get(text) or parse_type(text)
    assert not isinstance(parsed, TypeProblem), parsed
    return parsed


def outcome(row: Mapping[str, Any]) -> Any:
    """Return what a row comes to with us."""
    if "from" in row:
        return castable(declared(row["from"]), declared(row["to"]))
    kind = declared(row["type"])
    value = parse_text(kind, row["text"]) if "text" in row else row["value"]
    return "refused" if isinstance(value, TypeProblem) or check_value(kind, value) else kind.normal(value)


def rows(part: str) -> list[Any]:
    """Return the rows of one part of the table."""
    return [pytest.param(row, id=row["id"]) for row in TABLE[part]]


@pytest.mark.parametrize("row", rows("cases"))
def test_we_agree(row: dict[str, Any]) -> None:
    """The outcome is the other system's, to the kind of number."""
    assert canonical_json(outcome(row)) == canonical_json(row["expect"])


@pytest.mark.parametrize("row", rows("overruled"))
def test_we_differ_and_say_why(row: dict[str, Any]) -> None:
    """The outcome is ours, is another one indeed, and has a reason."""
    found = outcome(row)
    assert found == row["expect"]
    assert found != row["there"]
    assert len(row["reason"]) > 20


@pytest.mark.parametrize("row", rows("not_applicable"))
def test_what_does_not_apply_says_why(row: dict[str, Any]) -> None:
    """A type that a row would need is none of ours."""
    assert len(row["reason"]) > 20
    if "type" in row:
        assert isinstance(parse_type(row["type"]), TypeProblem)


def test_each_case_stands_in_one_part() -> None:
    """What is overruled or does not apply is not agreed with as well."""
    parts = [{row["id"] for row in TABLE[part]} for part in ("cases", "overruled", "not_applicable")]
    assert len(set().union(*parts)) == sum(map(len, parts))
