"""The type grammar: what a declared type's text means, which values fit it, and how a value reads as text.

A value in a manifest must be the JSON kind of its type. A text, from an environment or a command line, is parsed by the
declared type; the canonical text of a value stands for that value again.
"""

from typing import Any

from launchplan_operator.api.addresses import Blob
from launchplan_operator.api.compounds import Dataset, ListOf, MapOf, Type, UnionOf
from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.misfits import Misfit, TypeProblem, describe_value, quoted
from launchplan_operator.api.scalars import NONE, SCALARS, Enum, Scalar, Struct
from launchplan_operator.api.typetext import MAX_TYPE_DEPTH, MAX_VARIANTS, nearest_type, parse_type

__all__ = [
    "MAX_TYPE_DEPTH",
    "MAX_VARIANTS",
    "NONE",
    "SCALARS",
    "Blob",
    "Dataset",
    "Enum",
    "ListOf",
    "MapOf",
    "Misfit",
    "Scalar",
    "Struct",
    "Type",
    "TypeProblem",
    "UnionOf",
    "check_value",
    "describe_value",
    "format_go_duration",
    "is_optional",
    "nearest_type",
    "parse_go_duration",
    "parse_text",
    "parse_type",
    "to_text",
]


def is_optional(declared: Type) -> bool:
    """Tell whether null is a value of the type."""
    return isinstance(declared, UnionOf) and declared.optional


def check_value(declared: Type, value: Any) -> str | None:
    """Return None if a JSON value is of the type, else what was expected and what was found, and in which part of it."""
    misfit = declared.misfit(value)
    return None if misfit is None else misfit.text


def to_text(declared: Type, value: Any) -> str:
    """Return the canonical text of a value that `check_value` found to fit.

    Strings, enums, durations, binaries and addresses stay as they are; an instant is in UTC with a Z; structs, lists and
    maps are compact JSON, with the instants and numbers in it as these types write them. A union's value is written as its
    variant would, or as JSON where that would be read as another value. None is the empty text.
    """
    return declared.text(value)


def parse_text(declared: Type, text: str) -> Any:
    """Return the JSON value that a text stands for by the declared type, or a TypeProblem.

    Blanks around the text count for a string only. As with Go, booleans may be 1, t, T, TRUE, 0, f and so on. Structs,
    lists and maps are JSON. A union takes what JSON says if that fits, else what all variants that can read it agree on.
    """
    value = declared.value(text)
    if isinstance(value, TypeProblem):
        return value
    misfit = declared.misfit(value)
    if misfit is None:
        return value
    if misfit.path:
        return TypeProblem(misfit.text)
    return TypeProblem(f"expected {misfit.expected}, found the text {quoted(text)}", _text_hint(declared))


def _text_hint(declared: Type) -> str:
    match declared:
        case ListOf() if declared.item == SCALARS["string"]:
            return """write it as JSON, such as '["a", "b"]'"""
        case ListOf():
            return "write it as JSON, such as '[…, …]'"
        case MapOf() | Struct():
            return """write it as JSON, such as '{"key": …}'"""
        case _:
            return ""
