"""Cron texts with the meaning that Kubernetes gives them in a CronJob.

Accepted is what the API server accepts in `spec.schedule`; see `cron_fields` for the grammar and `cron_walk` for the
times.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.decide.cron_fields import DAY, FIELDS, HOUR, MONTH, STAR, WEEKDAY, CronError, parse_field
from launchplan_operator.decide.cron_sets import Cron
from launchplan_operator.decide.cron_walk import next_after

__all__ = ["Cron", "CronError", "matches", "next_after", "parse_cron"]

#: Runs of what Go does not take for white space; Python's \s has the four separators more.
_WORDS: Final = re.compile(r"[\S\x1c-\x1f]+")
_EVERY: Final = "@every "
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time

_YEARLY: Final = Cron(1, 1, 1 << 1, 1 << 1, WEEKDAY.all, dow_star=True)
_MONTHLY: Final = Cron(1, 1, 1 << 1, MONTH.all, WEEKDAY.all, dow_star=True)
_WEEKLY: Final = Cron(1, 1, DAY.all, MONTH.all, 1, dom_star=True)
_DAILY: Final = Cron(1, 1, DAY.all, MONTH.all, WEEKDAY.all, dom_star=True, dow_star=True)
_HOURLY: Final = Cron(1, HOUR.all, DAY.all, MONTH.all, WEEKDAY.all, dom_star=True, dow_star=True)
_DESCRIPTORS: Final = {
    "@yearly": _YEARLY,
    "@annually": _YEARLY,
    "@monthly": _MONTHLY,
    "@weekly": _WEEKLY,
    "@daily": _DAILY,
    "@midnight": _DAILY,
    "@hourly": _HOURLY,
}
_NAMES: Final = ", ".join(_DESCRIPTORS)
#: Flyte's words for schedules, and what people write for them elsewhere.
_WORDS_OF_OTHERS: Final = {name.removeprefix("@"): name for name in _DESCRIPTORS} | {
    "hours": "@hourly",
    "days": "@daily",
    "weeks": "@weekly",
    "months": "@monthly",
    "years": "@yearly",
}


@lru_cache(maxsize=4096)
def parse_cron(text: str) -> Cron | CronError:
    """Read a cron text as the API server does.

    Args:
        text: Five fields, a descriptor such as `@daily`, or `@every` with a Go duration.

    Returns:
        The meaning, or what is wrong with the text. A text that never fires is read like any other; see
        `Cron.can_fire`.
    """
    if "TZ" in text:
        return CronError("found a time zone in the text: Kubernetes refuses TZ= and CRON_TZ=", "use the field timeZone")
    if text.startswith("@"):
        return _parse_descriptor(text)
    words = _WORDS.findall(text)
    if len(words) != len(FIELDS):
        return _wrong_count(words)
    sets: list[int] = []
    for word, field in zip(words, FIELDS, strict=True):
        bits = parse_field(word, field)
        if isinstance(bits, CronError):
            return bits
        sets.append(bits)
    return _from_sets(*sets)


def matches(cron: Cron, local: datetime) -> bool:
    """Tell whether a wall-clock minute of the schedule's zone (of UTC for a rate) is one at which it fires."""
    if cron.every:
        return (local.replace(tzinfo=None) - _EPOCH) % cron.every == timedelta(0)
    in_month = cron.month >> local.month & 1 and cron.matches_day(local.day, local.isoweekday() % 7)
    return bool(in_month and cron.hour >> local.hour & 1 and cron.minute >> local.minute & 1)


def _from_sets(minute: int, hour: int, dom: int, month: int, dow: int) -> Cron:
    return Cron(
        minute & ~STAR,
        hour & ~STAR,
        dom & ~STAR,
        month & ~STAR,
        dow & ~STAR,
        dom_star=bool(dom & STAR),
        dow_star=bool(dow & STAR),
    )


def _parse_descriptor(text: str) -> Cron | CronError:
    if text in _DESCRIPTORS:
        return _DESCRIPTORS[text]
    if not text.startswith(_EVERY):
        known = _known_word(text)
        hint = f"write {known}" if known else "write the five fields, or @every with a duration"
        return CronError(f"found {text}, expected one of {_NAMES}", hint)
    duration = parse_go_duration(text.removeprefix(_EVERY))
    if duration is None:
        hint = "units are h, m and s, for example @every 1h30m; a day is 24h"
        return CronError(f"found {text}, expected a Go duration after @every", hint)
    # robfig's Every: fractions of a second are cut off, and whatever is shorter than a second is one.
    return Cron(every=max(_SECOND, duration - duration % _SECOND))


def _wrong_count(words: list[str]) -> CronError:
    expected = "expected 5: minute, hour, day of month, month, weekday"
    count = f"{len(words)} field{'' if len(words) == 1 else 's'}"
    return CronError(f"found {count}, {expected}", _count_hint(words))


def _count_hint(words: list[str]) -> str:
    if len(words) == 1 and (known := _known_word(words[0])):
        return f"write {known}, with no blank beside it"
    if len(words) in {6, 7}:
        return "Kubernetes has no field for seconds or years"
    return "for example 0 9 * * MON-FRI"


def _known_word(text: str) -> str | None:
    return _WORDS_OF_OTHERS.get(text.strip().lower().removeprefix("@"))
