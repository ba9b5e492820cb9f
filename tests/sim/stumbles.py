"""An operator that meets an exception it was not made for violates something, even if a later try gets on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Whatever an operator logs stands below the logger of its package.
_OPERATOR = "launchplan_operator"


class _Listener(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of an exception that was caught where none ends a worker, a watch, or a write."""
        if record.exc_info is not None and record.exc_info[1] is not None:
            where = "/".join(str(getattr(record, name)) for name in ("namespace", "object") if hasattr(record, name))
            self._tell(f"an operator stumbles: {record.getMessage()} {where}: {record.exc_info[1]!r}")


@contextmanager
def listening(tell: Callable[[str], None]) -> Iterator[None]:
    """Hear of every exception that an operator catches as its last resort; all else that is logged has no reader."""
    logger, listener, before = logging.getLogger(_OPERATOR), _Listener(tell), logging.root.manager.disable
    propagates = logger.propagate
    logging.disable(logging.WARNING)
    logger.propagate = False
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagates
        logging.disable(before)
