"""Why a value or a text is refused: what was expected, what was found, and where."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

_SHOWN: Final = 60
_DECIMAL_BITS: Final = 8192
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
#: Python's bool is an int, so it comes first.
_SHOWN_KINDS: Final[tuple[tuple[type | tuple[type, ...], str, Callable[[Any], str]], ...]] = (
    (bool, "the boolean", json.dumps),
    # Python refuses to write integers of thousands of digits in decimal.
    (int, "the number", lambda value: str(value) if value.bit_length() < _DECIMAL_BITS else hex(value)),
    (float, "the number", str),
    (str, "the string", repr),
)


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """Why a text is no type, or no value of a type: what was found and expected, and what may help."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value is not of a type.

    Attributes:
        path: from the value to the part that does not fit, such as `[2].x`; empty for the value itself.
    """

    expected: str
    found: str
    path: str = ""

    @property
    def text(self) -> str:
        """The whole as a message says it."""
        place = f"at {shortened(self.path)}: " if self.path else ""
        return f"{place}expected {self.expected}, found {self.found}"

    def below(self, step: int | str) -> "Misfit":
        """Return the same, as seen from the list or the object that holds the value at an index or a key."""
        return replace(self, path=path_step(step) + self.path)


def path_step(step: int | str) -> str:
    """Return how a path names an index or a key."""
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{quoted(step)}]"


def describe_value(value: Any) -> str:
    """Return a JSON value as a message says it, such as: the string '3'."""
    if value is None:
        return "null"
    for types, kind, write in _SHOWN_KINDS:
        if isinstance(value, types):
            return f"{kind} {shortened(write(value))}"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def shortened(text: str) -> str:
    """Return a text cut to what a message can hold."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def quoted(text: str) -> str:
    """Return a text in quotes, cut to what a message can hold."""
    return shortened(repr(text))
