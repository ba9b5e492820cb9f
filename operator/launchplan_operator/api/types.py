"""The type grammar: what a declared type's text means, which values fit it, and how a value reads as text.

A value in a manifest must be the JSON kind of its type. A text, from an environment or a command line, is parsed by the
declared type; the canonical text of a value stands for that value again.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.scalars import SCALARS, Enum, Scalar, describe_value, shortened

__all__ = [
    "Type",
    "TypeProblem",
    "check_value",
    "describe_value",
    "format_go_duration",
    "parse_go_duration",
    "parse_text",
    "parse_type",
    "to_text",
]

Type = Scalar | Enum

_ENUM: Final = re.compile(r"enum\[([^\[\]]*)\]")
#: What other languages call our types.
_OTHER_NAMES: Final = {
    "int": "integer",
    "long": "integer",
    "double": "float",
    "number": "float",
    "str": "string",
    "text": "string",
    "bool": "boolean",
    "date": "datetime",
    "timestamp": "datetime",
    "timedelta": "duration",
    "dict": "struct",
    "object": "struct",
    "json": "struct",
    "bytes": "binary",
    "enum": "enum[a, b]",
}


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """Why a text is no type, or no value of a type: what was found and expected, and what may help."""

    message: str
    hint: str = ""


def parse_type(text: str) -> Type | TypeProblem:
    """Return the type that a text declares, or why it declares none."""
    if scalar := SCALARS.get(text):
        return scalar
    if enum := _ENUM.fullmatch(text):
        return _parse_enum(text, tuple(choice.strip() for choice in enum[1].split(",")))
    expected = ", ".join((*SCALARS, "enum[a, b]"))
    return TypeProblem(f"found the type {_quoted(text)}, expected one of {expected}", _type_hint(text))


def check_value(declared: Type, value: Any) -> str | None:
    """Return None if a JSON value is of the type, else what was expected and what was found."""
    found = declared.misfit(value)
    return None if found is None else f"expected {declared.expected}, found {found}"


def to_text(declared: Type, value: Any) -> str:
    """Return the canonical text of a value that `check_value` found to fit.

    Strings, enums, durations and binaries stay as they are; an instant is in UTC with a Z; a struct is compact JSON.
    """
    return declared.text(value)


def parse_text(declared: Type, text: str) -> Any:
    """Return the JSON value that a text stands for by the declared type, or a TypeProblem.

    Blanks around the text count for a string only. As with Go, booleans may be 1, t, T, TRUE, 0, f and so on.
    """
    value = declared.value(text)
    if declared.misfit(value) is None:
        return value
    return TypeProblem(f"expected {declared.expected}, found the text {_quoted(text)}")


def _parse_enum(text: str, choices: tuple[str, ...]) -> Type | TypeProblem:
    if "" in choices:
        return TypeProblem(f"found an empty choice in {_quoted(text)}, expected enum[a, b] with one choice at least")
    twice = next((choice for choice in choices if choices.count(choice) > 1), None)
    if twice is not None:
        return TypeProblem(f"found the choice {_quoted(twice)} twice in {_quoted(text)}")
    return Enum(choices)


def _type_hint(text: str) -> str:
    name = text.strip().lower()
    known = [*SCALARS, *_OTHER_NAMES]
    nearest = next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)
    return f"did you mean {_OTHER_NAMES.get(nearest, nearest)}?" if nearest else ""


def _quoted(text: str) -> str:
    return shortened(repr(text))
