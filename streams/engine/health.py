"""The small HTTP side of a worker process: /health, /ready and /metrics on its metrics port."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from streams.core import metrics


async def serve_health(host: str, port: int, waits_for: Callable[[], str]) -> web.AppRunner:
    """Start serving. `waits_for()` names what keeps the process from being ready, "" when it is.

    Raises OSError if the port is taken. End it with `await runner.cleanup()`.
    """

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        reason = waits_for()
        return web.json_response(
            {"status": "waiting" if reason else "ready", "waits_for": reason}, status=503 if reason else 200
        )

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(metrics.registry()), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    app = web.Application()
    app.add_routes([web.get("/health", health), web.get("/ready", ready), web.get("/metrics", exposition)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
