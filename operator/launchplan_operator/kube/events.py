"""Kubernetes Events: what a person sees in `kubectl describe`, sent aside and never waited for."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from launchplan_operator.api.kinds import EVENTS
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.transport import Object

COMPONENT = "launchplan-operator"

_QUIET = timedelta(minutes=10)
_LONGEST_MESSAGE = 1024
_LONGEST_NAME = 200


@dataclass(slots=True)
class _Series:
    """The same event over and over: its name on the server, its count, and when it was last sent."""

    name: str
    count: int
    first: datetime
    sent: datetime


class EventRecorder:
    """Sends events one after the other from a bounded buffer.

    An event that repeats (same object, reason and message) is counted, and sent at most every ten minutes. Events are
    a courtesy: what does not fit the buffer or fails is dropped.

    Args:
        client: The client.
        clock: The present time, aware.
        buffer: How many events may wait.
        remembered: How many different events are known again.

    Attributes:
        dropped: How many events were lost.
    """

    def __init__(
        self, client: Client, clock: Callable[[], datetime], *, buffer: int = 1000, remembered: int = 4096
    ) -> None:
        self.dropped = 0
        self._client = client
        self._clock = clock
        self._waiting: asyncio.Queue[Object] = asyncio.Queue(buffer)
        self._series: OrderedDict[tuple[str, str, str], _Series] = OrderedDict()
        self._remembered = remembered

    def record(self, obj: Object, type_: str, reason: str, message: str) -> None:
        """Note an event about `obj`; `type_` is Normal or Warning. Returns at once."""
        now = self._clock()
        key = (obj["metadata"].get("uid", ""), reason, message)
        series = self._series.pop(key, None)
        if series is None:
            series = _Series(_event_name(obj, reason, message, now), 0, now, now - _QUIET)
        self._series[key] = series
        while len(self._series) > self._remembered:
            self._series.popitem(last=False)
        series.count += 1
        if now - series.sent < _QUIET:
            return
        series.sent = now
        self._enqueue(_render(obj, series, type_, reason, message))

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            event = await self._waiting.get()
            try:
                await self._send(event)
            except Unavailable:
                self.dropped += 1
            finally:
                self._waiting.task_done()

    async def drained(self) -> None:
        """Wait until all that was recorded is sent or dropped."""
        await self._waiting.join()

    def _enqueue(self, event: Object) -> None:
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _send(self, event: Object) -> None:
        if event["count"] > 1:
            meta = event["metadata"]
            change = {"count": event["count"], "lastTimestamp": event["lastTimestamp"]}
            reply = await self._client.patch(EVENTS, meta["namespace"], meta["name"], change)
            if not reply.not_found:
                self.dropped += not reply.ok
                return
        # New, or so long ago that the server has forgotten it.
        reply = await self._client.create(EVENTS, event)
        self.dropped += not (reply.ok or reply.exists)


def _event_name(obj: Object, reason: str, message: str, now: datetime) -> str:
    meta = obj["metadata"]
    text = "\0".join((meta.get("uid", ""), reason, message, now.isoformat()))
    return f"{meta['name'][:_LONGEST_NAME]}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _render(obj: Object, series: _Series, type_: str, reason: str, message: str) -> Object:
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    involved = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "name": meta["name"],
        "namespace": namespace,
        "uid": meta.get("uid"),
        "resourceVersion": meta.get("resourceVersion"),
    }
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": series.name, "namespace": namespace or "default"},
        "involvedObject": {key: value for key, value in involved.items() if value},
        "type": type_,
        "reason": reason,
        "message": message[:_LONGEST_MESSAGE],
        "count": series.count,
        "firstTimestamp": _time(series.first),
        "lastTimestamp": _time(series.sent),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
