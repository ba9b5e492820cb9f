"""A real API server, and real controllers, as the suites see them that hold for the fake too."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import yaml

from launchplan_operator.api.kinds import CUSTOM_RESOURCE_DEFINITIONS, LAUNCH_PLANS, NAMESPACES, PODS, Kind
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.connection import AiohttpTransport
from localcluster.podlife import NODE_NAME
from tests.fake.api import CRDS

Object = dict[str, Any]

_PATIENCE = 30.0
_NODES = Kind("", "v1", "nodes", "Node")


class RealServer:
    """A real API server with a namespace of the test's own."""

    def __init__(self, transport: AiohttpTransport, prefix: str = "behaviour") -> None:
        self.transport = transport
        self.client = Client(transport)
        self.namespace = f"{prefix}-{uuid.uuid4().hex[:8]}"

    async def prepare(self) -> None:
        """Create the namespace and, where they are missing, the project's kinds."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        assert (await self.client.create(NAMESPACES, body)).ok
        for file in CRDS.glob("*.yaml"):
            reply = await self.client.create(CUSTOM_RESOURCE_DEFINITIONS, yaml.safe_load(file.read_text()))
            assert reply.ok or reply.exists, reply.message
        await self.eventually(self._served)

    async def remove(self) -> None:
        """Ask for the namespace's deletion."""
        await self.client.delete(NAMESPACES, None, self.namespace)

    async def _served(self) -> bool:
        try:
            await self.client.list(LAUNCH_PLANS, self.namespace)
        except Unavailable:
            return False
        return True

    async def eventually(self, check: Callable[[], Awaitable[bool]], seconds: float = _PATIENCE) -> None:
        """Poll until it holds."""
        async with asyncio.timeout(seconds):
            while not await check():  # noqa: ASYNC110 - another process changes what is looked at
                await asyncio.sleep(0.1)

    def age(self) -> None:
        """A real server has forgotten its first versions already."""


class RealCluster(RealServer):
    """Real controllers, the stub's node, and a node of the script's own that nobody plays."""

    async def prepare(self) -> None:
        """Create the lost node, too."""
        await super().prepare()
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.namespace}}
        assert (await self.client.create(_NODES, node)).ok

    async def remove(self) -> None:
        """Ask for the namespace's deletion, and for that of the node, without which lingering pods never go."""
        await super().remove()
        await self.remove_lost_node()

    async def remove_lost_node(self) -> None:
        """Delete the node."""
        await self.client.delete(_NODES, None, self.namespace)

    def now(self) -> datetime:
        """Return the machine's time, which is the controllers'."""
        return datetime.now(UTC)

    async def rest(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def run(self, pod: Object, *, lost: bool = False) -> None:
        """Bind a pod and write what kubelet would."""
        meta = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": self.namespace if lost else NODE_NAME}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
        path = PODS.path(self.namespace, meta["name"], "binding")
        response = await self.transport.request("POST", path, body=body)
        assert response.status == 201, response.body
        await self._report(pod, "Running", {"running": {"startedAt": self._stamp()}})

    async def end(self, pod: Object, exit_code: int = 0) -> None:
        """Write the end of a pod's containers."""
        now = self._stamp()
        ended = {"exitCode": exit_code, "startedAt": now, "finishedAt": now}
        await self._report(pod, "Failed" if exit_code else "Succeeded", {"terminated": ended})

    async def _report(self, pod: Object, phase: str, state: Object) -> None:
        ready = phase == "Running"
        containers = [
            {"name": each["name"], "image": each["image"], "imageID": "", "restartCount": 0}
            | {"ready": ready, "state": state}
            for each in pod["spec"]["containers"]
        ]
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": self._stamp()}
        status = {"phase": phase, "conditions": [condition], "containerStatuses": containers}
        reply = await self.client.patch(PODS, self.namespace, pod["metadata"]["name"], {"status": status}, "status")
        assert reply.ok, reply.message

    def _stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
