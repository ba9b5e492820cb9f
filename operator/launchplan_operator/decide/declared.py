"""Declared types: whether their texts are in the type grammar."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import set_item
from launchplan_operator.api.types import TypeProblem, nearest_type, parse_type


class Declared(Protocol):
    """An input or an output with a type."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def type(self) -> str:
        """Its type's text."""
        ...


def check_types(fields: Sequence[Declared], path: str) -> Iterator[Finding]:
    """Yield a finding for each field whose type does not parse; `path` is that of the list."""
    for place, field in enumerate(fields):
        problem = parse_type(field.type)
        if isinstance(problem, TypeProblem):
            fix = set_item(str(nearest_type(field.type) or "string"), f"{path}[{place}].type")
            yield Finding(Reason.TypeInvalid, problem.message, f"{path}[{field.name}].type", problem.hint, fix=fix)
