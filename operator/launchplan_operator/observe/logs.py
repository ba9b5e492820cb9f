"""One JSON object a line on standard error."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from launchplan_operator.observe.decisions import Decision

#: Attributes that every record has; whatever else stands on one was passed as `extra`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


#: Its failures are the server's; what they say stands in the message, and its own way to them helps nobody.
_FRAME = "kopf."
_decisions = logging.getLogger("launchplan_operator.decisions")


class JsonFormatter(logging.Formatter):
    """Formats a record as `{time, level, logger, message, …extra, error}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and not record.name.startswith(_FRAME):
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_decisions(decisions: Iterable[Decision]) -> None:
    """Write one line for each decision, always with the same keys.

    A message of a condition may quote inputs: only its reason is told.
    """
    for decision in decisions:
        _decisions.info("decided", extra=asdict(decision))


def configure_logs(level: str) -> None:
    """Send all logs of the process to standard error; kopf's chatter about single events stays off."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
