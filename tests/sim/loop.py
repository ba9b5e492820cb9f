"""An event loop in virtual time whose processes can be frozen and killed: every callback belongs to one process."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVarTuple

Arguments = TypeVarTuple("Arguments")

#: The process that a callback belongs to; none is the world around the processes.
_PROCESS: ContextVar["Process"] = ContextVar("process")


class Process:
    """One operating system process: all that was started within it stands still while it is frozen.

    Attributes:
        frozen: whether it is stopped, as by SIGSTOP or a machine that sleeps; its monotonic clock goes on.
        dead: whether it was killed: nothing that it still does on its way out is seen by anybody.
        steps: how many callbacks of it have run.
        on_step: told before every callback, with the number of steps so far.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen = False
        self.dead = False
        self.steps = 0
        self.on_step: Callable[[int], None] | None = None
        self._held: deque[asyncio.Handle] = deque()
        self._root: asyncio.Task[None] | None = None

    def start(self, main: Coroutine[Any, Any, None], on_end: Callable[[], None] | None = None) -> None:
        """Run `main` as this process; `on_end` is told when that is over, whatever it ended of."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        self._root = asyncio.get_running_loop().create_task(main, context=context)
        self._root.add_done_callback(_forget_outcome)
        if on_end is not None:
            self._root.add_done_callback(lambda _task: on_end(), context=Context())

    @property
    def ended(self) -> bool:
        """Whether the process has come to its end by itself or by a kill."""
        return self.dead or (self._root is not None and self._root.done())

    def hold(self, handle: asyncio.Handle) -> None:
        """Keep a callback until the process goes on."""
        self._held.append(handle)

    def freeze(self) -> None:
        """Stop the process between two steps."""
        self.frozen = True

    def thaw(self) -> None:
        """Let the process go on with all that came due meanwhile."""
        self.frozen = False
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        loop.resume(self._held)
        self._held = deque()

    def kill(self) -> None:
        """End the process wherever it stands."""
        self.dead = True
        self.thaw()
        if self._root is not None:
            self._root.cancel()

    def stop(self) -> None:
        """Ask the process to end, as SIGTERM does: what it still does on its way out counts."""
        if self._root is not None:
            self._root.cancel()

    def failure(self) -> BaseException | None:
        """Return what the process died of by itself, if it did."""
        if self._root is None or not self._root.done() or self._root.cancelled():
            return None
        return self._root.exception()


def _forget_outcome(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


class SimLoop(asyncio.BaseEventLoop):
    """Callbacks in the order in which they were asked for; time jumps to the next timer when none is left."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._soon: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0
        self._ends = False
        self.broken: BaseException | None = None
        self.set_exception_handler(_fail)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback after those that wait already."""
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a time of this loop; of two at the same time the earlier asked for comes first."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback after so many seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def resume(self, handles: deque[asyncio.Handle]) -> None:
        """Let callbacks that were held run after those that wait already."""
        self._soon.extend(handles)

    def stop(self) -> None:
        """Return from `run_forever` after the callbacks that wait now."""
        self._ends = True

    def run_forever(self) -> None:
        """Run until `stop`."""
        asyncio.events._set_running_loop(self)
        try:
            while not self._ends:
                self._turn()
        finally:
            self._ends = False
            asyncio.events._set_running_loop(None)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when it comes due."""

    def _turn(self) -> None:
        if self.broken is not None:
            raise self.broken
        if not self._soon:
            self._jump()
        ready, self._soon = self._soon, deque()
        for handle in ready:
            if handle._cancelled:
                continue
            process = handle._context.get(_PROCESS)  # type: ignore[attr-defined]  # a Handle has no public context
            if process is not None:
                if process.frozen:
                    process.hold(handle)
                    continue
                process.steps += 1
                if process.on_step is not None:
                    process.on_step(process.steps)
            handle._run()

    def _jump(self) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise RuntimeError("every task waits for something that nobody will do")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            handle = heapq.heappop(timers)[2]
            if not handle.cancelled():
                self._soon.append(handle)


def _fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A callback of the world that fails is a mistake of the simulation's own: no seed goes on after it."""
    error = context.get("exception")
    if error is not None and "exception was never retrieved" not in context["message"]:
        assert isinstance(loop, SimLoop)
        loop.broken = loop.broken or error


def run_simulated(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop of its own."""
    loop = SimLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
