"""Stopping: streams end by themselves, an upload that is cut off says so on the log, ports are closed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import aiohttp

from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.server import Listening, Server
from gateways.media.service import streaming
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.test_health import free_ports
from tests.unit.gateways.uploading import FILM, until


async def test_a_drained_server_ends_streams_and_uploads(gateway: Gateway, core: CoreDeps) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    port, metrics_port = free_ports(2)
    config = dataclasses.replace(core.config, heartbeat_s=60.0)
    app = create_app(streaming(gateway.media), dataclasses.replace(core, config=config))
    server = Server([Listening("streaming", app, port, metrics_port)], "127.0.0.1", 1.0)
    await server.start()

    async def endless() -> AsyncIterator[bytes]:
        yield FILM
        await asyncio.Event().wait()

    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=BEARER) as http:
        stream = await http.get(f"/v1/assets/{asset_id}/events")
        await stream.content.readline()
        upload = asyncio.create_task(http.post("/v1/assets?title=x", data=endless()))
        await until(lambda: gateway.world.names()[2:] == ["UploadStarted"])
        await server.stop()
        assert b"event: asset" in await stream.read()
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
    # On a busy machine the background work outlasts the drain.
    await until(lambda: gateway.world.names()[2:] == ["UploadStarted", "UploadFailed"])
    await until(lambda: gateway.locks.held == {})
    for closed in (port, metrics_port):
        async with aiohttp.ClientSession() as http:
            try:
                await http.get(f"http://127.0.0.1:{closed}/health")
            except aiohttp.ClientConnectorError:
                continue
            raise AssertionError(f"port {closed} is still open")
