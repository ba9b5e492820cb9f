"""Hypothesis strategies for declared types of any shape, and for the values and texts that they take."""

import base64
import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from launchplan_operator.api.types import (
    NONE,
    SCALARS,
    Blob,
    Dataset,
    Enum,
    ListOf,
    MapOf,
    Type,
    TypeProblem,
    UnionOf,
    format_go_duration,
    parse_type,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
#: Texts that several types read, each in its own way.
TRICKY = st.sampled_from(["", "null", "0", "1", "3", "-0.0", "1e3", "T", "true", '"x"', "[1]", "{}", " x ", "0s", "/a"])
JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ADDRESSES = st.sampled_from(["s3://bucket/key", "/mnt/data", "file:///x y", "gs://b/ü"])
_LABELS = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=4) | st.sampled_from(
    ["2026-01-01T00:00:00Z", "true", "null", "3", "10:30"]
)
_SCALAR_VALUES: dict[str, SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9).map(float),
    "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    "string": TEXTS | TRICKY,
    "boolean": st.booleans(),
    "datetime": st.sampled_from(
        ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00.5", "0001-01-01t00:00:00z"]
    ),
    "duration": st.just("0")
    | st.integers(0, 10**6).map(lambda seconds: format_go_duration(timedelta(seconds=seconds))),
    "struct": st.dictionaries(TEXTS, JSON, max_size=3),
    "binary": st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode()),
    "none": st.none(),
}
_PLAIN: SearchStrategy[Type] = (
    st.sampled_from(list(SCALARS.values()))
    | st.lists(_LABELS, min_size=1, max_size=3, unique=True).map(lambda labels: Enum(tuple(labels)))
    | st.sampled_from([Blob(), Blob("csv"), Blob("pdf"), Blob("csv", multipart=True)])
    | st.just(Dataset())
)


def _with_parts(inner: SearchStrategy[Type]) -> SearchStrategy[Type]:
    columns = st.dictionaries(st.sampled_from(["id", "at", "x y"]), inner, min_size=1, max_size=2)
    return (
        inner.map(ListOf) | inner.map(MapOf) | unions(inner) | columns.map(lambda named: Dataset(tuple(named.items())))
    )


def unions(inner: SearchStrategy[Type]) -> SearchStrategy[Type]:
    """Return unions as the grammar makes them: flat, without doubles, none last."""
    variants = st.lists(inner | st.just(NONE), min_size=2, max_size=4, unique_by=str)
    parsed = variants.map(lambda found: parse_type(f"union[{', '.join(map(str, found))}]"))
    return parsed.flatmap(lambda found: st.nothing() if isinstance(found, TypeProblem) else st.just(found))


#: Types of a few levels.
TYPES: SearchStrategy[Type] = st.recursive(_PLAIN, _with_parts, max_leaves=5)


def values_of(declared: Type) -> SearchStrategy[Any]:
    """Return the values of a type."""
    match declared:
        case Enum():
            return st.sampled_from(declared.choices)
        case Blob() | Dataset():
            return ADDRESSES
        case ListOf():
            return st.lists(values_of(declared.item), max_size=3)
        case MapOf():
            return st.dictionaries(TEXTS, values_of(declared.item), max_size=3)
        case UnionOf():
            return st.one_of([values_of(variant) for variant in declared.variants])
        case _:
            return _SCALAR_VALUES[str(declared)]


@st.composite
def typed_values(draw: DrawFn) -> tuple[Type, Any]:
    """Draw a type and one of its values."""
    declared = draw(TYPES)
    return declared, draw(values_of(declared))


@st.composite
def typed_texts(draw: DrawFn) -> tuple[Type, str]:
    """Draw a type and a text that it may read: any, a tricky one, or one of its values as plain text or JSON."""
    declared, value = draw(typed_values())
    written = st.sampled_from([json.dumps(value), value if isinstance(value, str) else json.dumps(value, indent=1)])
    return declared, draw(TEXTS | TRICKY | written)
