"""Reading manifests: what is no YAML or JSON says where and why, and hides nothing else."""

from textwrap import dedent

import pytest

from launchplan_operator.cli.manifests import Unreadable, parse_manifests
from tests.unit.cli import objects


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"\xff\xfea\0", "UTF-16", id="UTF-16"),
        pytest.param(b"a: 1\nb: \xff", "no UTF-8", id="no UTF-8"),
        pytest.param(b"a: 1\0", "does not allow", id="a NUL"),
        pytest.param(b'{"a": 1, "a": 2}', "twice", id="a JSON key twice"),
        pytest.param(b'{"a": NaN}', "NaN", id="no JSON number"),
        pytest.param(b'{"a": 1e999}', "range", id="a JSON number out of range"),
        pytest.param(b'{"a":' + b"[" * 100_000, "levels deep", id="deep JSON"),
        pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, "levels deep", id="deep JSON objects"),
    ],
)
def test_an_unreadable_file_says_why(data: bytes, said: str) -> None:
    """One place, with the cause."""
    (place,) = parse_manifests(data, "x.json")
    assert isinstance(place, Unreadable)
    assert said in place.message


def test_json_values_are_those_that_kubectl_sends() -> None:
    """Numbers as the API server stores them, and half a surrogate pair as Go reads it."""
    text = '{"kind": "X", "a": [1e3, 1.5, 18446744073709551615, -0, 100000000000000000000000], "b\\ud800": "\\ud83d\\ude00\\udfff"}'
    (manifest,) = objects(text)
    assert repr(manifest.obj["a"]) == "[1000, 1.5, 1.8446744073709552e+19, 0, 1e+23]"
    assert manifest.obj["b\ufffd"] == "\U0001f600\ufffd"


def test_a_broken_document_hides_no_other() -> None:
    """Documents are split at their separators, as kubectl splits them; lines are those of the whole file."""
    text = dedent("""\
        a: [1
        --- # Source: chart
        kind: X
        ---
        b: {c: 1, c: 2}
        """)
    first, second, third = parse_manifests(text.encode(), "x.yaml")
    assert isinstance(first, Unreadable)
    assert not isinstance(second, Unreadable)
    assert isinstance(third, Unreadable)
    assert (third.line, second.kind) == (5, "X")
