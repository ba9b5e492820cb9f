"""Ways to break the take-over of people's CronJobs, entered by `with`."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from launchplan_operator.decide import adoption
from launchplan_operator.reconcile import planadopt


@contextmanager
def unasked() -> Iterator[None]:
    """Every CronJob of a plan's name is taken over."""
    with patch.object(planadopt, "asks_to_adopt", lambda _: True):
        yield


@contextmanager
def at_once() -> Iterator[None]:
    """It is taken over in whichever moment, also when a slot is about to start."""
    with patch.object(adoption, "_unrest", lambda *_: None):
        yield
