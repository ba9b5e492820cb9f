"""JSON as Go's encoder writes it.

The API server keeps a ControllerRevision's data as the bytes that came. A strategic merge patch, such as the garbage
collector's that takes an owner away, encodes them anew, and the slightest difference is refused as a change of what is
immutable: a plan that is deleted with its dependents orphaned would then hang for ever.
"""

import json
import re
from decimal import Decimal
from typing import Final

from launchplan_operator.kube.transport import Body

#: What Go escapes within texts, for HTML's and JavaScript's sake.
_UNSAFE: Final = re.compile("[<>&\u2028\u2029]")
#: A text, or a number that Python writes with an exponent of one digit; Go writes it without the zero, or without one.
_SMALL: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9.]+e-0[0-9]')
_FIXED: Final = ("e-05", "e-06")


def encode_json(body: Body) -> bytes:
    """Return a body's JSON: compact, keys sorted, texts and small numbers written as Go does."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if "e-0" in text:
        text = _SMALL.sub(_number, text)
    # Half a surrogate pair has no UTF-8 form, but an escape.
    return text.encode(errors="backslashreplace")


def _number(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith('"'):
        return token
    return format(Decimal(token), "f") if token.endswith(_FIXED) else token.replace("e-0", "e-")
