"""Canonical JSON: the one text of a value, hashed for versions and handed to containers."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return compact JSON with sorted keys and no escapes beyond JSON's own; NaN and infinities raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """Return the first ten hex digits of the SHA-256 of a JSON value's canonical text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:10]
