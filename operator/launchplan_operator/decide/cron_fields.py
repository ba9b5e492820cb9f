"""The fields of a cron text, read to bit sets as Kubernetes' own parser reads them.

The rules are those of robfig/cron v3.0.1 (`getField`, `getRange`, `mustParseInt`), which the API server and the CronJob
controller use, oddities included: empty list items are dropped, whatever follows `*-` is ignored, a step without a
range runs to the field's end, and only a star with a step of one counts as a star.
"""

import re
from dataclasses import dataclass
from typing import Final

#: Set in a field's bits when a star was written: it makes the day fields AND instead of OR.
STAR: Final = 1 << 63

_NUMBER: Final = re.compile(r"([+-]?)0*([0-9]+)", re.ASCII)
#: The largest number that the parser's 64-bit integer holds has 19 digits.
_MAX_NUMBER: Final = 2**63 - 1

#: What other crons take for Sunday too.
_OTHER_SUNDAY: Final = 7

_FOREIGN: Final = (
    (re.compile(r".*#.*"), "Kubernetes has no # for the n-th weekday of a month"),
    (re.compile(r"(\d*|\w+-?)L(-\d+|W)?", re.IGNORECASE), "Kubernetes has no L for the last day"),
    (re.compile(r"\d*W", re.IGNORECASE), "Kubernetes has no W for the nearest working day"),
    (re.compile(r"[HR](\(.*\))?(/.*)?", re.IGNORECASE), "Kubernetes has no H or R for a chosen value: write a number"),
    (re.compile(r"\d*\.\d*"), "use whole numbers"),
)


@dataclass(frozen=True, slots=True)
class CronError:
    """Why a cron text is refused: what was found and expected, and what to write instead (may be empty)."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five fields: its name in messages, its bounds, and the words that stand for `low` and up."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    @property
    def all(self) -> int:
        """The bits of every value."""
        return span_bits(self.low, self.high, 1)

    @property
    def expected(self) -> str:
        """The allowed values, for messages."""
        words = f", or {self.words[0].upper()} to {self.words[-1].upper()}" if self.words else ""
        return f"{self.low} to {self.high}{words}"


MINUTE: Final = Field("minute", 0, 59)
HOUR: Final = Field("hour", 0, 23)
DAY: Final = Field("day of month", 1, 31)
MONTH: Final = Field(
    "month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
)
WEEKDAY: Final = Field("weekday", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
FIELDS: Final = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def span_bits(low: int, high: int, step: int) -> int:
    """Return the bits of `low`, `low + step`, … up to `high`."""
    return sum(1 << value for value in range(low, high + 1, step))


def parse_field(text: str, field: Field) -> int | CronError:
    """Return the bits of a field's text, with `STAR` among them where a star was written."""
    bits = 0
    for item in text.split(","):
        found = _parse_item(item, field) if item else 0
        if isinstance(found, CronError):
            return found
        bits |= found
    return bits


def _parse_item(item: str, field: Field) -> int | CronError:
    span_text, *steps = item.split("/")
    if len(steps) > 1:
        return CronError(f"{field.name} {item}: found {len(steps)} slashes, expected one at most")
    step = _parse_step(steps[0], item, field) if steps else 1
    if isinstance(step, CronError):
        return step
    first, *rest = span_text.split("-")
    if first in {"*", "?"}:
        return span_bits(field.low, field.high, step) | (STAR if step == 1 else 0)
    if len(rest) > 1:
        return CronError(f"{field.name} {item}: found {len(rest)} hyphens, expected one at most")
    return _parse_span(first, rest[0] if rest else None, step if steps else None, item, field)


def _parse_step(text: str, item: str, field: Field) -> int | CronError:
    step = _integer(text)
    if step is None or step < 1:
        return CronError(f"{field.name} {item}: found the step {text!r}, expected a whole number from 1")
    return step


def _parse_span(first: str, last: str | None, step: int | None, item: str, field: Field) -> int | CronError:
    low = _value(first, item, field)
    if isinstance(low, CronError):
        return low
    high = low if last is None else _value(last, item, field)
    if isinstance(high, CronError):
        return high
    if last is None and step is not None:
        high = max(low, field.high)
    return _out_of_bounds(low, high, field) or span_bits(low, high, step or 1)


def _value(text: str, item: str, field: Field) -> int | CronError:
    # Go's lower case of U+0130 is a plain i, Python's is not.
    word = text.replace("\u0130", "i").lower()
    if word in field.words:
        return field.low + field.words.index(word)
    value = _integer(text)
    if value is None or value < 0:
        found = "" if text == item else f"found {text!r}, "
        return CronError(f"{field.name} {item}: {found}expected {field.expected}", _word_hint(item, text, field))
    return value


def _integer(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    if match is None or len(match[2]) > len(str(_MAX_NUMBER)):
        return None
    value = int(match[1] + match[2])
    return value if value <= _MAX_NUMBER else None


def _word_hint(item: str, text: str, field: Field) -> str:
    short = text[:3].lower()
    if len(text) > len(short) and short in field.words and text.isalpha():
        return f"use {short.upper()}"
    return next((hint for pattern, hint in _FOREIGN if pattern.fullmatch(item)), "")


def _out_of_bounds(low: int, high: int, field: Field) -> CronError | None:
    if field is WEEKDAY and high == _OTHER_SUNDAY:
        hint = f"write {_run(low, field.high)},0" if low < high else "use 0 or SUN"
        return CronError("weekday 7: Kubernetes counts 0 (Sunday) to 6", hint)
    for value in (low, high):
        if not field.low <= value <= field.high:
            return CronError(f"{field.name} {value}: expected {field.expected}", f"the first is {field.low}")
    if low > high:
        message = f"{field.name} {low}-{high}: the range ends before it begins"
        return CronError(message, f"write {_run(low, field.high)},{_run(field.low, high)}")
    return None


def _run(low: int, high: int) -> str:
    return f"{low}-{high}" if low < high else f"{low}"
