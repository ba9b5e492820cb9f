"""Castability: which type may flow where another one is declared, and why not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.types import NONE, SCALARS, ListOf, MapOf, Type, TypeProblem, UnionOf, parse_type
from launchplan_operator.decide.casting import castable, casting_obstacle
from tests.unit.type_strategies import TYPES

DATA = Path(__file__).parents[1] / "data" / "types"
#: The types of null, of an empty list and of an empty map, which nobody can declare.
EMPTY: Mapping[str, Type] = {"none": NONE, "list of none": ListOf(NONE), "map of none": MapOf(NONE)}


def declared(text: str) -> Type:
    """Return the type of a row's text."""
    parsed = EMPTY.get(text) or parse_type(text)
    assert not isinstance(parsed, TypeProblem), parsed
    return parsed


def rows() -> list[Any]:
    """Return the table's rows, each named by what it says."""
    table = yaml.safe_load((DATA / "casting.yaml").read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{row['from']} → {row['to']}") for row in table]


@pytest.mark.parametrize("row", rows())
def test_a_type_is_castable_or_the_obstacle_is_told(row: dict[str, str]) -> None:
    """Each row is castable, or says where and why not."""
    source, target = declared(row["from"]), declared(row["to"])
    assert casting_obstacle(source, target) == row.get("why")
    assert castable(source, target) is ("why" not in row)


@given(TYPES)
def test_every_type_is_castable_to_itself(kind: Type) -> None:
    """Unions with overlapping types too."""
    assert castable(kind, kind)


@given(TYPES)
def test_every_type_is_castable_to_its_optional_and_not_back(kind: Type) -> None:
    """What is always there may flow where it need not be; back only where null is taken, as by a data set in a union."""
    optional = UnionOf((*(variant for variant in variants(kind) if variant != NONE), NONE))
    assert castable(kind, optional)
    takes_null = isinstance(kind, UnionOf) and any(castable(NONE, variant) for variant in kind.variants)
    assert castable(optional, kind) is takes_null


@given(TYPES, TYPES)
def test_lists_and_maps_are_castable_as_their_items_are(one: Type, other: Type) -> None:
    """Nothing is lost or gained by a list or a map around it."""
    assert castable(ListOf(one), ListOf(other)) is castable(one, other)
    assert castable(MapOf(one), MapOf(other)) is castable(one, other)


@given(st.sampled_from(list(SCALARS.values())), TYPES)
def test_a_scalar_flows_into_itself_and_what_holds_it(scalar: Type, target: Type) -> None:
    """Nothing widens; only a string may hold an enum's choice."""
    if castable(scalar, target):
        takers = set(map(str, variants(target)))
        assert str(scalar) in takers or (scalar == SCALARS["string"] and any("enum" in taker for taker in takers))


def variants(kind: Type) -> tuple[Type, ...]:
    """Return the types of a union, or the one that a type is."""
    return kind.variants if isinstance(kind, UnionOf) else (kind,)
