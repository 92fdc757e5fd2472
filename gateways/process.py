"""One gateway process: the gate is put up here, and each service that it runs builds itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps, Names, Watch
from gateways.core.gate import account_news_of, edge_of, guard_of, limiter_of, names_of
from gateways.core.limits import Limiter
from gateways.core.platform import Platform
from gateways.core.server import Listening, Server
from gateways.services import SERVICES
from gateways.web.site import WEB_ROOT
from schemas.catalog import Topology
from schemas.errors import ContractError
from streams.core import garbage
from streams.core.settings import Settings

DRAIN_S: Final = 3.0
CONTAINERS: Final = 50_000
"""Between two looks of the garbage collector: those of some hundred connections. With its default it takes
half of the time in which two thousand clients come back."""


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
    themselves. Raises ContractError, PortInUse, RouteError, SettingsError, VaultUnusable before anything is
    served.
    """
    check_services(topology, names)
    async with AsyncExitStack() as stack:
        platform = Platform(settings, topology, stack)
        guard, limiter, known = await guard_of(platform), limiter_of(platform), await names_of(platform)
        news = await account_news_of(platform)
        services = [await _service(SERVICES[name], platform, guard, limiter, known, news) for name in names]
        server = Server(
            [
                Listening(service.name, create_app(service, core), *_ports(topology, service.name))
                for service, core in services
            ],
            settings.bind_host,
            DRAIN_S,
        )
        await server.start()
        garbage.settle(CONTAINERS)
        on_listening()
        await stop.wait()
        await server.stop()


def _ports(topology: Topology, name: str) -> tuple[int, int]:
    service = topology.service(name)
    return service.port, service.metrics_port


async def _service(
    declared: Service, platform: Platform, guard: Guard, limiter: Limiter, known: Names, news: Watch
) -> tuple[Service, CoreDeps]:
    service = declared if declared.build is None else await declared.build(platform)
    core = CoreDeps(
        guard=guard,
        limiter=limiter,
        config=edge_of(platform.settings),
        probes=platform.probes(declared.needs),
        modules_folder=str(WEB_ROOT / "node_modules"),
        names=known,
        places=places_of(platform.settings, platform.topology),
        account_news=news,
    )
    return service, core


def places_of(settings: Settings, topology: Topology) -> dict[str, str]:
    """Where each service is that has pages or is called by some: its base URL, or `:port` of the host that a
    page was asked of.
    """
    told = ({"streaming": settings.public_url} if settings.public_url else {}) | settings.service_urls
    return {
        name: told.get(name, f":{topology.service(name).port}").rstrip("/")
        for name, service in SERVICES.items()
        if (service.pages or service.called_from) and name in topology.services
    }
