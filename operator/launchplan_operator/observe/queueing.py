"""The queue as client-go's metrics show one, told apart by the kind of the objects in it."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client import Counter as CounterSeries

from launchplan_operator.observe.catalogue import (
    LONGEST_SECONDS,
    QUEUE_ADDS,
    QUEUE_DEPTH,
    QUEUE_RETRIES,
    QUEUE_SECONDS,
    UNFINISHED_SECONDS,
    WORK_SECONDS,
)
from launchplan_operator.observe.series import Values, make_counter, make_histogram

Key = tuple[str, str, str]


class QueueSeries:
    """Is told by the queue what it does; keys are (kind, namespace, name).

    Args:
        registry: Where its counters go.
        kinds: The kinds that are ever in the queue; each has its series from the start.
    """

    definitions = (QUEUE_DEPTH, UNFINISHED_SECONDS, LONGEST_SECONDS)

    def __init__(self, registry: CollectorRegistry, kinds: Iterable[str]) -> None:
        names = tuple(kinds)
        adds, retries = (make_counter(each, registry) for each in (QUEUE_ADDS, QUEUE_RETRIES))
        waits, works = (make_histogram(each, registry) for each in (QUEUE_SECONDS, WORK_SECONDS))
        self._adds: dict[str, CounterSeries] = {name: adds.labels(name) for name in names}
        self._retries: dict[str, CounterSeries] = {name: retries.labels(name) for name in names}
        self._waits: dict[str, Histogram] = {name: waits.labels(name) for name in names}
        self._works: dict[str, Histogram] = {name: works.labels(name) for name in names}
        self._depth = Counter(dict.fromkeys(names, 0))
        self._began: dict[Key, float] = {}

    def added(self, key: Key) -> None:
        """A key waits to be processed."""
        self._depth[key[0]] += 1
        self._adds[key[0]].inc()

    def began(self, key: Key, waited: float) -> None:
        """A key that waited so many seconds is being processed."""
        self._depth[key[0]] -= 1
        self._waits[key[0]].observe(waited)
        self._began[key] = asyncio.get_running_loop().time()

    def ended(self, key: Key) -> None:
        """A key is processed, whatever came of it."""
        self._works[key[0]].observe(asyncio.get_running_loop().time() - self._began.pop(key))

    def retried(self, key: Key) -> None:
        """A key is to be processed once more after its back-off."""
        self._retries[key[0]].inc()

    def read(self) -> Iterable[Values]:
        """Return the values of the definitions."""
        now = asyncio.get_running_loop().time()
        unfinished: dict[tuple[str, ...], float] = dict.fromkeys(((name,) for name in self._adds), 0.0)
        longest = dict(unfinished)
        for (kind, _, _), began in self._began.items():
            unfinished[kind,] += now - began
            longest[kind,] = max(longest[kind,], now - began)
        depth: Values = {(name,): float(count) for name, count in self._depth.items()}
        return (depth, unfinished, longest)
