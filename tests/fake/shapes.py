"""The nodes of a structural schema, read once: what they prune, fill and refuse."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.fake.store import copy

Object = dict[str, Any]
Schema = dict[str, Any]
Check = Callable[[Any], bool]

_ANY = "x-kubernetes-preserve-unknown-fields"
_KINDS: dict[str, Check] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda bound, value: value >= bound, "should be greater than or equal to"),
    "maximum": (lambda bound, value: value <= bound, "should be less than or equal to"),
    "minLength": (lambda bound, value: len(value) >= bound, "should be at least that many chars long:"),
    "maxLength": (lambda bound, value: len(value) <= bound, "may not be more than"),
    "minItems": (lambda bound, value: len(value) >= bound, "should have at least"),
    "maxItems": (lambda bound, value: len(value) <= bound, "must have at most"),
    "maxProperties": (lambda bound, value: len(value) <= bound, "must have at most"),
    "pattern": (lambda bound, value: re.search(bound, value) is not None, "should match"),
    "enum": (lambda bound, value: value in bound, "supported values:"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One node.

    Attributes:
        kind: the JSON type that is wanted, or empty for any.
        bounds: each with the words for what is expected.
        items: of a list.
        others: what fields without a name have; None if there are none.
        keeps: whether fields that nobody knows stay.
        defaults: by field, and whether null stands for itself there.
        keys: the fields that tell a list's items apart.
        fills: whether anything in it has a default.
    """

    kind: str = ""
    nullable: bool = False
    bounds: tuple[tuple[Check, str], ...] = ()
    items: "Shape | None" = None
    properties: dict[str, "Shape"] | None = None
    others: "Shape | None" = None
    keeps: bool = True
    required: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any, bool], ...] = ()
    keys: tuple[str, ...] = ()
    fills: bool = False

    def of(self, key: str) -> "Shape | None":
        """Return what a field of an object has; None if it is not known."""
        return self.properties.get(key, self.others) if self.properties else self.others


def read_shape(schema: Schema) -> Shape:
    """Return the shape that a schema describes."""
    known: dict[str, Schema] = schema.get("properties", {})
    properties = {key: read_shape(child) for key, child in known.items()}
    additional = schema.get("additionalProperties")
    others = read_shape(additional) if isinstance(additional, dict) else Shape() if additional else None
    items = read_shape(schema["items"]) if "items" in schema else None
    defaults = tuple(
        (key, each["default"], bool(each.get("nullable"))) for key, each in known.items() if "default" in each
    )
    children = (*properties.values(), *filter(None, (others, items)))
    return Shape(
        schema.get("type", ""),
        bool(schema.get("nullable")),
        tuple(_bound(name, schema[name]) for name in _BOUNDS if name in schema),
        items,
        properties,
        others,
        bool(schema.get(_ANY)),
        tuple(schema.get("required", ())),
        defaults,
        tuple(schema.get("x-kubernetes-list-map-keys", ())),
        bool(defaults) or any(child.fills for child in children),
    )


def _bound(name: str, bound: Any) -> tuple[Check, str]:
    check, words = _BOUNDS[name]
    return partial(check, bound), f"{words} {bound}"


def prune(shape: Shape, value: Any) -> None:
    """Remove the fields that the schema does not know."""
    if isinstance(value, list) and shape.items is not None:
        for item in value:
            prune(shape.items, item)
    if not isinstance(value, dict):
        return
    for key, child in list(value.items()):
        known = shape.of(key)
        if known is None:
            if not shape.keeps:
                del value[key]
        elif isinstance(child, dict | list):
            prune(known, child)


def fill(shape: Shape, value: Any) -> None:
    """Set the schema's defaults."""
    if isinstance(value, list) and shape.items is not None:
        for item in value:
            fill(shape.items, item)
    if not isinstance(value, dict) or not shape.fills:
        return
    for key, default, nullable in shape.defaults:
        if key not in value or (value[key] is None and not nullable):
            value[key] = copy(default)
    for key, child in value.items():
        if isinstance(child, dict | list) and (known := shape.of(key)) is not None and known.fills:
            fill(known, child)


def fits(shape: Shape, value: Any) -> bool:
    """Tell whether there is nothing to find."""
    if value is None and shape.nullable:
        return True
    if shape.kind and not _KINDS[shape.kind](value):
        return False
    for check, _ in shape.bounds:
        if not check(value):
            return False
    if isinstance(value, list):
        return _items_fit(shape, value)
    return not isinstance(value, dict) or _fields_fit(shape, value)


def _items_fit(shape: Shape, items: list[Any]) -> bool:
    if shape.keys and any(_duplicates(shape.keys, items, "")):
        return False
    return shape.items is None or all(fits(shape.items, item) for item in items)


def _fields_fit(shape: Shape, value: Object) -> bool:
    for key in shape.required:
        if key not in value:
            return False
    for key, child in value.items():
        known = shape.of(key)
        if known is not None and not fits(known, child):
            return False
    return True


def findings(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield what does not fit, as `path: Invalid value: ...`."""
    if value is None and shape.nullable:
        return
    wanted = shape.kind
    if wanted and not _KINDS[wanted](value):
        found = next((name for name, is_one in _KINDS.items() if is_one(value)), "null")
        yield f'{path}: Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
        return
    for check, words in shape.bounds:
        if not check(value):
            yield f"{path}: Invalid value: {value!r}: {path} in body {words}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from findings(shape.items or Shape(), item, f"{path}[{index}]")
        yield from _duplicates(shape.keys, value, path)
    if isinstance(value, dict):
        yield from _field_findings(shape, value, path)


def _duplicates(keys: Iterable[str], items: list[Any], path: str) -> Iterator[str]:
    seen = []
    for index, item in enumerate(items):
        name = {key: item.get(key) for key in keys} if isinstance(item, dict) else {}
        if name and name in seen:
            yield f"{path}[{index}]: Duplicate value: {name}"
        seen.append(name)


def _field_findings(shape: Shape, value: Object, path: str) -> Iterator[str]:
    for key in shape.required:
        if key not in value:
            yield f"{_join(path, key)}: Required value"
    for key, child in value.items():
        known = shape.of(key)
        if known is not None:
            yield from findings(known, child, _join(path, key))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
