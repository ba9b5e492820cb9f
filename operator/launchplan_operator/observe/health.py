"""`/livez`, `/readyz` and `/metrics`, served by the event loop that does the work: one that is stuck answers nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Health:
    """What is answered.

    Attributes:
        ailment: why a restart would help, in a sentence; empty if it would not.
        unreadiness: why this process could not take over now; empty if it could.
        metrics: the text for Prometheus and its content type, for an Accept header.
    """

    ailment: Callable[[], str]
    unreadiness: Callable[[], str]
    metrics: Callable[[str], tuple[bytes, str]]


async def serve_health(port: int, health: Health) -> Callable[[], Awaitable[None]]:
    """Serve the three paths on all addresses; returns what ends the server.

    `/livez` answers 503 with an ailment; `/readyz` with what is missing. A replica that stands by is ready.
    """

    async def metrics(request: web.Request) -> web.Response:
        text, content_type = health.metrics(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    application = web.Application()
    application.add_routes(
        [
            web.get("/livez", _probe(health.ailment)),
            web.get("/readyz", _probe(health.unreadiness)),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner.cleanup


def _probe(trouble: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        text = trouble()
        return web.Response(text=f"{text or 'ok'}\n", status=503 if text else 200)

    return answer
