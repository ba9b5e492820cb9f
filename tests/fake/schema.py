"""Structural schemas: pruning, defaults and validation as the API server does them for custom resources (CEL apart)."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from launchplan_operator.api.kinds import Kind
from tests.fake.resources import Resource
from tests.fake.store import copy

Object = dict[str, Any]
Schema = dict[str, Any]

Rule = Callable[[Object, Object | None], Iterable[str]]

_NAME_SIZE = re.compile(r"self\.metadata\.name\.size\(\) <= (\d+)")
_RULES = "x-kubernetes-validations"
_ANY = "x-kubernetes-preserve-unknown-fields"
_KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, bound: value >= bound, "should be greater than or equal to"),
    "maximum": (lambda value, bound: value <= bound, "should be less than or equal to"),
    "minLength": (lambda value, bound: len(value) >= bound, "should be at least that many chars long:"),
    "maxLength": (lambda value, bound: len(value) <= bound, "may not be more than"),
    "minItems": (lambda value, bound: len(value) >= bound, "should have at least"),
    "maxItems": (lambda value, bound: len(value) <= bound, "must have at most"),
    "maxProperties": (lambda value, bound: len(value) <= bound, "must have at most"),
    "pattern": (lambda value, bound: re.search(bound, value) is not None, "should match"),
    "enum": (lambda value, bound: value in bound, "supported values:"),
}


def custom_resource(crd: Object) -> Resource:
    """Return the kind that a CustomResourceDefinition with one version defines."""
    spec, version = crd["spec"], crd["spec"]["versions"][0]
    names, schema = spec["names"], version["schema"]["openAPIV3Schema"]
    schema.get("properties", {}).pop("metadata", None)
    rules = _root_rules(schema, names["plural"])

    def prepare(obj: Object, _old: Object | None) -> None:
        prune(schema, obj, root=True)
        fill(schema, obj)

    return Resource(
        Kind(spec["group"], version["name"], names["plural"], names["kind"]),
        namespaced=spec["scope"] == "Namespaced",
        custom=True,
        status="status" in version.get("subresources", {}),
        selectable=tuple(field["jsonPath"].lstrip(".") for field in version.get("selectableFields", ())),
        short_names=tuple(names.get("shortNames", ())),
        unconditional=False,
        prepare=prepare,
        validate=lambda obj, old: (*findings(schema, obj, ""), *(found for rule in rules for found in rule(obj, old))),
    )


def _root_rules(schema: Schema, plural: str) -> list[Rule]:
    """Return the CEL rules that the operator's own writes can meet; the rest is for the cluster tests."""
    rules: list[Rule] = [_frozen_spec] if plural == "launchplanexecutions" else []
    found = [(_NAME_SIZE.fullmatch(rule["rule"]), rule["message"]) for rule in schema.get(_RULES, ())]
    return rules + [partial(_short_name, int(size[1]), message) for size, message in found if size]


def _short_name(longest: int, message: str, obj: Object, _old: Object | None) -> Iterator[str]:
    name = obj["metadata"]["name"]
    if len(name) > longest:
        yield f'metadata.name: Invalid value: "{name}": {message}'


def _frozen_spec(obj: Object, old: Object | None) -> Iterator[str]:
    """An execution's spec may get a `terminate`, once, and nothing else."""
    if old is None or old["spec"] == obj["spec"]:
        return
    rest = {key: value for key, value in obj["spec"].items() if key != "terminate"}
    if rest != old["spec"]:
        yield "spec: Invalid value: the spec cannot change once created, but for terminate, which can be added once"


def prune(schema: Schema, value: Any, *, root: bool = False) -> None:
    """Remove the fields that the schema does not know."""
    if isinstance(value, list):
        for item in value:
            prune(schema.get("items", {_ANY: True}), item)
    if not isinstance(value, dict):
        return
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key in list(value):
        if root and key in ("apiVersion", "kind", "metadata"):
            continue
        known = properties.get(key, others)
        if isinstance(known, dict):
            prune(known, value[key])
        elif known is None and not schema.get(_ANY):
            del value[key]


def fill(schema: Schema, value: Any) -> None:
    """Set the schema's defaults."""
    if isinstance(value, list):
        for item in value:
            fill(schema.get("items", {}), item)
    if not isinstance(value, dict):
        return
    properties = schema.get("properties", {})
    for key, known in properties.items():
        null_to_default = value.get(key) is None and not known.get("nullable")
        if "default" in known and (key not in value or null_to_default):
            value[key] = copy(known["default"])
    others = schema.get("additionalProperties")
    for key, child in value.items():
        known = properties.get(key, others)
        if isinstance(known, dict):
            fill(known, child)


def findings(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Yield what does not fit, as `path: Invalid value: ...`."""
    if value is None and schema.get("nullable"):
        return
    wanted = schema.get("type")
    if wanted and not _KINDS[wanted](value):
        found = next((name for name, fits in _KINDS.items() if fits(value)), "null")
        yield f'{path}: Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
        return
    for bound, (fits, words) in _BOUNDS.items():
        if bound in schema and not fits(value, schema[bound]):
            yield f"{path}: Invalid value: {value!r}: {path} in body {words} {schema[bound]}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from findings(schema.get("items", {}), item, f"{path}[{index}]")
        yield from _duplicates(schema.get("x-kubernetes-list-map-keys", ()), value, path)
    if isinstance(value, dict):
        yield from _object_findings(schema, value, path)


def _duplicates(keys: Iterable[str], items: list[Any], path: str) -> Iterator[str]:
    seen = []
    for index, item in enumerate(items):
        name = {key: item.get(key) for key in keys} if isinstance(item, dict) else {}
        if name and name in seen:
            yield f"{path}[{index}]: Duplicate value: {name}"
        seen.append(name)


def _object_findings(schema: Schema, value: Object, path: str) -> Iterator[str]:
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{_join(path, key)}: Required value"
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, child in value.items():
        known = properties.get(key, others)
        if isinstance(known, dict):
            yield from findings(known, child, _join(path, key))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
