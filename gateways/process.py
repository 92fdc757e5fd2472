"""One gateway process: clients are made here, once, and passed to the services that it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.clickhouse import ClickHouseHistory
from gateways.core.deps import CoreDeps, EdgeConfig, Probe
from gateways.core.locks import RedisLocks
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.server import Listening, Server
from gateways.core.sessions import Tokens
from gateways.media.context import Media, UploadLimits
from gateways.media.service import streaming
from gateways.services import SERVICES
from gateways.web.site import WEB_ROOT
from schemas.catalog import Topology
from schemas.errors import ContractError
from schemas.media.views import LIBRARY, PROGRESS
from streams.core.clients import AnyRedis, redis_client
from streams.core.objects import ObjectStore
from streams.core.producer import EventProducer
from streams.core.settings import Settings

DRAIN_S: Final = 3.0


def check_services(topology: Topology, names: Sequence[str]) -> None:
    """Raises ContractError unless map and code name the same services and `names` are among them."""
    if set(topology.services) != set(SERVICES):
        raise ContractError(
            f"{topology.path}: services are {', '.join(sorted(topology.services))}, the code has "
            f"{', '.join(sorted(SERVICES))}: make them equal (gateways/services.py)"
        )
    for name in names:
        topology.service(name)


async def serve(
    settings: Settings,
    topology: Topology,
    names: Sequence[str],
    stop: asyncio.Event,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Run the services `names` until `stop` is set, then drain within DRAIN_S.

    Starts without waiting for any dependency: /ready tells which are missing, and clients connect by
    themselves. Raises ContractError, PortInUse, RouteError before anything is served.
    """
    check_services(topology, names)
    async with AsyncExitStack() as stack:
        services = [await _service(name, settings, topology, stack) for name in names]
        server = Server(
            [
                Listening(service.name, create_app(service, core), *_ports(topology, service.name))
                for service, core in services
            ],
            settings.bind_host,
            DRAIN_S,
        )
        await server.start()
        on_listening()
        await stop.wait()
        await server.stop()


def _ports(topology: Topology, name: str) -> tuple[int, int]:
    service = topology.service(name)
    return service.port, service.metrics_port


async def _service(
    name: str, settings: Settings, topology: Topology, stack: AsyncExitStack
) -> tuple[Service, CoreDeps]:
    declared = SERVICES[name]
    guard = Guard(
        admin_key_sha256=settings.admin_api_key_sha256,
        tokens=Tokens(settings.session_secret.get_secret_value()),
        allowed_origins=frozenset(settings.cors_origins),
        cookie_secure=settings.public_url.startswith("https://"),
    )
    probes: dict[str, Probe] = {}
    service = declared
    if "redis" in declared.needs:
        redis = redis_client(settings)
        stack.push_async_callback(redis.aclose)
        probes["redis"] = _pings(redis)
        if name == "streaming":
            media = await _media(settings, topology, redis, guard.tokens, probes, stack)
            service = streaming(media)
    core = CoreDeps(
        guard=guard,
        config=EdgeConfig(cors_origins=frozenset(settings.cors_origins)),
        probes={need: probes[need] for need in declared.needs},
        modules_folder=str(WEB_ROOT / "node_modules"),
    )
    return service, core


async def _media(
    settings: Settings,
    topology: Topology,
    redis: AnyRedis,
    tokens: Tokens,
    probes: dict[str, Probe],
    stack: AsyncExitStack,
) -> Media:
    producer = EventProducer(settings, "gateway.streaming")
    stack.push_async_callback(producer.close, 1.0)
    history = ClickHouseHistory(settings)
    stack.push_async_callback(history.close)
    objects = ObjectStore(settings)
    stack.push_async_callback(objects.close)
    hub = Hub(redis)
    await hub.start()
    stack.push_async_callback(hub.stop)
    probes |= {"kafka": producer.ready, "clickhouse": history.ready, "objects": objects.check}
    return Media(
        producer=producer,
        objects=objects,
        projections=ProjectionReader(redis, hub),
        hub=hub,
        history=history,
        locks=RedisLocks(redis),
        tokens=tokens,
        library=_projection(topology, LIBRARY),
        progress=_projection(topology, PROGRESS),
        limits=UploadLimits(max_bytes=settings.max_upload_bytes),
    )


def _projection(topology: Topology, agent: str) -> Projection:
    """A projection's input partitions are those of the topic that its agent reads."""
    return Projection(agent, topology.topic(topology.agent(agent).reads).partitions)


def _pings(redis: AnyRedis) -> Probe:
    async def probe() -> None:
        await redis.ping()

    return probe
