"""What to write instead of a schedule that is refused: the nearest one with the meaning that was probably meant."""

import re
from collections.abc import Iterator
from typing import Final

from launchplan_operator.api.schedule import FixedRate, RateUnit
from launchplan_operator.decide.cron import parse_cron
from launchplan_operator.decide.cron_sets import Cron

#: Where nothing near is known: one that does no harm.
EXAMPLE: Final = "0 9 * * MON-FRI"
_ZONE: Final = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.+)")
_TO_SUNDAY: Final = re.compile(r"([0-6])-7(?![0-9])")
_SUNDAY: Final = re.compile(r"(?<![0-9/])7(?![0-9])")
_FIELDS: Final = 5
_LAST_SHORT_DAY: Final = "28"
_HOURS: Final = tuple(hours for hours in range(1, 25) if 24 % hours == 0)
_MINUTES: Final = (*(minutes for minutes in range(1, 60) if 60 % minutes == 0), *(60 * hours for hours in _HOURS))
#: The rates that a cron text can keep, by unit.
_WHOLE: Final = {RateUnit.Minute: _MINUTES, RateUnit.Hour: _HOURS, RateUnit.Day: (1,)}


def suggest_cron(text: str) -> tuple[str, str | None]:
    """Return a cron text that Kubernetes takes and that fires, and the time zone that the text named, if any."""
    zone = _ZONE.fullmatch(text.strip())
    if zone is not None:
        return suggest_cron(zone[2])[0], zone[1]
    return next((each for each in _candidates(text) if _fires(each)), EXAMPLE), None


def suggest_rate(rate: FixedRate) -> FixedRate:
    """Return the nearest rate that a cron text can keep."""
    nearest = min(_WHOLE[rate.unit], key=lambda value: (abs(value - rate.value), value))
    return FixedRate(value=nearest, unit=rate.unit)


def _candidates(text: str) -> Iterator[str]:
    words = text.split()
    yield text.strip().lower()
    yield f"@{text.strip().lower().removeprefix('@')}"
    if len(words) == _FIELDS:
        yield " ".join((*words[:4], _SUNDAY.sub("0", _TO_SUNDAY.sub(r"\1-6,0", words[4]))))
        yield " ".join((*words[:2], _LAST_SHORT_DAY, *words[3:]))
    # Others have a field for seconds in front, or one for years at the end.
    for more in (words[1:], words[:-1], words[1:-1]):
        if len(more) == _FIELDS:
            yield " ".join(more).replace("?", "*")


def _fires(text: str) -> bool:
    cron = parse_cron(text)
    return isinstance(cron, Cron) and not cron.every and cron.can_fire
