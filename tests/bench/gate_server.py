"""`python -m tests.bench.gate_server KIND REDIS_PORT`: one service of one route, with its gate or without.

KIND: `bare` (aiohttp alone), `counted` (session token, standing, rates in Redis), `uncounted` (the same
without rates, as segments are), `refusing` (room for nobody), `heavy` and `heavy-unlimited` (some
milliseconds of work, with and without the limit on what is in flight). Prints its port and a session token as
one line of JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any

import uvloop
from aiohttp import web
from pydantic import SecretStr

from deploy.local.ports import free_ports
from gateways.core import adaptive
from gateways.core.accounts import AccountCredentials
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.limits import Limiter
from gateways.core.permissions import ASSETS_READ
from gateways.core.rates import READ, Rate
from gateways.core.routes import BY_METHOD, Route
from gateways.core.server import Listening, Server
from gateways.core.sessions import Tokens
from gateways.core.standing import Standing
from streams.core.clients import redis_client
from streams.core.logging import configure_logging
from streams.core.settings import Settings
from tests.unit.gateways.identities import ISSUER, MemoryIdentities

WORK = bytes(5 * 2**20)  # hashed in some milliseconds
STANDING_LIMITS = {"heavy-unlimited": 1e9, "refusing": 0.0}
ENDLESS = {READ: {"user": Rate(10**8, 60), "ip": Rate(10**8, 60)}}


async def answer(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * 512)


async def work(_: web.Request) -> web.Response:
    """CPU of this process, and a wait as for a store."""
    hashlib.sha256(WORK).digest()
    await asyncio.sleep(0.005)
    return web.Response(body=b"x" * 512)


def application(kind: str, redis_port: int, identities: MemoryIdentities) -> web.Application:
    """The app of `kind`."""
    if kind == "bare":
        bare = web.Application()
        bare.router.add_get("/x", answer)
        return bare
    if kind in STANDING_LIMITS:
        adaptive.START = STANDING_LIMITS[kind]  # type: ignore[misc]
        adaptive.WINDOW_SAMPLES = 10**12  # type: ignore[misc]
    handler: Any = work if kind.startswith("heavy") else answer
    route = Route(
        method="GET", path="/x", handler=handler, permission=ASSETS_READ, summary="x",
        limits=None if kind == "uncounted" else BY_METHOD,
    )  # fmt: skip
    accounts = AccountCredentials(Standing(identities), ISSUER)
    guard = Guard(admin_key_sha256="", tokens=Tokens("x" * 32), accounts=accounts)
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{redis_port}"))
    limiter = Limiter(redis_client(settings), b"bench", ENDLESS)
    return create_app(Service(name="chat", routes=(route,)), CoreDeps(guard=guard, limiter=limiter))


async def main(kind: str, redis_port: int) -> None:
    identities = MemoryIdentities()
    identities.add("analyst")
    app = application(kind, redis_port, identities)
    runner = web.AppRunner(app, access_log=None)
    if kind == "bare":
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
    else:
        port, metrics_port = free_ports(("service", "metrics")).values()
        server = Server([Listening("chat", app, port, metrics_port)], "127.0.0.1", 1.0)
        await server.start()
    print(json.dumps({"port": port, "token": identities.token()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the bench closes it
    await (runner.cleanup() if kind == "bare" else server.stop())


if __name__ == "__main__":
    # Access lines are part of the cost: they are written, to nowhere.
    configure_logging(Settings(), "bench")
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
