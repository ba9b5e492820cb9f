"""The real API server behaves as the fake is made to: the suite that the reconcile level relies on."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest
import yaml

from launchplan_operator.api.kinds import CUSTOM_RESOURCE_DEFINITIONS, LAUNCH_PLANS, NAMESPACES
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.connection import AiohttpTransport
from tests.fake import behaving
from tests.fake.api import CRDS
from tests.fake.behaviours import BEHAVIOURS, Behaviour, names

assert behaving.__all__

_PATIENCE = 30.0


class Cluster(Protocol):
    """What is needed of the cluster fixture."""

    kubeconfig: str


class RealServer:
    """A real API server with a namespace of the test's own."""

    def __init__(self, transport: AiohttpTransport) -> None:
        self.transport = transport
        self.client = Client(transport)
        self.namespace = f"behaviour-{uuid.uuid4().hex[:8]}"

    async def prepare(self) -> None:
        """Create the namespace and, where they are missing, the project's kinds."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        assert (await self.client.create(NAMESPACES, body)).ok
        for file in CRDS.glob("*.yaml"):
            reply = await self.client.create(CUSTOM_RESOURCE_DEFINITIONS, yaml.safe_load(file.read_text()))
            assert reply.ok or reply.exists, reply.message
        await self.eventually(self._served)

    async def _served(self) -> bool:
        try:
            await self.client.list(LAUNCH_PLANS, self.namespace)
        except Unavailable:
            return False
        return True

    async def eventually(self, check: Callable[[], Awaitable[bool]]) -> None:
        """Poll until it holds."""
        async with asyncio.timeout(_PATIENCE):
            while not await check():  # noqa: ASYNC110 - another process changes what is looked at
                await asyncio.sleep(0.1)

    def age(self) -> None:
        """A real server has forgotten its first versions already."""


@pytest.fixture
async def server(cluster: Cluster) -> AsyncIterator[RealServer]:
    """A namespace on the cluster."""
    transport = await AiohttpTransport.from_kubeconfig(str(cluster.kubeconfig))
    server = RealServer(transport)
    await server.prepare()
    yield server
    await server.client.delete(NAMESPACES, None, server.namespace)
    await transport.close()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=names())
async def test_real(server: RealServer, behaviour: Behaviour) -> None:
    """The behaviour holds for the real API server."""
    await behaviour(server)
