"""The one work queue: deduplicated keys, one run per key at a time, back-off, and one heap for all timers."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Protocol

from launchplan_operator.kube.client import Unavailable

Key = tuple[str, str, str]
"""(kind, namespace, name)"""

_FIRST_RETRY = 0.05
_LAST_RETRY = 60.0


class Priority(IntEnum):
    """Seconds of waiting by which a key is ahead of the others: no more, so that all have their turn in any rush.

    High is what is due; low is what is soon out of date, and need not be done at all if what follows comes first.
    """

    LOW = -10
    NORMAL = 0
    HIGH = 30


_Alarm = tuple[Key, Priority]
"""A key that is to be processed at a time, and how it stands in the line then."""


class Observer(Protocol):
    """Who is told what the queue does."""

    def added(self, key: Key) -> None:
        """A key waits to be processed."""

    def began(self, key: Key, waited: float) -> None:
        """A key that waited so many seconds is being processed."""

    def ended(self, key: Key) -> None:
        """A key is processed, whatever came of it."""

    def retried(self, key: Key) -> None:
        """A key is to be processed once more after its back-off."""


class _Nobody:
    def added(self, key: Key) -> None: ...

    def began(self, key: Key, waited: float) -> None: ...

    def ended(self, key: Key) -> None: ...

    def retried(self, key: Key) -> None: ...


@dataclass(frozen=True, slots=True)
class _Turn:
    """How a key waits: since when, and which place in the line it has, both as times; how it is tried again."""

    since: float
    place: float
    priority: Priority


@dataclass(slots=True)
class _Failures:
    count: int = 0
    told: str = ""


class Queue:
    """Calls `process` for every key that was added, boundedly many at once, never twice at once for one key.

    A key added while it waits is processed once; added while it is processed, once more afterwards. A run that
    raises is tried again later: after `Unavailable` as the server asked, else with exponential back-off; one that
    returns without a call to `retry` has the back-off of its key reset. A key keeps its priority when it is tried again.
    Times are those of the running loop.

    Args:
        process: The work; its outcome is its own calls to `add_after` and `retry`.
        workers: How many keys are processed at once.
        rng: Source of jitter.
        on_error: Told (key, error) of a failure other than `Unavailable`, once as long as it stays the same.
        observer: Told of everything else.
    """

    def __init__(
        self,
        process: Callable[[Key], Awaitable[None]],
        *,
        workers: int = 20,
        rng: Random,
        on_error: Callable[[Key, Exception], None],
        observer: Observer | None = None,
    ) -> None:
        self._process = process
        self._workers = workers
        self._rng = rng
        self._on_error = on_error
        self._observer = observer or _Nobody()
        self._ready: asyncio.PriorityQueue[tuple[float, int, Key]] = asyncio.PriorityQueue()
        self._waiting: dict[Key, _Turn] = {}
        self._active: dict[Key, Priority] = {}
        self._failures: dict[Key, _Failures] = {}
        self._heap: list[tuple[float, int, _Alarm]] = []
        self._due: dict[_Alarm, tuple[float, int]] = {}
        self._generations = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def depth(self) -> int:
        """How many keys wait to be processed now; timers do not count."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """How many keys are being processed."""
        return len(self._active)

    @property
    def oldest_age(self) -> float:
        """Seconds that the key which waits longest has waited; 0 if none does."""
        first = next(iter(self._waiting.values()), None)
        return 0.0 if first is None else asyncio.get_running_loop().time() - first.since

    @property
    def next_due(self) -> float | None:
        """Loop time of the earliest timer, or None."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def is_processing(self, key: Key) -> bool:
        """Tell whether `key` is being processed now."""
        return key in self._active

    def add(self, key: Key, priority: Priority = Priority.NORMAL) -> None:
        """Process `key` as soon as a worker is free; one that waits already keeps its place, or takes a better one."""
        now = asyncio.get_running_loop().time()
        turn, waiting = _Turn(now, now - priority, priority), self._waiting.get(key)
        if waiting is None:
            self._observer.added(key)
            self._idle.clear()
        else:
            turn = _Turn(waiting.since, min(turn.place, waiting.place), max(priority, waiting.priority))
            if turn == waiting:
                return
        self._waiting[key] = turn
        if key not in self._active:
            self._offer(key)

    def add_after(self, key: Key, seconds: float, priority: Priority = Priority.NORMAL) -> None:
        """Process `key` in `seconds`, or earlier if an earlier time of no lower priority is already set for it."""
        if seconds <= 0:
            self.add(key, priority)
            return
        when = asyncio.get_running_loop().time() + seconds
        for other in Priority:
            known = self._due.get((key, other))
            if known is None:
                continue
            if other >= priority and known[0] <= when:
                return
            if other <= priority and known[0] >= when:
                del self._due[key, other]
        generation = next(self._generations)
        self._due[key, priority] = (when, generation)
        heapq.heappush(self._heap, (when, generation, (key, priority)))
        self._shrink()
        self._set_timer()

    def retry(self, key: Key, at_least: float | None = None) -> None:
        """Process `key` again after its back-off (0.05 s doubling to 60 s, jittered), and not before `at_least` s."""
        failures = self._failures.setdefault(key, _Failures())
        failures.count += 1
        self._observer.retried(key)
        backoff = min(_LAST_RETRY, _FIRST_RETRY * 2 ** min(failures.count - 1, 20))
        jittered = backoff * self._rng.uniform(0.5, 1.0)
        self.add_after(key, jittered + (at_least or 0.0), self._active.get(key, Priority.NORMAL))

    def forget(self, key: Key) -> None:
        """Reset the back-off of `key`."""
        self._failures.pop(key, None)

    async def run(self) -> None:
        """Process keys until cancelled; keys that were being processed then wait again."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"queue worker {number}")

    async def idle(self) -> None:
        """Wait until no key waits or is processed; timers may be set."""
        await self._idle.wait()

    async def _work(self) -> None:
        while True:
            *_, key = await self._ready.get()
            if key in self._active or key not in self._waiting:
                # It was brought forward while it waited, was taken in its new place, and this is the one of before.
                continue
            turn = self._waiting.pop(key)
            self._active[key] = turn.priority
            self._observer.began(key, asyncio.get_running_loop().time() - turn.since)
            try:
                await self._attempt(key)
            except BaseException:
                self.add(key, self._active[key])
                raise
            finally:
                self._done(key)
            # A look that asks the server for nothing never waits: thousands of them would keep the Lease from its renewal.
            await asyncio.sleep(0)

    async def _attempt(self, key: Key) -> None:
        before = self._count(key)
        try:
            await self._process(key)
        except Unavailable as error:
            self.retry(key, at_least=error.retry_after)
        except Exception as error:  # noqa: BLE001 - whatever it is, this key must not end the worker
            self._tell(key, error)
            self.retry(key)
        else:
            if self._count(key) == before:
                self.forget(key)

    def _done(self, key: Key) -> None:
        del self._active[key]
        self._observer.ended(key)
        if key in self._waiting:
            self._offer(key)
        elif not self._waiting and not self._active:
            self._idle.set()

    def _offer(self, key: Key) -> None:
        """Hand a key to the workers, in the order of arrival and priority."""
        self._ready.put_nowait((self._waiting[key].place, next(self._generations), key))

    def _count(self, key: Key) -> int:
        failures = self._failures.get(key)
        return 0 if failures is None else failures.count

    def _tell(self, key: Key, error: Exception) -> None:
        failures = self._failures.setdefault(key, _Failures())
        if failures.told != repr(error):
            failures.told = repr(error)
            self._on_error(key, error)

    def _set_timer(self) -> None:
        """One timer for the earliest time; a later one in its place is replaced."""
        when = self.next_due
        if self._timer is not None:
            if when is not None and self._timer.when() <= when and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if when is not None:
            self._timer = asyncio.get_running_loop().call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while (when := self.next_due) is not None and when <= now:
            _, _, alarm = heapq.heappop(self._heap)
            del self._due[alarm]
            self.add(*alarm)
        self._set_timer()

    def _drop_stale(self) -> None:
        """An earlier time set later leaves its predecessor in the heap: the generation tells them apart."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)

    def _shrink(self) -> None:
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(when, generation, alarm) for alarm, (when, generation) in self._due.items()]
            heapq.heapify(self._heap)
