"""Values that stand in for a caller's: least ones to try a template with, and examples to mend a mistake with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from launchplan_operator.api.addresses import Blob
from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.compounds import Dataset, ListOf, MapOf, Type, UnionOf
from launchplan_operator.api.misfits import TypeProblem
from launchplan_operator.api.scalars import SCALARS, Enum
from launchplan_operator.api.types import check_value, parse_text
from launchplan_operator.api.typetext import parse_type
from launchplan_operator.api.workflow import InputParameter

_SAMPLES: Final[Mapping[str, Any]] = {
    "integer": 0,
    "float": 0.0,
    "string": "",
    "boolean": False,
    "datetime": "1970-01-01T00:00:00Z",
    "duration": "0s",
    "struct": {},
    "binary": "",
}


def sample_inputs(parameters: Sequence[InputParameter]) -> dict[str, Any]:
    """Return a value for each input: its default, else one of its type."""
    return {parameter.name: _sample(parameter) for parameter in parameters}


def sample_value(declared: Type) -> Any:
    """Return the least value of a type: zero or empty where it may be, and of the first of several types."""
    match declared:
        case Enum():
            return declared.choices[0]
        case Blob() | Dataset():
            return "file:///dev/null"
        case ListOf():
            return []
        case MapOf():
            return {}
        case UnionOf():
            return sample_value(declared.variants[0])
        case _:
            return _SAMPLES[str(declared)]


def example_value(declared: Type) -> Any:
    """Return a value of a type for a person to put a better one in its place."""
    return "example" if declared == SCALARS["string"] else sample_value(declared)


def nearest_value(declared: Type, value: Any) -> Any:
    """Return the value of a type that was probably meant by another: what its text stands for, else an example."""
    meant = parse_text(declared, plain_text(value))
    if isinstance(meant, TypeProblem) or check_value(declared, meant) is not None:
        return example_value(declared)
    return meant


def plain_text(value: Any) -> str:
    """Return the text of a value whose type is not known: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)


def _sample(parameter: InputParameter) -> Any:
    if not parameter.required:
        return parameter.default
    declared = parse_type(parameter.type)
    if isinstance(declared, TypeProblem):
        raise TypeError(f"{parameter.type!r} is no type: only a validated workflow has samples")
    return sample_value(declared)
