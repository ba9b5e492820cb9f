"""Following objects until something becomes true: list, watch, and again where a connection breaks."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from launchplan_operator.api.kinds import Kind
from launchplan_operator.cli.cluster import Cluster
from launchplan_operator.cli.problems import Problem
from launchplan_operator.kube.client import Gone, Unavailable, WatchEvent
from launchplan_operator.kube.transport import Object

_WATCH_SECONDS: Final = 240.0
_SILENCE: Final = 15.0
_FIRST_PAUSE: Final = 0.5
_LAST_PAUSE: Final = 15.0
#: How often in a row the server may fail to answer: some three minutes.
_PATIENCE: Final = 15


async def follow(
    cluster: Cluster, kind: Kind, *, labels: str = "", fields: str = ""
) -> AsyncGenerator[dict[str, Object], None]:
    """Yield the selected objects of the namespace by name, now and after every change, without end.

    Raises:
        Problem: the server did not answer for minutes.
        Unavailable: it did not answer at all.
    """
    failures, listed = 0, False
    while True:
        try:
            listing = await cluster.client.list(kind, cluster.namespace, labels, fields=fields)
            objects = {obj["metadata"]["name"]: obj for obj in listing.items}
            listed = True
            yield dict(objects)
            async for _ in _changes(cluster, kind, listing.resource_version, labels, fields, objects):
                failures = 0
                yield dict(objects)
            failures = 0
        except Gone:
            pass  # what was missed is in the next list
        except Unavailable as error:
            if not listed:
                raise
            failures += 1
            _tell(error, failures)
        await asyncio.sleep(min(_LAST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10)))


async def follow_one(cluster: Cluster, kind: Kind, name: str) -> AsyncGenerator[Object | None, None]:
    """Yield an object now and after every change; None, as the last, once it is gone or another of its name is there."""
    uid = None
    async with aclosing(follow(cluster, kind, fields=f"metadata.name={name}")) as states:
        async for objects in states:
            obj = objects.get(name)
            uid = uid or (obj or {}).get("metadata", {}).get("uid")
            if obj is None or obj["metadata"]["uid"] != uid:
                yield None
                return
            yield obj


async def _changes(
    cluster: Cluster, kind: Kind, version: str, labels: str, fields: str, objects: dict[str, Object]
) -> AsyncGenerator[None, None]:
    """Keep `objects` as the watch tells, and yield after each change, until the server ends it."""
    async with aclosing(
        cluster.client.watch(kind, cluster.namespace, version, labels, _WATCH_SECONDS, fields)
    ) as watch:
        while (event := await _next(watch)) is not None:
            if event.type == "BOOKMARK":
                continue
            name = event.object["metadata"]["name"]
            if event.type == "DELETED":
                objects.pop(name, None)
            else:
                objects[name] = event.object
            yield


async def _next(watch: AsyncGenerator[WatchEvent, None]) -> WatchEvent | None:
    """Return the next event; None at the end, or where a connection died silently: the server would have ended it."""
    try:
        async with asyncio.timeout(_WATCH_SECONDS + _SILENCE):
            return await anext(watch, None)
    except TimeoutError:
        return None


def _tell(error: Unavailable, failures: int) -> None:
    if failures >= _PATIENCE:
        raise Problem(f"the API server does not answer any more: {error}", hint="what was started goes on")
    if failures == 1:
        sys.stderr.write(f"the connection to the API server broke, trying again: {error}\n")
