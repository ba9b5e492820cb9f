"""The real kopf, put together as the operator does it, against the fake API server over HTTP."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.app import Operator, _watch_with_kopf, assemble
from launchplan_operator.kube.cache import Cache, version_of
from launchplan_operator.kube.connection import AiohttpTransport
from launchplan_operator.kube.credentials import Credentials
from launchplan_operator.kube.queue import Key
from launchplan_operator.settings import Settings
from tests.fake import FakeApi
from tests.fake.server import kubeconfig, serve
from tests.fake.store import Object

KINDS = (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS)
_PATIENCE = 20.0
_POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
_SPECS: dict[Kind, dict[str, Any]] = {
    WORKFLOW_DEFINITIONS: {"job": {"template": {"spec": _POD}}},
    LAUNCH_PLANS: {"workflowRef": {"name": "greet"}},
    REFERENCE_LAUNCH_PLANS: {"namespace": "default", "name": "hello"},
    LAUNCH_PLAN_EXECUTIONS: {"launchPlanRef": {"name": "hello"}},
}


@dataclass(frozen=True, slots=True)
class Watched:
    """A server, and an operator whose caches nobody fills but kopf and whose queue nobody works at.

    Attributes:
        task: kopf, until it ends.
    """

    api: FakeApi
    operator: Operator
    task: asyncio.Task[None]

    def cache(self, kind: Kind) -> Cache:
        """Return a kind's cache."""
        return cache_of(self.operator, kind)

    def woken(self) -> set[Key]:
        """Return the keys that wait or will, and forget them."""
        queue = self.operator.queue
        keys = {*queue._waiting, *(key for key, _ in queue._due)}
        queue._waiting.clear()
        queue._due.clear()
        return keys

    def agrees(self) -> bool:
        """Whether the caches hold exactly the server's objects in their newest versions."""
        return all(_versions(self.cache(kind).values()) == _versions(self.api.store.of(kind)) for kind in KINDS)

    def watches(self) -> int:
        """Return how many watches kopf holds open."""
        return sum(len(self.api.store.watches(kind)) for kind in KINDS)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, or kopf ends, which raises what ended it."""
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until kopf watches every kind and the caches are as the server is."""
        await self.until(lambda: self.watches() == len(KINDS) and self.agrees())


def cache_of(operator: Operator, kind: Kind) -> Cache:
    """Return a kind's cache."""
    cache = operator.context.caches.of(kind)
    assert cache is not None
    return cache


@asynccontextmanager
async def watching(
    api: FakeApi, directory: Path, *, settled: bool = True, settings: Settings | None = None
) -> AsyncIterator[Watched]:
    """Let kopf watch the fake for a while; unless told otherwise wait until it does."""
    async with serve(api) as url:
        credentials = await credentials_of(kubeconfig(url), directory)
        async with started(api, credentials, settings or Settings()) as watched:
            if settled:
                await watched.settled()
            yield watched


async def credentials_of(config: Object, directory: Path) -> Credentials:
    """Write a kubeconfig and read it as the operator does."""
    path = directory / "kubeconfig"
    path.write_text(json.dumps(config))
    return await Credentials.from_kubeconfig(str(path))


@asynccontextmanager
async def started(api: FakeApi, credentials: Credentials, settings: Settings) -> AsyncIterator[Watched]:
    """Start kopf as the operator does, alone."""
    transport = AiohttpTransport(credentials)
    operator = assemble(settings, transport, clock=lambda: datetime.now(UTC), rng=random.SystemRandom())
    alone = replace(operator, reflectors=())
    task = asyncio.create_task(_watch_with_kopf(settings, credentials, alone))
    try:
        yield Watched(api, operator, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
        await transport.close()


@contextmanager
def nothing_written(api: FakeApi) -> Iterator[None]:
    """Assert that all calls meanwhile only list and watch our own kinds, and that no object is changed by them."""
    before = len(api.log)
    yield
    calls = [call for call, _ in api.log[before:]]
    assert {call.verb for call in calls} <= {"list", "watch"}
    assert {call.kind for call in calls} <= set(KINDS)
    assert api.writes() == []
    for obj in (obj for kind in KINDS for obj in api.store.of(kind)):
        assert not obj["metadata"].get("finalizers")
        assert not [key for key in obj["metadata"].get("annotations") or () if "kopf" in key]


def make(api: FakeApi, kind: Kind, name: str, namespace: str = "default", **spec: Any) -> Object:
    """Create an object as somebody else would."""
    metadata = {"name": name, "namespace": namespace}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": _SPECS[kind] | spec}
    return api.do("POST", kind.path(namespace), body)


def patch(api: FakeApi, kind: Kind, name: str, change: Object, namespace: str = "default") -> Object:
    """Change an object as somebody else would."""
    return api.do("PATCH", kind.path(namespace, name), change)


def label(api: FakeApi, kind: Kind, name: str, value: str) -> Object:
    """Label an object as somebody else would."""
    return patch(api, kind, name, {"metadata": {"labels": {"touched": value}}})


def delete(api: FakeApi, kind: Kind, name: str) -> None:
    """Delete an object as somebody else would."""
    api.do("DELETE", kind.path("default", name))


def tally(api: FakeApi) -> Counter[str]:
    """Return how often each `verb resource` was called."""
    return Counter(f"{call.verb} {call.target}" for call, _ in api.log)


def _versions(objects: list[Object]) -> dict[tuple[str, str], int]:
    return {(obj["metadata"]["namespace"], obj["metadata"]["name"]): version_of(obj) for obj in objects}
