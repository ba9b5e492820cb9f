"""Keeps a cache as the server has it: list, watch, list again whenever the watch may have missed something."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from logging import getLogger
from random import Random

from launchplan_operator.api.kinds import Kind
from launchplan_operator.kube.cache import Cache, version_of
from launchplan_operator.kube.client import Client, Gone, Unavailable, WatchEvent
from launchplan_operator.kube.transport import Object

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 30.0
_TOO_SHORT = 1.0
_SILENCE = 15.0
_SOON = 5.0
_BREATH = 100
#: How many lists that are older than what was watched are not believed, one after the other.
_STALE_LISTS = 5

_logger = getLogger(__name__)


@dataclass(slots=True)
class _Scope:
    """One namespace, or the cluster; `version` is empty until it is listed."""

    namespace: str | None
    version: str = ""
    repair_at: float = 0.0
    failures: int = 0
    events: int = 0
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


class Reflector:
    """Feeds one cache with all objects of one kind.

    Lists in chunks, watches from the list's resource version, re-lists after 410 and, because a watch may lose
    events unnoticed, every `repair_after` seconds or a little later. An object that a list lacks is removed, unless
    the cache holds it in a version newer than that list.

    Args:
        client: The client.
        kind: What to follow.
        cache: Where to; no one else may remove from it.
        namespaces: Which namespaces, each by its own watch; None means the cluster.
        labels: Selector that limits what is followed.
        on_change: Called with (old, new) after every change of the cache, by a write of ours too.
        rng: Source of jitter.
        repair_after: Seconds between two lists at least.
        watch_for: Seconds that one watch lasts at most.
        on_sign: Told (plural, namespace, heard) of each sign of life: whether the server told anything, or only we asked.

    Attributes:
        synced: Set once everything has been listed.
    """

    def __init__(  # noqa: PLR0913 - settings with defaults
        self,
        client: Client,
        kind: Kind,
        cache: Cache,
        *,
        namespaces: Sequence[str] | None = None,
        labels: str | None = None,
        on_change: Callable[[Object | None, Object | None], None] | None = None,
        rng: Random,
        repair_after: float = 600.0,
        watch_for: float = 300.0,
        on_sign: Callable[[str, str | None, bool], None] | None = None,
    ) -> None:
        self.synced = asyncio.Event()
        self._client = client
        self._kind = kind
        self._cache = cache
        self._labels = labels
        self._rng = rng
        self._repair_after = repair_after
        self._watch_for = watch_for
        self._on_sign = on_sign
        self._scopes = [_Scope(namespace) for namespace in ([None] if namespaces is None else namespaces)]
        if on_change is not None:
            cache.listen(on_change)

    async def run(self) -> None:
        """Follow until cancelled; no failure of the API ends it."""
        await self._run(self._follow)

    async def run_without_watch(self) -> None:
        """Only list, at the start and for repair, where something else watches into the cache."""
        await self._run(self._repair)

    def repair_soon(self) -> None:
        """List again in some seconds: whoever watches into the cache has listed, and may have missed deletions."""
        soon = asyncio.get_running_loop().time() + _SOON
        for scope in self._scopes:
            scope.repair_at = min(scope.repair_at, soon)
            scope.hurry.set()

    async def refresh(self) -> None:
        """List everything once more, however long that takes: what is held then is no older than this call.

        A list from before what was watched is asked for again: it would bring back what is gone, and a watch that goes on
        beside it tells of no end twice. Whether a server that gives no other was restored nobody can tell: it is believed.
        """
        for scope in self._scopes:
            tries = 0
            while not await self._list_now(scope, strict=tries < _STALE_LISTS):
                tries += 1

    async def _list_now(self, scope: _Scope, *, strict: bool) -> bool:
        try:
            await self._list(scope, strict=strict)
        except (Gone, Unavailable) as error:
            await asyncio.sleep(self._pause(scope, getattr(error, "retry_after", None)))
            return False
        return True

    async def _run(self, step: Callable[[_Scope], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for scope in self._scopes:
                group.create_task(self._repeat(scope, step), name=f"reflector {self._kind.plural} {scope.namespace}")

    async def _repeat(self, scope: _Scope, step: Callable[[_Scope], Awaitable[None]]) -> None:
        while True:
            pause = 0.0
            try:
                await step(scope)
            except Gone:
                scope.version = ""
                pause = self._pause(scope, None)
            except Unavailable as error:
                if not scope.failures:
                    _logger.warning("following %s failed, trying again: %s", self._kind.plural, error)
                pause = self._pause(scope, error.retry_after)
            await asyncio.sleep(pause)

    def _pause(self, scope: _Scope, at_least: float | None) -> float:
        backoff: float = min(_LAST_PAUSE, _FIRST_PAUSE * 2 ** min(scope.failures, 10))
        scope.failures += 1
        return (at_least or 0.0) + backoff * self._rng.uniform(0.5, 1.0)

    def _sign(self, scope: _Scope, *, heard: bool) -> None:
        if self._on_sign is not None:
            self._on_sign(self._kind.plural, scope.namespace, heard)

    async def _follow(self, scope: _Scope) -> None:
        self._sign(scope, heard=False)
        now = asyncio.get_running_loop().time()
        if not scope.version or now >= scope.repair_at:
            await self._list(scope)
            return
        await self._watch(scope, min(self._watch_for * self._rng.uniform(0.8, 1.0), scope.repair_at - now))

    async def _repair(self, scope: _Scope) -> None:
        wait = scope.repair_at - asyncio.get_running_loop().time()
        if scope.version and wait > 0:
            scope.hurry.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(scope.hurry.wait(), wait)
            return
        await self._list(scope)
        scope.failures = 0

    async def _list(self, scope: _Scope, *, strict: bool = False) -> None:
        seen: set[tuple[str, str]] = set()
        version = ""
        async with aclosing(self._client.chunks(self._kind, scope.namespace, self._labels)) as chunks:
            async for chunk in chunks:
                self._sign(scope, heard=True)
                version = chunk.resource_version
                if strict and scope.version and int(version) < int(scope.version):
                    raise Unavailable(f"list {self._kind.plural}: it is older than what was watched")
                for count, obj in enumerate(chunk.items, 1):
                    seen.add(_name(obj))
                    self._take(self._cache.put, obj)
                    if count % _BREATH == 0:
                        await asyncio.sleep(0)
        self._remove_missing(scope, seen, int(version))
        scope.version = version
        scope.repair_at = asyncio.get_running_loop().time() + self._repair_after * self._rng.uniform(1.0, 1.2)
        if all(each.version for each in self._scopes):
            self.synced.set()

    def _remove_missing(self, scope: _Scope, seen: set[tuple[str, str]], listed: int) -> None:
        for obj in self._cache.values():
            namespace, name = _name(obj)
            if scope.namespace not in (None, namespace) or (namespace, name) in seen:
                continue
            # A write of ours that came after the list is not in it.
            if version_of(obj) <= listed:
                self._take(partial(self._cache.remove, version=listed), obj)

    async def _watch(self, scope: _Scope, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        start, before = loop.time(), scope.events
        watch = self._client.watch(self._kind, scope.namespace, scope.version, self._labels, max(1.0, seconds))
        # A connection that died silently ends here: the server itself would have ended the watch by then.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(1.0, seconds) + _SILENCE), aclosing(watch) as events:
                async for event in events:
                    self._see(scope, event)
        if scope.events == before and loop.time() - start < _TOO_SHORT:
            raise Unavailable("the watch ended at once")
        scope.failures = 0

    def _see(self, scope: _Scope, event: WatchEvent) -> None:
        scope.events += 1
        scope.failures = 0
        self._sign(scope, heard=True)
        if event.type == "DELETED":
            self._take(self._cache.remove, event.object)
        elif event.type in ("ADDED", "MODIFIED"):
            self._take(self._cache.put, event.object)
        scope.version = event.object["metadata"]["resourceVersion"]

    def _take(self, change: Callable[[Object], bool], obj: Object) -> None:
        try:
            change(obj)
        except Exception:  # one object that the projection stumbles over must not hide all others
            _logger.exception("cannot take %s %s", self._kind.kind, _name(obj))


def _name(obj: Object) -> tuple[str, str]:
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]
