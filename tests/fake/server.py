"""The fake over HTTP on the loopback, for clients that bring their own connection: kopf, kubectl, our own transport."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from launchplan_operator.kube.transport import Response
from tests.fake.api import FakeApi
from tests.fake.faults import Lost
from tests.fake.routing import Request
from tests.fake.store import Watch
from tests.fake.transport import expire, lines

_LONGEST_WATCH = 1800.0


@asynccontextmanager
async def serve(api: FakeApi, token: str | None = None) -> AsyncIterator[str]:
    """Serve the fake on a free port and yield its address.

    Args:
        api: The server.
        token: Where given, every request without this bearer token gets 401.
    """
    app = web.Application(client_max_size=4 * 1024 * 1024)
    front = _Front(api, token)
    app.router.add_route("*", "/{path:.*}", front.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        api.break_watches()
        await runner.cleanup()


def kubeconfig(url: str, token: str = "") -> dict[str, Any]:
    """Return a kubeconfig for the served fake."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "fake", "user": {"token": token}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "current-context": "fake",
    }


class _Front:
    def __init__(self, api: FakeApi, token: str | None) -> None:
        self._api = api
        self._token = token

    async def handle(self, http: web.Request) -> web.StreamResponse:
        if self._token is not None and http.headers.get("Authorization") != f"Bearer {self._token}":
            return _plain(Response(401, {}, {"kind": "Status", "code": 401, "reason": "Unauthorized"}))
        data = await http.read()
        query = dict(http.query)
        body = json.loads(data) if data else None
        request = Request(http.method, http.path, query, body, http.content_type)
        if http.method == "GET" and query.get("watch") in ("true", "1"):
            return await self._watch(http, request)
        return await _answer(http, self._api.handle(request))

    async def _watch(self, http: web.Request, request: Request) -> web.StreamResponse:
        watch = self._api.open_watch(request)
        if not isinstance(watch, Watch):
            return await _answer(http, watch)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(http)
        seconds = float(request.query.get("timeoutSeconds") or _LONGEST_WATCH)
        timer = asyncio.get_running_loop().call_later(seconds, expire, self._api, watch)
        try:
            with suppress(ConnectionError):
                async for line in lines(watch):
                    await response.write(json.dumps(line).encode() + b"\n")
        finally:
            timer.cancel()
            self._api.store.unwatch(watch)
        return response


async def _answer(http: web.Request, answer: Response | Lost) -> web.StreamResponse:
    if isinstance(answer, Response):
        return _plain(answer)
    if answer is Lost.HANGS:
        await asyncio.get_running_loop().create_future()
    if http.transport is not None:
        http.transport.abort()
    return web.Response()


def _plain(response: Response) -> web.Response:
    if not response.body:
        return web.Response(status=response.status, text=f"{response.status} page not found")
    return web.json_response(response.body, status=response.status, headers=response.headers)
