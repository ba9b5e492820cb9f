"""What a cron text means: five bit sets, the rule for days, and the one text that stands for the meaning."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from launchplan_operator.decide.cron_fields import DAY, HOUR, MINUTE, MONTH, WEEKDAY, Field, span_bits

_DAYS_OF_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
#: A list of fewer values than this is written out rather than as a range or with a step.
_SHORTEST_RUN: Final = 3


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron text's meaning: bit n of a set is set if the value n is in it; weekday 0 is Sunday.

    `dom_star` and `dow_star` say that the field's text had a star. A rate (`@every`) has `every`, in whole seconds,
    and empty sets.
    """

    minute: int = 0
    hour: int = 0
    dom: int = 0
    month: int = 0
    dow: int = 0
    dom_star: bool = False
    dow_star: bool = False
    every: timedelta | None = None

    def matches_day(self, day: int, weekday: int) -> bool:
        """Tell whether a day of the month that is a weekday (0 = Sunday) fits: either field, unless one is a star."""
        in_dom, in_dow = self.dom >> day & 1, self.dow >> weekday & 1
        return bool(in_dom and in_dow if self.dom_star or self.dow_star else in_dom or in_dow)

    @property
    def days(self) -> tuple[int, int]:
        """The day of month and weekday sets with the same meaning in which a field that decides nothing is full."""
        if self.dom_star or self.dow_star:
            return self.dom, self.dow
        if DAY.all == self.dom or WEEKDAY.all == self.dow:
            return DAY.all, WEEKDAY.all
        return (self.dom or DAY.all, self.dow or WEEKDAY.all) if self.dom or self.dow else (0, 0)

    @property
    def can_fire(self) -> bool:
        """Whether any date of the calendar fits, leap years included."""
        if self.every:
            return True
        dom, dow = self.days
        if not (self.minute and self.hour and dom and dow):
            return False
        if dow != WEEKDAY.all:
            return self.month != 0
        return any(
            self.month >> month & 1 and dom & span_bits(1, last, 1) for month, last in enumerate(_DAYS_OF_MONTH, 1)
        )

    @property
    def text(self) -> str:
        """The normal form: texts with the same sets have the same one, and it means to Kubernetes what they mean."""
        if self.every:
            return f"@every {self.every // timedelta(seconds=1)}s"
        dom, dow = self.days
        sets = ((self.minute, MINUTE), (self.hour, HOUR), (dom, DAY), (self.month, MONTH), (dow, WEEKDAY))
        return " ".join(_field_text(bits, field) for bits, field in sets)


def _field_text(bits: int, field: Field) -> str:
    if bits == field.all:
        return "*"
    values = [value for value in range(field.low, field.high + 1) if bits >> value & 1]
    if field is not WEEKDAY and (step := _step_from_start(values, field)):
        return f"*/{step}"
    return _progression(values) or ",".join(_runs(values)) or ","


def _step_from_start(values: list[int], field: Field) -> int:
    """Return the step that leads from the field's start through exactly these values, or 0."""
    if len(values) < 2 or values[0] != field.low:  # noqa: PLR2004 - one value has no step
        return 0
    step = values[1] - values[0]
    even = (field.high - field.low + 1) % step == 0
    fits = values == list(range(field.low, field.high + 1, step))
    return step if fits and (even or len(values) >= _SHORTEST_RUN) else 0


def _progression(values: list[int]) -> str:
    if len(values) < _SHORTEST_RUN:
        return ""
    step = values[1] - values[0]
    if values != list(range(values[0], values[-1] + 1, step)):
        return ""
    return f"{values[0]}-{values[-1]}" + (f"/{step}" if step > 1 else "")


def _runs(values: list[int]) -> list[str]:
    texts: list[str] = []
    while values:
        length = next((n for n, value in enumerate(values) if value != values[0] + n), len(values))
        if length >= _SHORTEST_RUN:
            texts.append(f"{values[0]}-{values[length - 1]}")
        else:
            texts += map(str, values[:length])
        values = values[length:]
    return texts
