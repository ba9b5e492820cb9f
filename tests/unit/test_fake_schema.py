"""The API server's schemas in memory: what is pruned, filled and refused, found out quickly or in words alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake.shapes import Schema, fill, findings, fits, prune, read_shape

SCHEMA: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"},
        "count": {"type": "integer", "minimum": 0, "maximum": 5, "default": 1},
        "mode": {"type": "string", "enum": ["on", "off"], "nullable": True},
        "tags": {
            "type": "array",
            "maxItems": 2,
            "x-kubernetes-list-map-keys": ["key"],
            "items": {"type": "object", "properties": {"key": {"type": "string"}, "on": {"default": True}}},
        },
        "free": {"x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 2}, "maxProperties": 2},
    },
}
SHAPE = read_shape(SCHEMA)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"name": "a"}, []),
        ({"name": "a", "mode": None, "free": {"x": [1]}}, []),
        ({}, ["name: Required value"]),
        ({"name": "A"}, ["name: Invalid value: 'A': name in body should match ^[a-z]+$"]),
        ({"name": "a", "count": 6}, ["count: Invalid value: 6: count in body should be less than or equal to 5"]),
        (
            {"name": "a", "count": True},
            ['count: Invalid value: "boolean": count in body must be of type integer: "boolean"'],
        ),
        ({"name": "a", "tags": [{"key": "x"}, {"key": "x"}]}, ["tags[1]: Duplicate value: {'key': 'x'}"]),
        (
            {"name": "a", "labels": {"k": "abc"}},
            ["labels.k: Invalid value: 'abc': labels.k in body may not be more than 2"],
        ),
    ],
    ids=[
        "what fits has no findings",
        "null and unknown fields where they are allowed",
        "a field that is missing",
        "a text that does not match",
        "a number beyond its bound",
        "a value of another type",
        "two items of one key",
        "a value of a map",
    ],
)
def test_what_does_not_fit_is_told_in_words(value: Any, words: list[str]) -> None:
    assert list(findings(SHAPE, value, "")) == words
    assert fits(SHAPE, value) == (not words)


def test_unknown_fields_go_and_defaults_come() -> None:
    value: dict[str, Any] = {
        "name": "a",
        "other": 1,
        "tags": [{"key": "x", "more": 2}],
        "free": {"any": {}},
        "count": None,
    }
    prune(SHAPE, value)
    fill(SHAPE, value)
    assert value == {"name": "a", "tags": [{"key": "x", "on": True}], "free": {"any": {}}, "count": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 7) | st.sampled_from(["", "a", "A", "abc", "on"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "count", "mode", "tags", "free", "labels", "key"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_a_value_fits_if_and_only_if_nothing_is_found(value: Any) -> None:
    assert fits(SHAPE, value) == (not list(findings(SHAPE, value, "")))
