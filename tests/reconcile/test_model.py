"""The modelled controllers behave as the real ones: the same scripts run against a cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from launchplan_operator.kube.client import Client
from tests.fake import FakeApi, InProcessTransport, controlling
from tests.fake.cluster import FakeCluster
from tests.fake.scripts import SCRIPTS, Script, titles
from tests.fake.store import Object
from tests.fake.virtual import virtual_now, virtual_time
from tests.reconcile.world import next_slot

assert controlling.__all__

_LOST = "lost"


class FakeModel:
    """The fake with its controllers, looking once a second."""

    def __init__(self) -> None:
        self.api = FakeApi(clock=virtual_now, namespaces=("default", "test"))
        self.cluster = FakeCluster(self.api, next_slot)
        self.cluster.kubelet.lose_node(_LOST)
        self.transport = InProcessTransport(self.api)
        self.client = Client(self.transport)
        self.namespace = "test"

    def now(self) -> datetime:
        """Return the virtual time."""
        return virtual_now()

    async def eventually(self, check: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
        """Look after every second."""
        for _ in range(int(seconds)):
            if await check():
                return
            await self.rest(1)
        assert await check()

    async def rest(self, seconds: float) -> None:
        """Let the controllers look once a second."""
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            self.cluster.tick()

    async def run(self, pod: Object, *, lost: bool = False) -> None:
        """Start a pod."""
        self.cluster.kubelet.start(pod, _LOST if lost else "node")

    async def end(self, pod: Object, exit_code: int = 0) -> None:
        """End a pod."""
        self.cluster.kubelet.finish(pod, exit_code=exit_code)

    async def remove_lost_node(self) -> None:
        """Remove it."""
        self.cluster.kubelet.remove_node(_LOST)

    def age(self) -> None:
        """Forget all history."""
        self.api.store.compact()


@pytest.mark.parametrize("script", SCRIPTS, ids=titles())
@virtual_time
async def test_fake(script: Script) -> None:
    """The script holds for the modelled controllers."""
    await script(FakeModel())
