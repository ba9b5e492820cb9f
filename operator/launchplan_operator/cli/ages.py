"""Lengths of time as kubectl writes them: the two largest units that matter."""

from datetime import datetime, timedelta
from typing import Final

_SECONDS: Final = 120
_MINUTES: Final = 10
_HOURS: Final = 8
_DAYS: Final = 8


def age_text(since: str | None, now: datetime) -> str:
    """Return how long ago an instant, as the API server writes it, was; empty without one."""
    if not since:
        return ""
    return length_text(max(timedelta(), now - datetime.fromisoformat(since)))


def length_text(length: timedelta) -> str:
    """Return a length of time, such as 42s, 5m10s, 3h20m or 12d."""
    seconds = int(length.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < _SECONDS:
        return f"{seconds}s"
    if minutes < _MINUTES:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:  # noqa: PLR2004 - as kubectl
        return f"{minutes}m"
    if hours < _HOURS:
        return _two(hours, "h", minutes % 60, "m")
    if days < 2:  # noqa: PLR2004 - as kubectl
        return f"{hours}h"
    return _two(days, "d", hours % 24, "h") if days < _DAYS else f"{days}d"


def _two(large: int, unit: str, small: int, sub: str) -> str:
    return f"{large}{unit}{small}{sub}" if small else f"{large}{unit}"
