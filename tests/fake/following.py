"""A server with launch plans, and a reflector that follows them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.cache import Cache, version_of
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.transport import Object
from launchplan_operator.kube.watch import Reflector
from tests.fake import FakeApi, InProcessTransport
from tests.fake.virtual import seeded, virtual_now

PATH = LAUNCH_PLANS.path("default")


class World:
    """A server, a client with its cache, and what the reflector told."""

    def __init__(self, latency: Callable[[], float] = lambda: 0.0) -> None:
        self.api = FakeApi(clock=virtual_now, namespaces=("default", "other"))
        self.cache = Cache(indexes={"suspend": lambda obj: [str(obj["spec"].get("suspend", False))]})
        transport = InProcessTransport(self.api, latency)
        self.client = Client(transport, on_written=lambda _kind, obj: self.cache.put(obj))
        self.changes: list[tuple[str, str]] = []

    def reflector(self, **settings: Any) -> Reflector:
        """Return a reflector of launch plans."""
        defaults: dict[str, Any] = {"rng": seeded(1), "on_change": self.changed}
        return Reflector(self.client, LAUNCH_PLANS, self.cache, **(defaults | settings))

    def changed(self, old: Object | None, new: Object | None) -> None:
        """Record a change."""
        obj = new or old
        assert obj is not None
        kind = "gone" if new is None else "new" if old is None else "changed"
        self.changes.append((kind, obj["metadata"]["name"]))

    def create(self, name: str, namespace: str = "default", **meta: object) -> Object:
        """Create a plan behind the reflector's back."""
        body = {
            "apiVersion": LAUNCH_PLANS.api_version,
            "kind": "LaunchPlan",
            "metadata": {"name": name, "namespace": namespace} | meta,
            "spec": {"workflowRef": {"name": "w"}},
        }
        return self.api.do("POST", LAUNCH_PLANS.path(namespace), body)

    def suspend(self, name: str) -> Object:
        """Change a plan behind the reflector's back."""
        return self.api.do("PATCH", f"{PATH}/{name}", {"spec": {"suspend": True}})

    def delete(self, name: str) -> None:
        """Delete a plan behind the reflector's back."""
        self.api.do("DELETE", f"{PATH}/{name}")

    def agrees(self) -> bool:
        """Whether the cache has exactly the server's objects in their newest versions."""
        return versions(self.cache.values()) == versions(self.api.store.of(LAUNCH_PLANS))

    def get(self, name: str) -> Object:
        """Return a plan of the cache."""
        found = self.cache.get("default", name)
        assert found is not None
        return found


def versions(objects: list[Object]) -> dict[tuple[str, str], int]:
    """Return the versions by name."""
    return {(obj["metadata"]["namespace"], obj["metadata"]["name"]): version_of(obj) for obj in objects}


@asynccontextmanager
async def following(reflector: Reflector) -> AsyncIterator[None]:
    """Run a reflector, and wait until it has listed."""
    task = asyncio.create_task(reflector.run())
    await reflector.synced.wait()
    await asyncio.sleep(0.01)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
