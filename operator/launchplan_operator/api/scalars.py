"""The types without parts: which JSON values fit each, its canonical text, and what a text stands for."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.instants import canonical_instant
from launchplan_operator.api.jsonvalues import NOT_JSON, find_misfit, is_unicode, read_json
from launchplan_operator.api.misfits import Misfit, describe_value

_MIN_INT64: Final = -(2**63)
_MAX_INT64: Final = 2**63 - 1
_INTEGER_TEXT: Final = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT_TEXT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,5})?")
#: What Go's strconv.ParseBool takes.
_TRUE_TEXTS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE_TEXTS: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts.

    Attributes:
        name: the text that declares it.
        found: None for a value that fits; else what was found, or an empty text where `describe_value` says it best.
        normalise: the one JSON value of all that mean the same.
        write: the canonical text of a value that was normalised.
        read: the value that a text stands for; a text that stands for none is returned as it is.
        example: how a value looks, for messages.
    """

    name: str
    found: Callable[[Any], str | None]
    normalise: Callable[[Any], Any] = _as_it_is
    write: Callable[[Any], str] = str
    read: Callable[[str], Any] = str.strip
    example: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return f"{self.name} ({self.example})" if self.example else self.name

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is not of the type, or None if it is."""
        found = self.found(value)
        return found if found is None else Misfit(self.expected, found or describe_value(value))

    def normal(self, value: Any) -> Any:
        """Return the one JSON value of all that mean the same as one that fits."""
        return self.normalise(value)

    def text(self, value: Any) -> str:
        """Return the canonical text of a value that fits."""
        return self.write(self.normalise(value))

    def value(self, text: str) -> Any:
        """Return the JSON value that a text stands for; one that stands for none gives a value that does not fit."""
        return self.read(text)


@dataclass(frozen=True, slots=True)
class Struct:
    """Any JSON object, of `MAX_JSON_DEPTH` levels at most."""

    def __str__(self) -> str:
        return "struct"

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return "struct (a JSON object)"

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is no object, or the part of it that is no JSON."""
        return find_misfit(value) if isinstance(value, dict) else Misfit(self.expected, describe_value(value))

    def normal(self, value: Any) -> Any:
        """Return the object as it is: nothing is declared of what is in it."""
        return value

    def text(self, value: Any) -> str:
        """Return the object as canonical JSON."""
        return canonical_json(value)

    def value(self, text: str) -> Any:
        """Return the value of a JSON text; any other text as it is."""
        value = read_json(text)
        return text if value is NOT_JSON else value


@dataclass(frozen=True, slots=True)
class Enum:
    """One of a few texts."""

    choices: tuple[str, ...]

    def __str__(self) -> str:
        return f"enum[{', '.join(self.choices)}]"

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        return f"one of {', '.join(self.choices)}"

    def misfit(self, value: Any) -> Misfit | None:
        """Return why a value is none of the choices, or None if it is one."""
        if isinstance(value, str) and value in self.choices:
            return None
        return Misfit(self.expected, _no_text(value) or describe_value(value))

    def normal(self, value: Any) -> Any:
        """Return the choice."""
        return value

    def text(self, value: Any) -> str:
        """Return the choice."""
        return str(value)

    def value(self, text: str) -> str:
        """Return the choice that a text names."""
        return text.strip()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_integer(value: Any) -> str | None:
    # JSON has one kind of number, and the API server stores 3.0 as 3: a whole number is an integer however written.
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not _is_number(value) or not whole:
        return ""
    return None if _MIN_INT64 <= int(value) <= _MAX_INT64 else f"{describe_value(value)}, which exceeds 64 bits"


def _no_float(value: Any) -> str | None:
    if not _is_number(value):
        return ""
    try:
        return None if math.isfinite(float(value)) else ""
    except OverflowError:
        return f"{describe_value(value)}, which exceeds a float's range"


def _no_boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else ""


def _no_text(value: Any) -> str | None:
    if isinstance(value, str):
        return None
    if isinstance(value, bool):
        return f"{describe_value(value)} (YAML reads an unquoted yes, no, on or off as one: quote it)"
    return f"{describe_value(value)} (quote it)" if _is_number(value) else ""


def _no_string(value: Any) -> str | None:
    if not isinstance(value, str):
        return _no_text(value)
    if "\0" in value:
        return "a string with a NUL character, which no environment can hold"
    return None if is_unicode(value) else "a string with half a surrogate pair"


def _no_datetime(value: Any) -> str | None:
    if not isinstance(value, str):
        return _no_text(value)
    return "" if canonical_instant(value) is None else None


def _no_duration(value: Any) -> str | None:
    if not isinstance(value, str):
        return _no_text(value)
    return "" if parse_go_duration(value) is None else None


def _no_binary(value: Any) -> str | None:
    if not isinstance(value, str):
        return ""
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return None


def _no_null(value: Any) -> str | None:
    return None if value is None else ""


def _normal_datetime(value: Any) -> Any:
    return canonical_instant(value) or value


def _read_integer(text: str) -> int | str:
    stripped = text.strip()
    return int(stripped) if _INTEGER_TEXT.fullmatch(stripped) else text


def _read_float(text: str) -> float | str:
    stripped = text.strip()
    return float(stripped) if _FLOAT_TEXT.fullmatch(stripped) else text


def _read_boolean(text: str) -> bool | str:
    stripped = text.strip()
    return stripped in _TRUE_TEXTS if stripped in _TRUE_TEXTS | _FALSE_TEXTS else text


def _read_null(text: str) -> str | None:
    return None if text.strip() in {"", "null"} else text


def _write_null(_: None) -> str:
    return ""


#: The type of null. It is declared as a variant of a union only, as optional[T].
NONE: Final = Scalar("none", _no_null, write=_write_null, read=_read_null)
SCALARS: Final = {
    str(scalar): scalar
    for scalar in (
        Scalar("integer", _no_integer, int, str, _read_integer),
        Scalar("float", _no_float, float, repr, _read_float),
        Scalar("string", _no_string, read=str),
        Scalar("boolean", _no_boolean, write=json.dumps, read=_read_boolean),
        Scalar("datetime", _no_datetime, _normal_datetime, example="RFC 3339, such as 2026-01-31T09:00:00Z"),
        Scalar("duration", _no_duration, example="such as 90s or 1h30m"),
        Struct(),
        Scalar("binary", _no_binary, example="base64"),
    )
}
