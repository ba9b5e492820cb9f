"""`/livez` and `/readyz`: whether the loop turns, and whether the caches are filled."""

from collections.abc import Awaitable, Callable

from aiohttp import web


async def serve_health(port: int, is_ready: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
    """Serve both paths on all addresses; returns what ends the server.

    `/livez` answers 200 as long as the event loop turns; `/readyz` answers 503 until `is_ready`.
    """

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.Response(text="ok\n" if ready else "the caches are being filled\n", status=200 if ready else 503)

    application = web.Application()
    application.add_routes([web.get("/livez", livez), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner.cleanup
