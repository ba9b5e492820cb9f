"""The walk along a structural schema: what the API server would refuse, and what it would fill in."""

from typing import Any

import pytest

from launchplan_operator.cli.schema import check_schema, fill_defaults, spec_schemas
from tests.unit.test_docs import MANIFESTS

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        pytest.param(TEXT, 1, "expected string", id="another type"),
        pytest.param({"type": "integer"}, True, "expected integer", id="a boolean is no integer"),
        pytest.param({"type": "integer"}, 1.5, "expected integer", id="a fraction is no integer"),
        pytest.param(TEXT, None, "found null, expected string", id="null without a default"),
        pytest.param(TEXT | {"enum": ["a", "b"]}, "c", "expected one of a, b", id="an enum"),
        pytest.param(TEXT | {"pattern": "^a$"}, "a\n", "that matches ^a$", id="a line break at the end"),
        pytest.param(TEXT | {"maxLength": 1}, "ab", "at most 1 characters, found 2", id="too long"),
        pytest.param(TEXT | {"minLength": 1}, "", "at least 1 characters", id="too short"),
        pytest.param(TEXT | {"format": "date-time"}, "today", "RFC 3339", id="no instant"),
        pytest.param({"type": "integer", "minimum": 0}, -1, "at least 0", id="too small"),
        pytest.param({"type": "integer", "maximum": 9}, 10, "at most 9", id="too large"),
        pytest.param({"type": "array", "maxItems": 1}, [1, 2], "at most 1 of them, found 2", id="too many items"),
        pytest.param({"type": "object", "maxProperties": 0}, {"a": 1}, "at most 0 of them", id="too many fields"),
    ],
)
def test_a_misfit_is_found(schema: dict[str, Any], value: Any, said: str) -> None:
    """One finding, with what was found and what was expected."""
    item = schema | {"items": {}} if schema["type"] == "array" else schema | {"additionalProperties": {}}
    (finding,) = check_schema(item, value, "spec.x")
    assert finding.path == "spec.x"
    assert said in finding.message


@pytest.mark.parametrize(
    ("schema", "value", "hint"),
    [
        pytest.param(
            TEXT, False, "an unquoted y, n, on, off, yes or no is a boolean in YAML: quote it", id="a boolean"
        ),
        pytest.param(TEXT, 1.1, "quote it", id="a version such as 1.10"),
        pytest.param(TEXT, 1, "quote it", id="a whole number"),
        pytest.param(TEXT, {}, "", id="an object"),
        pytest.param(TEXT, None, "", id="nothing"),
        pytest.param({"type": "integer"}, True, "", id="where no text is wanted"),
    ],
)
def test_what_yaml_took_for_no_text_is_to_be_quoted(schema: dict[str, Any], value: Any, hint: str) -> None:
    """An author who wrote a word or a version meant a text."""
    (finding,) = check_schema(schema, value, "spec.x")
    assert finding.hint == hint


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(TEXT | {"default": "a"}, None, id="null where a default comes"),
        pytest.param(TEXT | {"nullable": True}, None, id="null where it may be"),
        pytest.param({"type": "number"}, 1, id="a whole number"),
        pytest.param({"x-kubernetes-preserve-unknown-fields": True, "type": "object"}, {"a": {"b": 1}}, id="any field"),
    ],
)
def test_a_fit_is_none(schema: dict[str, Any], value: Any) -> None:
    """Nothing is said of it."""
    assert list(check_schema(schema, value, "spec")) == []


def test_an_unknown_field_names_the_nearest() -> None:
    """Else all that there are."""
    schema = {"type": "object", "properties": {"timeZone": TEXT, "cron": TEXT}}
    near, far = check_schema(schema, {"timezone": "UTC", "x": 1}, "spec.schedule")
    assert (near.path, near.hint) == ("spec.schedule.timezone", "did you mean 'timeZone'?")
    assert far.hint == "there are: timeZone, cron"


def test_defaults_are_filled_in_where_nothing_or_null_stands() -> None:
    """At every level, in lists too; what is kept unread is left alone."""
    inner = {"type": "object", "properties": {"a": TEXT | {"default": "x"}}}
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": inner},
            "map": {"type": "object", "additionalProperties": inner},
        },
    }
    filled = fill_defaults(schema, {"list": [{}, {"a": "y"}], "map": {"k": {"a": None}}})
    assert filled == {"list": [{"a": "x"}, {"a": "y"}], "map": {"k": {"a": "x"}}}


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_manifests_of_the_documentation_fit(manifest: dict[str, Any]) -> None:
    """The schema has no word against them."""
    assert list(check_schema(spec_schemas()[manifest["kind"]], manifest["spec"], "spec")) == []
