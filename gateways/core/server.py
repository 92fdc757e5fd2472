"""Listens for services and drains them: streams end, what runs may finish for a moment, then all closes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateways.core.app import metrics_app
from gateways.core.door import DOOR
from gateways.core.heads import GuardedHandler
from gateways.core.sse import DRAINING
from streams.core.logging import get_logger

_log = get_logger("gateway.server")
KEEPALIVE_S: Final = 75.0
MAX_LINE_BYTES: Final = 8190
BACKLOG: Final = 1024
ACCEPTORS: Final = 16
"""uvloop accepts one connection of a listener each time round: so many wait on one socket, for busy times."""


class PortInUse(Exception):
    """A port that a service must listen on is taken."""


@dataclass(frozen=True, slots=True)
class Listening:
    """One service's app and where it listens."""

    service: str
    app: web.Application
    port: int
    metrics_port: int


class Server:
    """All services of one process."""

    def __init__(self, services: Sequence[Listening], host: str, drain_s: float) -> None:
        self._services = services
        self._host = host
        self._drain_s = drain_s
        self._runners: list[web.AppRunner] = []
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen on every port. Raises PortInUse, RouteError of an unsafe app; nothing stays open then."""
        try:
            for service in self._services:
                # The client that leaves must be noticed: an upload then ends, a queued segment is dropped.
                await self._listen(service.app, service.port, service.service)
                await self._listen(
                    metrics_app(service.app), service.metrics_port, f"{service.service} metrics"
                )
        except BaseException:
            await self._close(0)
            raise

    async def stop(self) -> None:
        """Drain for at most `drain_s`: streams are told to end, new connections are refused."""
        for service in self._services:
            service.app[DRAINING].set()
        await self._close(self._drain_s)

    async def _listen(self, app: web.Application, port: int, name: str) -> None:
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=self._drain_s / 2)
        await runner.setup()
        self._runners.append(runner)
        manager, loop = runner.server, asyncio.get_running_loop()
        assert manager is not None

        def connection() -> GuardedHandler:
            return GuardedHandler(
                manager,
                loop=loop,
                access_log=None,
                keepalive_timeout=KEEPALIVE_S,
                max_line_size=MAX_LINE_BYTES,
                door=app.get(DOOR),
            )

        try:
            listener = await loop.create_server(connection, self._host, port, backlog=BACKLOG)
            self._listeners.append(listener)
            for one in listener.sockets:
                for _ in range(ACCEPTORS - 1 if DOOR in app else 0):
                    same = socket.socket(fileno=os.dup(one.fileno()))
                    self._listeners.append(await loop.create_server(connection, sock=same, backlog=BACKLOG))
        except OSError as error:
            raise PortInUse(
                f"{name}: {self._host}:{port} cannot be listened on ({error.strerror}); stop what uses it, "
                "or change the port in topology.yaml"
            ) from error
        _log.info("listening", service=name, host=self._host, port=port)

    async def _close(self, timeout_s: float) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        cleanups = [asyncio.create_task(runner.cleanup()) for runner in self._runners]
        self._runners.clear()
        if cleanups:
            _, pending = await asyncio.wait(cleanups, timeout=timeout_s or None)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
