"""The way between a process and the server: calls and watches that the adversary may delay, break and falsify."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from types import TracebackType

from launchplan_operator.api.kinds import EVENTS, JOBS, LEASES
from launchplan_operator.kube.transport import Body, Object, Response, TransportError
from launchplan_operator.render import labels
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError
from tests.fake.faults import Fault, Lost
from tests.fake.listing import Lister
from tests.fake.routing import Call, Request, route
from tests.fake.store import Store, Watch, copy
from tests.fake.transport import expire
from tests.sim.adversary import LATEST, Adversary, Fate, may_be_late
from tests.sim.loop import Process
from tests.sim.sites import Site, calling_site

#: What happens in the network belongs to no process.
OUTSIDE = Context()
_LINE = 0.003
Note = Callable[[str], None]


class Network:
    """Everything between the operators and the API server.

    Attributes:
        api: the server.
        adversary: who decides.
        caller: the process whose call the server works at, if any.
        kill: told (process) of a death that the adversary wants.
        note: told one line of every call.
        on_call: told the process of every call.
    """

    def __init__(self, api: FakeApi, adversary: Adversary, kill: Callable[[Process], None], note: Note) -> None:
        self.api = api
        self.adversary = adversary
        self.caller: Process | None = None
        #: When the call was sent that the server works at.
        self.sent = 0.0
        self.kill = kill
        self.note = note
        self.on_call: Callable[[str], None] = _ignore
        self.streams: list[Stream] = []
        #: The latest time at which a write that was held up arrives.
        self.last_arrival = 0.0
        #: Jobs that were asked for and may yet be made, by namespace and name.
        self.coming: Counter[tuple[str | None, str | None]] = Counter()
        #: Tombstones among them.
        self.occupying: Counter[tuple[str | None, str | None]] = Counter()
        #: When each Job was first asked for.
        self.asked: dict[tuple[str | None, str | None], float] = {}
        self._fault: Fault | None = None
        self._detained: dict[Process, tuple[float, float]] = {}
        self._counted: dict[Process, tuple[int, Callable[[], None]]] = {}
        api.faults = lambda _call: self._fault

    def send(self, process: Process, site: Site | None, request: Request, answer: "asyncio.Future[Response]") -> None:
        """Send a request on its way; the dead send nothing."""
        if process.dead:
            return
        self.on_call(process.name)
        call = route(request, self.api.resources)
        assert call is not None, request.path
        fate = self.adversary.fate(site, call)
        self.note(f"{process.name} {call.verb} {call.target} {call.namespace}/{call.name} {fate}")
        if fate.kill == "before":
            self.kill(process)
            return
        now = asyncio.get_running_loop().time()
        if _makes_job(call):
            self.coming[_target(call)] += 1
            self.occupying[_target(call)] += _occupies(call)
            self.asked.setdefault(_target(call), now)
        if fate.there > 1.0:
            self.last_arrival = max(self.last_arrival, now + fate.there)
        _later(fate.there, self._arrive, process, call, fate, answer, now)
        if call.writes and call.kind not in (EVENTS, LEASES):
            self._count(process)

    def count_down(self, process: Process, writes: int, reached: Callable[[], None]) -> None:
        """Tell when a process has sent so many writes more."""
        if writes == 0:
            reached()
        else:
            self._counted[process] = (writes, reached)

    def detain(self, process: Process, seconds: float) -> None:
        """Hold up what a process has sent by now and what has not arrived, for so long or as long as a call may take."""
        now = asyncio.get_running_loop().time()
        self._detained[process] = (now, now + seconds)

    def _count(self, process: Process) -> None:
        writes, reached = self._counted.pop(process, (0, _nothing))
        if writes > 1:
            self._counted[process] = (writes - 1, reached)
        elif writes == 1:
            reached()

    def open(self, stream: "Stream") -> "Watch | Response | Lost":
        """Open a watch at the server."""
        fault = self._watch_fault()
        self._fault, self.caller = fault, stream.process
        try:
            return self.api.open_watch(stream.request)
        finally:
            self._fault = self.caller = None

    def hang_up(self, process: Process) -> None:
        """End all watches of a process that died."""
        for stream in [each for each in self.streams if each.process is process]:
            stream.leave()

    def _watch_fault(self) -> Fault | None:
        if not self.adversary.chance(self.adversary.profile.rough):
            return None
        answer = 410 if self.adversary.between(0, 1) < 0.5 else 503
        self.adversary.strike(f"answer {answer}")
        return Fault(answer)

    def _arrive(
        self, process: Process, call: Call, fate: Fate, answer: "asyncio.Future[Response]", sent: float
    ) -> None:
        now = asyncio.get_running_loop().time()
        since, until = self._detained.get(process, (0.0, 0.0))
        until = min(until, sent + LATEST) if sent <= since and may_be_late(call) else 0.0
        if now < until:
            self.adversary.strike("late write" if call.writes else "slow call")
            self.last_arrival = max(self.last_arrival, until)
            _later(until - now, self._arrive, process, call, fate, answer, sent)
            return
        if _makes_job(call):
            self.coming[_target(call)] -= 1
            self.occupying[_target(call)] -= _occupies(call)
        self._fault, self.caller, self.sent = fate.fault, process, sent
        try:
            given = self._from_the_past(call, fate.past) if fate.past else self.api.answer(call)
        finally:
            self._fault = self.caller = None
        status = given.status if isinstance(given, Response) else 0
        self.note(f"{process.name} {call.verb} {call.target} {call.namespace}/{call.name} = {status}")
        if fate.kill == "after" and not process.dead:
            self.kill(process)
        _later(fate.back, _give, answer, given)

    def _from_the_past(self, call: Call, ago: int) -> Response | Lost:
        """Answer a list as a server that lags behind does; where its history is gone, as one that does not."""
        store = self.api.store
        version = max(2, store.version - ago)
        state = store.state_at(call.kind, version)
        if state is None:
            return self.api.answer(call)
        past = Store()
        past.version, past.objects = version, {call.kind: state}
        try:
            return Response(200, {}, Lister(past).chunk(call))
        except ApiError as error:
            return Response(error.code, {}, error.status())


class SimTransport:
    """One process's connection."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process

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
        request = Request(method, path, dict(query or {}), copy(body), content_type, private=True)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._network.send(self._process, calling_site(), request, answer)
        return await answer

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[Object]]:
        """Open a watch."""
        return Stream(self._network, self._process, Request("GET", path, dict(query)), calling_site())


class Stream(AbstractAsyncContextManager[AsyncIterator[Object]]):
    """One watch as the client sees it."""

    def __init__(self, network: Network, process: Process, request: Request, site: Site | None) -> None:
        self.process = process
        self.request = request
        self._network = network
        self._site = site
        self._lines: deque[Object] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._silent = False
        self._due = self._swapped = 0.0
        self._held_back: Object | None = None
        self._watch: Watch | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> AsyncIterator[Object]:
        """Ask the server for the watch."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        moment = self._network.adversary.watch_moment(self._site)
        if moment == "before" and not self.process.dead:
            self._network.kill(self.process)
        _later(_LINE, self._open, answer, moment)
        await answer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self.leave()

    def __aiter__(self) -> AsyncIterator[Object]:
        return self

    async def __anext__(self) -> Object:
        while not self._lines:
            if self._ended:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._lines.popleft()

    def leave(self) -> None:
        """Let the server forget this watch."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._network.api.store.unwatch(self._watch)
            self._watch.wake = _nothing
        if self in self._network.streams:
            self._network.streams.remove(self)

    def cut(self) -> None:
        """Break the connection: what is on its way comes again by the next watch, but for what was overtaken."""
        if self._held_back is not None:
            self._network.adversary.strike("watch event lost")
        self._end()
        self.leave()

    def _open(self, answer: "asyncio.Future[Response]", moment: str) -> None:
        if answer.done() or self.process.dead:
            return
        opened = self._network.open(self)
        if not isinstance(opened, Watch):
            _refuse(answer, opened)
            if isinstance(opened, Response):
                self._lines.append({"type": "ERROR", "object": opened.body})
                self._end()
            return
        self._watch = opened
        opened.wake = self._pump
        seconds = float(self.request.query.get("timeoutSeconds") or 1800)
        self._timer = asyncio.get_running_loop().call_later(seconds, expire, self._network.api, opened, context=OUTSIDE)
        self._network.streams.append(self)
        answer.set_result(Response(200))
        self._pump()
        if moment == "after":
            self._network.kill(self.process)

    def _pump(self) -> None:
        """Send what the server has pushed on its way, in order."""
        watch, adversary = self._watch, self._network.adversary
        assert watch is not None
        while watch.pending:
            self._send(watch.pending.popleft())
        if watch.closed and not self._silent:
            self._flush()
            _at(max(self._due, asyncio.get_running_loop().time()) + _LINE, self._end)
        if not self._silent and adversary.chance(adversary.profile.silent):
            adversary.strike("watch silent")
            self._silent = True

    def _send(self, line: Object) -> None:
        adversary, profile = self._network.adversary, self._network.adversary.profile
        if self._silent:
            return
        if line["type"] not in ("ADDED", "MODIFIED", "DELETED"):
            self._flush()
            self._schedule(line)
            return
        if adversary.chance(profile.lossy):
            adversary.strike("watch event lost")
            return
        if adversary.chance(profile.lagging):
            adversary.strike("watch event late")
            # What comes later is never earlier: else the watch's end would overtake it.
            self._due = max(self._due, asyncio.get_running_loop().time() + adversary.between(0.5, 45.0))
        if self._held_back is None and adversary.chance(profile.muddled):
            self._held_back = line
            _later(1.0, self._flush)
            return
        if self._held_back is not None and _name(self._held_back) == _name(line):
            # The changes of one object keep their order.
            self._flush()
        self._schedule(line)
        if self._held_back is not None:
            adversary.strike("watch events reordered")
            self._flush()
            self._swapped = self._due
        elif adversary.chance(profile.muddled):
            adversary.strike("watch event repeated")
            self._schedule(copy(line))

    def _flush(self) -> None:
        """Send the line that waits to be overtaken."""
        line, self._held_back = self._held_back, None
        if line is not None:
            self._schedule(line)

    def _schedule(self, line: Object) -> None:
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now + _LINE)
        _at(self._due, self._deliver, line)

    def _deliver(self, line: Object) -> None:
        if not self._silent and not self._ended:
            self._lines.append(line)
            self._arrived.set()

    def _end(self) -> None:
        self._ended = True
        self._arrived.set()


def _refuse(answer: "asyncio.Future[Response]", given: Response | Lost) -> None:
    if isinstance(given, Response):
        answer.set_result(given)
    else:
        _give(answer, given)


def _give(answer: "asyncio.Future[Response]", given: Response | Lost) -> None:
    if answer.done() or given is Lost.HANGS:
        return
    if given is Lost.DROPPED:
        answer.set_exception(TransportError("connection broke: ServerDisconnectedError"))
        return
    assert isinstance(given, Response)
    answer.set_result(given)


def _later(seconds: float, callback: Callable[..., None], *arguments: object) -> None:
    asyncio.get_running_loop().call_later(seconds, callback, *arguments, context=OUTSIDE)


def _at(when: float, callback: Callable[..., None], *arguments: object) -> None:
    asyncio.get_running_loop().call_at(when, callback, *arguments, context=OUTSIDE)


def _name(line: Object) -> tuple[str, str]:
    meta = line["object"]["metadata"]
    return meta.get("namespace", ""), meta["name"]


def _makes_job(call: Call) -> bool:
    return call.verb == "create" and call.kind == JOBS


def _occupies(call: Call) -> bool:
    return labels.is_tombstone(call.request.body or {"metadata": {}})


def _target(call: Call) -> tuple[str | None, str | None]:
    return call.namespace, call.name or (call.request.body or {}).get("metadata", {}).get("name")


def _nothing() -> None:
    pass


def _ignore(_process: str) -> None:
    pass
