"""Go duration texts, such as 90s and 1h30m: how Kubernetes users write a length of time."""

import re
from datetime import timedelta

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"([+-]?)(0|(?:{_PART.pattern})+)")
_MAX_NANOSECONDS = 2**63 - 1
#: Python reads no integer of thousands of digits.
_MAX_CHARACTERS = 256


def parse_go_duration(text: str) -> timedelta | None:
    """Return the duration that Go's `time.ParseDuration` reads, to the microsecond, or None where it finds an error.

    A duration of more than 2^63 - 1 nanoseconds, some 292 years, is an error there too; of more than 256 characters, here.
    """
    whole = _WHOLE.fullmatch(text)
    if whole is None or len(text) > _MAX_CHARACTERS:
        return None
    nanoseconds = sum(_part_nanoseconds(*part) for part in _PART.findall(whole[2]))
    negative = whole[1] == "-"
    if nanoseconds > _MAX_NANOSECONDS + negative:
        return None
    return timedelta(microseconds=nanoseconds // 1_000) * (-1 if negative else 1)


def format_go_duration(duration: timedelta) -> str:
    """Return the text that Go's `Duration.String` gives, such as 1h30m0s, 1.5s, 20ms or 0s."""
    microseconds = duration // timedelta(microseconds=1)
    sign = "-" if microseconds < 0 else ""
    return sign + _format_magnitude(abs(microseconds))


def _part_nanoseconds(whole: str, fraction: str, bare_fraction: str, unit: str) -> int:
    scale = _NANOSECONDS[unit]
    return int(whole or 0) * scale + _fraction_nanoseconds(fraction or bare_fraction, scale)


def _fraction_nanoseconds(digits: str, scale: int) -> int:
    # As Go does it: digits beyond 64 bits are ignored, and the product is a float, so that 0.3333333333333333333h is 20m.
    count, divisor = 0, 1.0
    for digit in digits:
        if count > _MAX_NANOSECONDS // 10:
            break
        count, divisor = count * 10 + int(digit), divisor * 10
    return int(count * (scale / divisor))


def _format_magnitude(microseconds: int) -> str:
    if microseconds == 0:
        return "0s"
    if microseconds < 1_000:  # noqa: PLR2004 - a millisecond
        return f"{microseconds}µs"
    if microseconds < 1_000_000:  # noqa: PLR2004 - a second
        return f"{_decimal(microseconds, 1_000)}ms"
    minutes, rest = divmod(microseconds, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 1_000_000)}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(count: int, unit: int) -> str:
    whole, rest = divmod(count, unit)
    fraction = str(unit + rest)[1:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)
