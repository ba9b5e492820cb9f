"""What the API server's schema refuses: a walk over a manifest along the structural schema of its CRD."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.instants import canonical_instant
from launchplan_operator.api.misfits import describe_value
from launchplan_operator.api.model import PRESERVE

Schema = Mapping[str, Any]

_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


@lru_cache(maxsize=1)
def spec_schemas() -> dict[str, Schema]:
    """Return the schema of each kind's `spec`."""
    from launchplan_operator.api.crd import build_crds  # noqa: PLC0415 - only the linter pays for all models

    versions = {crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0] for crd in build_crds()}
    return {kind: version["schema"]["openAPIV3Schema"]["properties"]["spec"] for kind, version in versions.items()}


def fill_defaults(schema: Schema, value: Any) -> Any:
    """Return a value as the API server stores it: nulls that stand for a default dropped, and defaults filled in."""
    if isinstance(value, list):
        return [fill_defaults(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict) or schema.get(PRESERVE):
        return value
    known = schema.get("properties", {})
    given = {name: each for name, each in value.items() if each is not None or "default" not in known.get(name, {})}
    missing = {name: child["default"] for name, child in known.items() if "default" in child and name not in given}
    others = schema.get("additionalProperties", {PRESERVE: True})
    return {name: fill_defaults(known.get(name, others), each) for name, each in (given | missing).items()}


def check_schema(schema: Schema, value: Any, path: str) -> Iterator[Finding]:
    """Yield a finding for each place below `path` that the API server would refuse, or drop as unknown."""
    if value is None:
        # A null where the schema has a default is as good as nothing.
        if not schema.get("nullable") and "default" not in schema:
            yield _misfit(path, value, str(schema.get("type")))
        return
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        yield _misfit(path, value, kind)
        return
    yield from _bounds(schema, value, path)
    if isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list):
        yield from _array(schema, value, path)


def _bounds(schema: Schema, value: Any, path: str) -> Iterator[Finding]:
    expected = _expected(schema, value)
    if expected:
        yield _misfit(path, value, expected)


def _expected(schema: Schema, value: Any) -> str:
    """Return what a value of the right type still misses; the first thing only."""
    if "enum" in schema and value not in schema["enum"]:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str):
        return _expected_text(schema, value)
    if isinstance(value, int | float):
        return _expected_number(schema, value)
    if len(value) > schema.get("maxItems", schema.get("maxProperties", len(value))):
        return f"at most {schema.get('maxItems', schema.get('maxProperties'))} of them, found {len(value)}"
    return ""


def _expected_text(schema: Schema, value: str) -> str:
    if len(value) > schema.get("maxLength", len(value)):
        return f"at most {schema['maxLength']} characters, found {len(value)}"
    if len(value) < schema.get("minLength", 0):
        return f"at least {schema['minLength']} characters"
    if "pattern" in schema and not _matches(schema["pattern"], value):
        return f"a text that matches {schema['pattern']}"
    if schema.get("format") == "date-time" and canonical_instant(value) is None:
        return "an RFC 3339 instant, such as 2026-01-31T09:00:00Z"
    return ""


def _expected_number(schema: Schema, value: float) -> str:
    if value < schema.get("minimum", value):
        return f"at least {schema['minimum']}"
    if value > schema.get("maximum", value):
        return f"at most {schema['maximum']}"
    return ""


def _matches(pattern: str, value: str) -> bool:
    # Go's $ is the end of the text; Python's lets a line break follow.
    return re.search(re.sub(r"\$$", r"\\Z", pattern), value) is not None


def _object(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Finding]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Finding(Reason.InvalidSpec, "found nothing, expected a value", f"{path}.{name}")
    for name, child in value.items():
        if name in known:
            yield from check_schema(known[name], child, f"{path}.{name}")
        elif "additionalProperties" in schema:
            yield from check_schema(schema["additionalProperties"], child, f"{path}.{name}")
        elif not schema.get(PRESERVE):
            yield unknown_field(name, list(known), path)


def _array(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Finding]:
    for index, item in enumerate(value):
        yield from check_schema(schema.get("items", {}), item, f"{path}[{index}]")
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: set[str] = set()
    for index, item in enumerate(value if keys else ()):
        key = ", ".join(str(item.get(key)) for key in keys) if isinstance(item, dict) else ""
        if key in seen:
            message = f"found {key!r} for the second time, expected it once"
            yield Finding(Reason.InvalidSpec, message, f"{path}[{index}].{keys[0]}")
        seen.add(key)


def unknown_field(name: str, known: Sequence[str], path: str) -> Finding:
    """Return the finding for a field that the schema does not have, with the nearest one as the hint."""
    nearest = get_close_matches(name, known, n=1)
    same = next((each for each in known if each.lower() == name.lower()), nearest[0] if nearest else "")
    hint = f"did you mean {same!r}?" if same else f"there are: {', '.join(known)}"
    message = f"found the field {name!r}, which the schema does not know"
    return Finding(Reason.UnknownField, message, f"{path}.{name}".lstrip("."), hint)


def _misfit(path: str, value: Any, expected: str) -> Finding:
    hint = _quote(value) if expected == "string" else ""
    return Finding(Reason.InvalidSpec, f"found {describe_value(value)}, expected {expected}", path, hint)


def _quote(value: Any) -> str:
    """Return how to write what YAML took for something else than a text."""
    if isinstance(value, bool):
        return "an unquoted y, n, on, off, yes or no is a boolean in YAML: quote it"
    return "quote it" if isinstance(value, int | float) else ""
