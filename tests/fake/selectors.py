"""Label and field selectors, parsed once and asked per object."""

import re
from collections.abc import Callable
from typing import Any

from tests.fake.errors import bad_request

Predicate = Callable[[dict[str, Any]], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)$")
_ITEM = re.compile(r"[^,(]+(?:\([^)]*\))?")


def label_selector(text: str) -> Predicate:
    """Return whether an object's labels satisfy the selector (`a=b,c!=d,e in (f,g),h,!i`)."""
    terms = [_term(item.strip()) for item in _ITEM.findall(text)]
    return lambda obj: all(term(obj["metadata"].get("labels") or {}) for term in terms)


def _term(text: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if "!=" in text:
        key, value = text.split("!=")
        return lambda labels: labels.get(key) != value
    if "=" in text:
        key, value = text.replace("==", "=").split("=")
        return lambda labels: labels.get(key) == value
    if text.startswith("!"):
        return lambda labels: text[1:] not in labels
    return lambda labels: text in labels


def field_selector(text: str, selectable: tuple[str, ...]) -> Predicate:
    """Return whether an object's fields satisfy the selector; only `selectable` paths and names are allowed.

    Raises:
        ApiError: A path that the kind cannot be selected by.
    """
    terms = []
    for item in filter(None, text.split(",")):
        wanted = "!=" not in item
        path, value = re.split(r"!=|==?", item, maxsplit=1)
        if path not in ("metadata.name", "metadata.namespace", *selectable):
            raise bad_request(f"field label not supported: {path}")
        terms.append((path, value, wanted))
    return lambda obj: all((_field(obj, path) == value) is wanted for path, value, wanted in terms)


def _field(obj: dict[str, Any], path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = (value or {}).get(part)
    return "" if value is None else str(value)
