"""Canonical JSON: the one text of a value, hashed for versions and handed to containers."""

import hashlib
import json
from typing import Any, Final

#: How many hex digits of a hash make a version, or the end of a name.
SHORT_HASH: Final = 10


def canonical_json(value: Any) -> str:
    """Return compact JSON with sorted keys and no escapes beyond JSON's own; NaN and infinities raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value's canonical text, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def content_hash(value: Any) -> str:
    """Return the first ten hex digits of the SHA-256 of a JSON value's canonical text."""
    return digest(value)[:SHORT_HASH]
