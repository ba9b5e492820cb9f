"""JSON as Go's encoder writes it: the forms were seen on an API server, which took a patch of just these."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.kube.encoding import encode_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        pytest.param({"b": 1, "a": {}}, '{"a":{},"b":1}', id="keys in order, no blanks"),
        pytest.param("a > b < c & d", r'"a \u003e b \u003c c \u0026 d"', id="what HTML would take for its own"),
        pytest.param("\u2028\u2029", r'"\u2028\u2029"', id="what JavaScript would take for line breaks"),
        pytest.param("é😀\x7f", '"é😀\x7f"', id="other characters as they are"),
        pytest.param('\x01\b\f\n\t\r"\\/', r'"\u0001\b\f\n\t\r\"\\/"', id="JSON's own escapes"),
        pytest.param("\ud800", r'"\ud800"', id="half a surrogate pair"),
        pytest.param([1.5, 0.0001, 9223372036854775807], "[1.5,0.0001,9223372036854775807]", id="plain numbers"),
        pytest.param([1e-05, -2.5e-06], "[0.00001,-0.0000025]", id="small numbers without an exponent"),
        pytest.param([1e-07, 5e-324], "[1e-7,5e-324]", id="smaller ones with a short one"),
        pytest.param([1e21, 1e22], "[1e+21,1e+22]", id="large ones"),
        pytest.param(['"1e-05', 1e-05], r'["\"1e-05",0.00001]', id="a text that looks like a number"),
    ],
)
def test_bodies_are_written_as_go_does(value: Any, encoded: str) -> None:
    """Byte for byte."""
    assert encode_json({"data": value}).decode() == f'{{"data":{encoded}}}'


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_what_is_written_is_what_is_read(body: dict[str, Any]) -> None:
    """No value changes by the way in which it is written."""
    assert json.loads(encode_json(body)) == body
