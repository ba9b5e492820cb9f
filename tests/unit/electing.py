"""Processes that compete for one Lease in virtual time, each of which may stand still, crash, or be told to end."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any

from launchplan_operator.api.kinds import LEASES
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.elector import CALL_SECONDS, Elector, LeadershipLostError
from launchplan_operator.kube.transport import Body, Object, Response
from tests.fake import FakeApi, Request
from tests.fake.store import copy
from tests.fake.transport import _arrived
from tests.fake.virtual import seeded, virtual_now

NAMESPACE, NAME = "default", "operator"
#: Seconds after which a process that ended is started again.
RESTART_SECONDS = 1.0


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


class LateTransport:
    """Sends what was asked for even if nobody waits for the answer any more.

    Args:
        api: The server.
        latency: Seconds of one way, asked for each.
    """

    def __init__(self, api: FakeApi, latency: Callable[[], float] = lambda: 0.001) -> None:
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
        request = Request(method, path, query or {}, copy(body), content_type)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()

        def answer(found: Any) -> None:
            if not answered.done():
                answered.set_result(found)

        loop.call_later(self.latency(), lambda: loop.call_later(self.latency(), answer, self.api.handle(request)))
        return await _arrived(await answered)

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[Any]:
        """Nobody watches a Lease."""
        raise NotImplementedError(path, query)


class _Steps:
    """Runs a coroutine step by step, and none before `resumes`, as if its process were not scheduled."""

    def __init__(self, work: Coroutine[Any, Any, None], resumes: Callable[[], float]) -> None:
        self._work = work
        self._resumes = resumes

    def __await__(self) -> Generator[Any, None, None]:
        interruption: BaseException | None = None
        while True:
            try:
                awaited = self._work.throw(interruption) if interruption else self._work.send(None)
            except StopIteration:
                return
            interruption = None
            try:
                yield awaited
            except asyncio.CancelledError as cancelled:
                interruption = cancelled
            while (left := self._resumes() - now()) > 0:
                try:
                    yield from asyncio.sleep(left).__await__()
                except asyncio.CancelledError as cancelled:
                    interruption = cancelled


class Process:
    """One competitor; every start has an identity of its own.

    Attributes:
        elector: of the present or the last start.
        lost: why leadership was lost, each time.
        skew: seconds by which its wall clock is ahead.
    """

    def __init__(self, api: FakeApi, name: str, *, latency: Callable[[], float] = lambda: 0.001) -> None:
        self.transport = LateTransport(api, latency)
        self.lost: list[str] = []
        self.skew = 0.0
        self._name = name
        self._starts = 0
        self._resumes = 0.0
        self._task: asyncio.Task[None] | None = None
        self.elector = self._new()

    @property
    def leads(self) -> bool:
        """Whether it would write now."""
        return self._task is not None and self.elector.may_write()

    @property
    def is_running(self) -> bool:
        """Whether it was started and neither crashed nor was told to end."""
        return self._task is not None

    def start(self) -> None:
        """Start it, unless it runs; it is started again after each loss."""
        if self._task is None:
            self._task = asyncio.create_task(self._live())

    def pause(self, seconds: float) -> None:
        """Let it stand still."""
        self._resumes = now() + seconds

    async def crash(self) -> None:
        """End it without a word."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def stop(self) -> None:
        """End it in order, unless it stands still."""
        was_running = self.is_running
        await self.crash()
        if was_running:
            await self.elector.release()

    async def _live(self) -> None:
        while True:
            self.elector = self._new()
            await _Steps(self._compete(), lambda: self._resumes)
            await asyncio.sleep(RESTART_SECONDS)

    async def _compete(self) -> None:
        await self.elector.acquire()
        try:
            await self.elector.hold()
        except LeadershipLostError as lost:
            self.lost.append(str(lost))

    def _new(self) -> Elector:
        self._starts += 1
        identity = f"{self._name}{self._starts}"
        client = Client(self.transport, timeout=CALL_SECONDS)
        return Elector(
            client,
            NAMESPACE,
            NAME,
            identity,
            clock=lambda: virtual_now() + timedelta(seconds=self.skew),
            rng=seeded(self._starts),
        )


def lease_of(api: FakeApi) -> Object:
    """Return the Lease; it must be there."""
    found = api.store.get(LEASES, (NAMESPACE, NAME))
    assert found is not None
    return found


def spec_of(api: FakeApi) -> Object:
    """Return what the Lease says."""
    spec: Object = lease_of(api)["spec"]
    return spec


def write_lease(api: FakeApi, **spec: Any) -> None:
    """Write into the Lease as somebody else, whoever holds it."""
    path = LEASES.path(NAMESPACE, NAME)
    if api.store.get(LEASES, (NAMESPACE, NAME)) is None:
        body = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": {"name": NAME}, "spec": spec}
        api.do("POST", LEASES.path(NAMESPACE), body)
    else:
        api.do("PATCH", path, {"spec": spec})
