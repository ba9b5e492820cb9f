"""What the operator would send at its start, byte for byte, noted without sending a write."""

import asyncio
import json
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from launchplan_operator.app import assemble
from launchplan_operator.kube.transport import Body, Object, Response, Transport
from launchplan_operator.render import labels
from launchplan_operator.settings import Settings
from localcluster.places import LocalClusterError

_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Body | None
    content_type: str


@dataclass(frozen=True, slots=True)
class Script:
    """All requests of a start.

    Attributes:
        lists: the lists, but for their continuations.
        chains: the writes, those of one plan one after the other.
    """

    lists: tuple[Sent, ...]
    chains: tuple[tuple[Sent, ...], ...]

    @property
    def size(self) -> int:
        """How many bytes the writes have."""
        return sum(len(json.dumps(sent.body, separators=(",", ":"))) for chain in self.chains for sent in chain)


@dataclass(slots=True)
class _Pretender:
    """Passes reads on, and answers writes itself as if they were done; a watch stays silent."""

    inner: Transport
    lists: list[Sent] = field(default_factory=list)
    chains: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    version: int = 1 << 40

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        sent = Sent(method, path, dict(query or {}), body, content_type)
        if method == "GET":
            if "continue" not in sent.query:
                self.lists.append(sent)
            return await self.inner.request(method, path, query=query)
        if not isinstance(body, dict) or method not in {"POST", "PUT"}:
            raise LocalClusterError(f"a start does not {method} {path}")
        self.chains[_plan_of(body["metadata"])].append(sent)
        await asyncio.sleep(0)
        return Response(201 if method == "POST" else 200, {}, self._done(body))

    @asynccontextmanager
    async def stream(self, _path: str, _query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        async def silence() -> AsyncIterator[Object]:
            await asyncio.get_running_loop().create_future()
            yield {}

        yield silence()

    def _done(self, body: Mapping[str, Any]) -> Object:
        self.version += 1
        made = {
            "uid": str(uuid.UUID(int=self.version)),
            "generation": 1,
            "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return {**body, "metadata": {**made, **body["metadata"], "resourceVersion": str(self.version)}}


def _plan_of(metadata: Mapping[str, Any]) -> str:
    """Return the plan that a write is for: what is made for one bears its label, its status is written under its name."""
    return str((metadata.get("labels") or {}).get(labels.PLAN) or metadata.get("name", ""))


async def note_start(transport: Transport) -> Script:
    """Let the operator reconcile what the server has now, and note what it sends."""
    pretender = _Pretender(transport)
    operator = assemble(Settings(), pretender, clock=lambda: datetime.now(UTC), rng=random.SystemRandom())
    task = asyncio.create_task(operator.run())
    async with asyncio.timeout(_SECONDS):
        for reflector in operator.reflectors:
            await reflector.synced.wait()
        await operator.queue.idle()
    task.cancel()
    await asyncio.wait([task])
    return Script(tuple(pretender.lists), tuple(tuple(chain) for chain in pretender.chains.values()))
