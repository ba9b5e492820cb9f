"""Kopf shows the server what our own connection shows it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.settings import Settings
from localcluster.pki import Pki
from tests.fake import FakeApi
from tests.fake.server import _Front, kubeconfig, serve
from tests.fake.store import Object
from tests.kopf.watched import Watched, credentials_of, make, started

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OLD, NEW = "old-token", "new-token"


class Gate:
    """Lets one token in, which may change."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.refused = 0

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 401 to any other token."""
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return await handler(request)
        self.refused += 1
        return web.json_response({"kind": "Status", "code": 401, "reason": "Unauthorized"}, status=401)


@asynccontextmanager
async def guarded(api: FakeApi, gate: Gate) -> AsyncIterator[str]:
    """Serve the fake behind a gate."""
    async with listening(web.Application(middlewares=[gate.guard]), api) as address:
        yield f"http://{address}"


@asynccontextmanager
async def listening(
    application: web.Application, api: FakeApi, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve the fake by an application on the loopback; yields host and port."""
    application.router.add_route("*", "/{path:.*}", _Front(api, None).handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        api.break_watches()
        await runner.cleanup()


async def sees_plans(watched: Watched) -> None:
    """Wait until a new plan is in the cache."""
    make(watched.api, LAUNCH_PLANS, f"plan-{watched.api.store.version}")
    await watched.settled()


async def test_a_token(tmp_path: Path) -> None:
    """The token of the kubeconfig opens lists and watches."""
    api = FakeApi()
    async with serve(api, OLD) as url:
        credentials = await credentials_of(kubeconfig(url, OLD), tmp_path)
        async with started(api, credentials, Settings()) as watched:
            await sees_plans(watched)


async def test_a_wrong_token_ends_the_process(tmp_path: Path) -> None:
    """Who is never let in says so and ends, and is seen to."""
    api = FakeApi()
    async with serve(api, OLD) as url:
        credentials = await credentials_of(kubeconfig(url, "wrong"), tmp_path)
        async with started(api, credentials, Settings()) as watched:
            with pytest.raises(Exception, match="credentials"):
                await asyncio.wait_for(watched.task, 20)
    assert api.log == []


async def test_a_token_that_is_replaced(tmp_path: Path) -> None:
    """When the server takes only a new token, the new one is read and the watch goes on."""
    api = FakeApi()
    gate = Gate(OLD)
    async with guarded(api, gate) as url:
        credentials = await credentials_of(kubeconfig(url, OLD), tmp_path)
        async with started(api, credentials, Settings()) as watched:
            await sees_plans(watched)
            (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(url, NEW)))
            gate.token = NEW
            api.break_watches()
            await watched.until(lambda: gate.refused > 0)
            await sees_plans(watched)


async def test_a_client_certificate(tmp_path: Path) -> None:
    """The certificate of the kubeconfig is shown, and the server's is checked against its authority."""
    api = FakeApi()
    pki = Pki(tmp_path / "pki")
    pki.create(["127.0.0.1"])
    async with listening(web.Application(), api, _mutual_tls(pki)) as address:
        credentials = await credentials_of(_with_certificate(f"https://{address}", pki), tmp_path)
        async with started(api, credentials, Settings()) as watched:
            await sees_plans(watched)


def _mutual_tls(pki: Pki) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.path("ca.crt")))
    context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _with_certificate(url: str, pki: Pki) -> Object:
    config = kubeconfig(url)
    config["clusters"][0]["cluster"]["certificate-authority"] = str(pki.path("ca.crt"))
    files = {"client-certificate": str(pki.path("client.crt")), "client-key": str(pki.path("client.key"))}
    config["users"][0]["user"] = files
    return config
