"""RFC 3339 texts: how an instant is written in a manifest."""

import re
from datetime import datetime, timedelta

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?"
)
_MAX_OFFSET_HOURS = 23
_MAX_OFFSET_MINUTES = 59


def canonical_instant(text: str) -> str | None:
    """Return an instant in UTC with a Z and as much fraction as given, or None if the text is no RFC 3339 instant.

    A text without an offset is in UTC. Instants before year 1 or after year 9999, in UTC, are none; nor are leap seconds.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    date, time, fraction, sign, hours, minutes = match.groups()
    offset = _offset(sign, hours, minutes)
    if offset is None:
        return None
    try:
        instant = datetime.fromisoformat(f"{date}T{time}+00:00") - offset
    except (ValueError, OverflowError):
        return None
    return f"{instant.replace(tzinfo=None).isoformat()}{fraction or ''}Z"


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timedelta | None:
    if sign is None or hours is None or minutes is None:
        return timedelta(0)
    if int(hours) > _MAX_OFFSET_HOURS or int(minutes) > _MAX_OFFSET_MINUTES:
        return None
    return timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
