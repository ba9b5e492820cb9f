"""Values that stand in for a caller's when a template is tried without one."""

from collections.abc import Sequence
from typing import Any

from launchplan_operator.api.scalars import Enum
from launchplan_operator.api.types import TypeProblem, parse_type
from launchplan_operator.api.workflow import InputParameter

_SAMPLES: dict[str, Any] = {
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


def _sample(parameter: InputParameter) -> Any:
    if not parameter.required:
        return parameter.default
    declared = parse_type(parameter.type)
    if isinstance(declared, TypeProblem):
        raise TypeError(f"{parameter.type!r} is no type: only a validated workflow has samples")
    return declared.choices[0] if isinstance(declared, Enum) else _SAMPLES[declared.name]
