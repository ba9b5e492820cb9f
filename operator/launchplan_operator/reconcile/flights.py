"""Job creations whose outcome is not known: the server may still do what was asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from launchplan_operator.decide.retention import MINIMUM_AGE


class Flights:
    """Which runs may yet get a Job by a request of ours that was never answered.

    A request arrives within `MINIMUM_AGE` of being sent, or never: that is one of the two assumptions that admission
    rests on (docs/decisions/0012).
    """

    def __init__(self) -> None:
        self._sent: dict[str, datetime] = {}

    @contextmanager
    def sending(self, uid: str, now: datetime) -> Iterator[None]:
        """Note a request for the Job of the run `uid`, and forget it only if an answer came.

        An earlier one that was not answered may arrive all the same.
        """
        earlier = self._sent.get(uid)
        self._sent[uid] = now
        yield
        if earlier is None:
            self._sent.pop(uid, None)
        else:
            self._sent[uid] = earlier

    def until(self, uid: str, now: datetime) -> datetime | None:
        """Return until when an unanswered request for this run may still arrive; None if there is none."""
        sent = self._sent.get(uid)
        if sent is None:
            return None
        if now - sent <= MINIMUM_AGE:
            return sent + MINIMUM_AGE
        del self._sent[uid]
        return None

    def uids(self, now: datetime) -> set[str]:
        """Return the runs for which an unanswered request may still arrive."""
        return {uid for uid in list(self._sent) if self.until(uid, now) is not None}
