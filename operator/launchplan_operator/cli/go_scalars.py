"""What a plain YAML scalar stands for to kubectl, which reads YAML 1.1 with go-yaml v2 and hands it on as JSON.

The rules are those of go-yaml's `resolve` and of Go's `strconv`; numbers come out as the API server reads the JSON:
whole ones of 64 bits as integers, all others as floats.
"""

import math
import re
import struct
from decimal import Decimal
from functools import lru_cache
from typing import Final

#: Python has one type for true and 1; the table is by text, so nothing mixes.
Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC_START: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"[+-]?(?:(0[xX])([0-9a-fA-F]+)|(0[bB])([01]+)|(0[oO]?)([0-7]+)|()([0-9]+))", re.ASCII)
_BASES: Final = {"0x": 16, "0b": 2, "0o": 8, "0": 8, "": 10}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
#: After a point, a line between two digits is Go's own and stays; elsewhere YAML drops every one.
_LINED: Final = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?", re.ASCII)
_MIN_INT64: Final = -(2**63)
_MAX_INT64: Final = 2**63 - 1
_MAX_UINT64: Final = 2**64 - 1
_FLOAT32: Final = struct.Struct("f")
#: Outside of these Go writes a key with its exponent.
_SHORT_EXPONENTS: Final = range(-4, 6)


@lru_cache(maxsize=8192)
def read_plain(text: str) -> Scalar:
    """Return what an unquoted scalar without a tag stands for; whatever is nothing else is a string."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_START:
        return text
    number = _read_number(text)
    return text if number is None else number


def settle_number(number: float) -> int | float:
    """Return a number as the API server holds it: an integer if it is whole and has 64 bits, else a float."""
    if isinstance(number, int):
        return number if _MIN_INT64 <= number <= _MAX_INT64 else float(number)
    if not math.isfinite(number) or number != math.floor(number):
        return number
    whole = int(Decimal(repr(number)))
    return whole if _MIN_INT64 <= whole <= _MAX_INT64 else number


def key_text(number: float) -> str:
    """Return the text that a number becomes as the key of a JSON object: an integer's digits, a float's as a float32."""
    return str(number) if isinstance(number, int) else _float32_text(number)


def read_key(text: str) -> Scalar:
    """Return what an unquoted key stands for: as `read_plain`, but a whole float is still a float."""
    if text and text not in _WORDS and text[0] in _NUMERIC_START:
        number = _raw_number(text)
        return text if number is None else number
    return read_plain(text)


def _read_number(text: str) -> int | float | None:
    number = _raw_number(text)
    return None if number is None else settle_number(number)


def _raw_number(text: str) -> int | float | None:
    if text[0] == ".":
        return _finite(text.replace("_", "")) if _LINED.fullmatch(text) else None
    plain = text.replace("_", "")
    whole = _integer(plain)
    if whole is not None and _MIN_INT64 <= whole <= _MAX_UINT64:
        return whole
    return _finite(plain) if _FLOAT.fullmatch(plain) else None


def _integer(plain: str) -> int | None:
    found = _INTEGER.fullmatch(plain)
    # Nothing of 64 bits is longer in any base.
    if found is None or len(plain) > 70:  # noqa: PLR2004
        return None
    prefix, digits = (part for part in found.groups() if part is not None)
    value = int(digits, _BASES[prefix.lower()])
    return -value if plain[0] == "-" else value


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _float32_text(number: float) -> str:
    try:
        (rounded,) = _FLOAT32.unpack(_FLOAT32.pack(number))
    except OverflowError:
        rounded = math.copysign(math.inf, number)
    if not math.isfinite(rounded):
        return ".nan" if math.isnan(rounded) else "-.inf" if rounded < 0 else ".inf"
    texts = (f"{rounded:.{digits}e}" for digits in range(9))
    shortest = next(text for text in texts if _FLOAT32.pack(float(text)) == _FLOAT32.pack(rounded))
    is_short = int(shortest.partition("e")[2]) in _SHORT_EXPONENTS
    return format(Decimal(shortest).normalize(), "f") if is_short else shortest
