"""The fake without a network: a transport of the client whose every call passes once through the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from launchplan_operator.kube.transport import Body, Object, Response, TransportError
from tests.fake.api import FakeApi
from tests.fake.faults import Lost
from tests.fake.routing import Request
from tests.fake.store import Watch, as_json


class InProcessTransport:
    """Calls a `FakeApi` directly.

    Args:
        api: The server.
        latency: Seconds before the server sees a call, asked for each; the answer takes as long again.
    """

    def __init__(self, api: FakeApi, latency: Callable[[], float] = lambda: 0.0) -> None:
        self.api = api
        self.latency = latency

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request."""
        request = Request(method, path, query or {}, as_json(body), content_type)
        await asyncio.sleep(self.latency())
        answer = self.api.handle(request)
        await asyncio.sleep(self.latency())
        return await _arrived(answer)

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a watch."""
        await asyncio.sleep(self.latency())
        answer = self.api.open_watch(Request("GET", path, query))
        if not isinstance(answer, Watch):
            response = await _arrived(answer)
            yield _refusal(response)
            return
        loop = asyncio.get_running_loop()
        seconds = float(query.get("timeoutSeconds") or 1800)
        timer = loop.call_later(seconds, expire, self.api, answer)
        try:
            yield lines(answer)
        finally:
            timer.cancel()
            self.api.store.unwatch(answer)


def expire(api: FakeApi, watch: Watch) -> None:
    """End a watch by its time-out: it says last how far it had come."""
    if watch.bookmarks and not watch.closed:
        api.store.bookmark(watch)
    watch.close()


async def lines(watch: Watch) -> AsyncIterator[Object]:
    """Yield the lines of a watch as they come, until it is closed."""
    arrived = asyncio.Event()
    watch.wake = arrived.set
    while True:
        while watch.pending:
            yield watch.pending.popleft()
        if watch.closed:
            return
        arrived.clear()
        await arrived.wait()


async def _refusal(response: Response) -> AsyncIterator[Object]:
    status = response.body or {"kind": "Status", "code": response.status}
    seconds = response.headers.get("Retry-After")
    details = {"details": {"retryAfterSeconds": float(seconds)}} if seconds else {}
    yield {"type": "ERROR", "object": status | details}


async def _arrived(answer: Response | Lost) -> Response:
    if answer is Lost.DROPPED:
        raise TransportError("connection broke: ServerDisconnectedError")
    if answer is Lost.HANGS:
        await asyncio.get_running_loop().create_future()
    assert isinstance(answer, Response)
    return answer
