"""YAML as kubectl reads it: odd scalars, what is refused, and bombs."""

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.cli import yaml_text
from launchplan_operator.cli.go_scalars import read_plain
from launchplan_operator.cli.yaml_text import MAX_DEPTH, YamlProblemError, read_yaml, write_yaml
from tests.unit.cliscalars import LOSSY, REFUSED, VALUES, as_stored

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=("Cs", "Cc")))
    | st.sampled_from(
        ["y", "no", "0x10", "1_0", "1e3", "~", "", "<<", "=", "2026-01-01", ".inf", "0o7", "- a", "a: b"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from("ayn01._"), max_size=3), inner),
    max_leaves=20,
)
BAD: dict[str, str] = REFUSED | LOSSY


def value_of(text: str) -> Any:
    """Return what the key x of a document of one line or more gets."""
    (document,) = read_yaml(f"x: {text}\n")
    return document.value["x"]


@pytest.mark.parametrize(("text", "expected"), VALUES.items(), ids=VALUES)
def test_a_value_is_what_kubectl_sends(text: str, expected: str) -> None:
    """Value and kind are the same; a whole number of 64 bits is an integer."""
    assert repr(value_of(text)) == repr(as_stored(expected))


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=BAD)
def test_a_text_is_refused_with_its_line(text: str, said: str) -> None:
    """The problem names the line in which it stands."""
    with pytest.raises(YamlProblemError, match=r".") as caught:
        list(read_yaml(f"# a comment\nx: {text}\n"))
    assert said in caught.value.message
    assert caught.value.line >= 2


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_both_parsers_of_yaml_give_the_same(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, every value is still the same."""
    monkeypatch.setattr(yaml_text, "_LOADER", loader)
    assert [value_of(text) for text in VALUES] == [as_stored(expected) for expected in VALUES.values()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[" * 5000, "levels deep", id="lists in lists"),
        pytest.param("{a: " * 5000, "levels deep", id="maps in maps"),
        pytest.param(
            "\n".join(
                ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
                + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
            ),
            "aliases",
            id="aliases of aliases",
        ),
        pytest.param("a: &a {b: {c: *a}}", "inside of", id="an alias of itself"),
    ],
)
def test_a_bomb_is_refused(text: str, said: str) -> None:
    """No depth and no number of aliases takes more than a moment."""
    with pytest.raises(YamlProblemError, match=said):
        list(read_yaml(text))


def test_what_is_not_too_deep_is_read() -> None:
    """The bound is the number of levels, and one more is too many."""
    (document,) = read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert document.value == json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(YamlProblemError, match="levels deep"):
        list(read_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)))


def test_many_uses_of_one_anchor_are_no_bomb() -> None:
    """An environment that a hundred containers share is a manifest as people write it."""
    lines = ["env: &env [{name: A, value: b}]", "containers:", *["- env: *env"] * 100]
    (document,) = read_yaml("\n".join(lines))
    assert len(document.value["containers"]) == 100


@given(JSON_VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    """Every text that would come back as something else is quoted."""
    (document,) = read_yaml(write_yaml({"x": value}))
    assert document.value == {"x": value}


@given(st.text(st.sampled_from("0123456789+-._eExXobynYN~<=: "), max_size=8))
def test_a_plain_scalar_never_fails(text: str) -> None:
    """Whatever is no word and no number is the string itself."""
    found = read_plain(text)
    assert not isinstance(found, str) or found == text


@given(st.text())
def test_any_text_is_documents_or_a_problem(text: str) -> None:
    """Nothing else comes out, whatever goes in."""
    with contextlib.suppress(YamlProblemError):
        assert json.dumps([document.value for document in read_yaml(text)])
