"""Instants as Kubernetes writes them: RFC 3339 in UTC, whole seconds."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def to_instant(text: str) -> datetime:
    """Return the aware instant of a timestamp that the API server wrote."""
    return datetime.fromisoformat(text)


def instant_text(instant: datetime) -> str:
    """Return an aware instant as the API server writes it; fractions of a second are dropped."""
    return instant.astimezone(UTC).strftime(_FORMAT)
