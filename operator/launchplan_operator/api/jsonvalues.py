"""JSON as a person writes it: texts that are read, and values that some loader made, which may be no JSON at all."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from launchplan_operator.api.misfits import Misfit, describe_value, path_step

#: How deep a value without declared parts may nest. Whatever walks a value that fits may recurse that far.
MAX_JSON_DEPTH: Final = 64
#: What `read_json` returns for a text that is no JSON: an object, which no JSON value is.
NOT_JSON: Final = object()
#: Python refuses to write integers of more than 4,300 digits.
_MAX_BITS: Final = 8192
_EXPECTED: Final = "a JSON value"


def read_json(text: str) -> Any:
    """Return the value of a JSON text, or NOT_JSON; NaN and infinities are none, though Python reads them."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOT_JSON


def find_misfit(value: Any) -> Misfit | None:
    """Return the first part of a value that no JSON text holds, or that lies too deep; None if there is none.

    It does not recurse, so that any depth can be told.
    """
    waiting: list[tuple[Any, tuple[int | str, ...]]] = [(value, ())]
    while waiting:
        part, path = waiting.pop()
        found = _refusal(part, len(path))
        if found is not None:
            return Misfit(_EXPECTED, found, "".join(path_step(step) for step in path))
        waiting += [(inner, (*path, step)) for step, inner in _parts(part)]
    return None


def key_refusal(key: Any) -> str | None:
    """Return what was found where an object's key was expected, or None if it is one."""
    if not isinstance(key, str):
        return f"{describe_value(key)} as a key (quote it)"
    return None if is_unicode(key) else "a key with half a surrogate pair"


def is_unicode(text: str) -> bool:
    """Tell whether a text has a UTF-8 form; half a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts(value: Any) -> Iterator[tuple[int | str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _refusal(value: Any, depth: int) -> str | None:
    if depth > MAX_JSON_DEPTH:
        return f"more than {MAX_JSON_DEPTH} levels"
    if isinstance(value, dict):
        return next((found for found in map(key_refusal, value) if found), None)
    if isinstance(value, str):
        return None if is_unicode(value) else "a string with half a surrogate pair"
    if isinstance(value, float):
        return None if math.isfinite(value) else describe_value(value)
    if isinstance(value, int):
        return None if value.bit_length() <= _MAX_BITS else f"{describe_value(value)}, which no reader holds"
    return None if value is None or isinstance(value, list) else describe_value(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
