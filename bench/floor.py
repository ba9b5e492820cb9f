"""The floor: the operator's requests without the operator."""

import asyncio
from http import HTTPStatus

from bench.script import Script, Sent
from bench.world import in_parallel
from launchplan_operator.kube.transport import Transport
from localcluster.places import LocalClusterError


async def replay(transport: Transport, script: Script) -> float:
    """Send a script's lists at once, then its chains of writes as many at a time as the operator; returns seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for each in script.lists:
            group.create_task(_list(transport, each))
    await in_parallel(_write(transport, chain) for chain in script.chains)
    return loop.time() - began


async def _list(transport: Transport, first: Sent) -> None:
    query = dict(first.query)
    while True:
        response = await transport.request("GET", first.path, query=query)
        if response.status != HTTPStatus.OK:
            raise LocalClusterError(f"GET {first.path}: {response.status}")
        token = response.body["metadata"].get("continue")
        if not token:
            return
        query["continue"] = token


async def _write(transport: Transport, chain: tuple[Sent, ...]) -> None:
    for sent in chain:
        response = await transport.request(
            sent.method, sent.path, query=sent.query, body=sent.body, content_type=sent.content_type
        )
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise LocalClusterError(f"{sent.method} {sent.path}: {response.status} {response.body.get('message')}")
