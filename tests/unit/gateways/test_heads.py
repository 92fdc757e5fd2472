"""A head that is never ended does not hold its connection; idle ones and long requests are left alone."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import capture_logs

from gateways.core import heads
from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.door import DOOR
from gateways.core.endpoint import raw_body_of
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Route
from gateways.core.server import Listening, Server
from tests.unit.gateways.test_health import free_ports

HEAD = b"GET /wait HTTP/1.1\r\nHost: x\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclasses.dataclass
class Running:
    app: web.Application
    port: int
    begun: asyncio.Event
    go_on: asyncio.Event

    async def connect(self, data: bytes) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer


@pytest_asyncio.fixture
async def running(core: CoreDeps, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(heads, "HEAD_S", 0.2)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="waited")

    async def read(request: web.Request) -> web.Response:
        return web.Response(body=raw_body_of(request))

    routes = (
        Route(method="GET", path="/wait", handler=wait, permission=PUBLIC, summary="waits"),
        Route(
            method="POST", path="/read", handler=read, permission=PUBLIC, summary="reads", raw=True,
            body_types=("text/plain",),
        ),
    )  # fmt: skip
    port, metrics_port = free_ports(2)
    app = create_app(Service(name="chat", routes=routes), core)
    server = Server([Listening("chat", app, port, metrics_port)], "127.0.0.1", 1.0)
    await server.start()
    yield Running(app, port, begun, go_on)
    await server.stop()


async def test_nothing_of_a_malformed_head_is_logged(running: Running) -> None:
    with capture_logs() as lines:
        async with asyncio.timeout(60):
            reader, _ = await running.connect(
                HEAD + b"Authorization: Bearer kino_secret" + b"s" * 9000 + b"\r\n\r\n"
            )
            assert b" 400 " in await reader.readline()
    assert {"event": "malformed request", "kind": "LineTooLong", "log_level": "info"} in lines
    assert "kino_secret" not in repr(lines)


async def test_a_body_that_is_not_packed_as_it_says_is_no_error_of_ours(running: Running) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n"
    with capture_logs() as lines:
        reader, writer = await running.connect(head + b"Content-Length: 10\r\n\r\nnot packed")
        answer = await reader.read()
        writer.close()
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert {"event": "malformed request", "kind": "RequestPayloadError", "log_level": "info"} in lines


async def test_a_head_that_is_never_ended_is_given_up(running: Running) -> None:
    async with asyncio.timeout(60):
        busy, busy_writer = await running.connect(HEAD + b"\r\n")
        await running.begun.wait()
        idle, idle_writer = await running.connect(b"")
        dripping, drips = await running.connect(HEAD + b"X-a: ")
        while not dripping.at_eof():  # each byte is no reason to wait longer
            drips.write(b"a")
            with_end = asyncio.ensure_future(dripping.read(1))
            await asyncio.wait({with_end}, timeout=0.05)
            if not with_end.done():
                with_end.cancel()
                await asyncio.wait({with_end})
        running.go_on.set()
        assert (await busy.readline()).startswith(b"HTTP/1.1 200")
        idle_writer.write(HEAD)  # in two pieces, which is no crime
        idle_writer.write(b"\r\n")
        assert (await idle.readline()).startswith(b"HTTP/1.1 200")
        for writer in (busy_writer, idle_writer, drips):
            writer.close()


async def test_a_client_that_was_refused_may_think_before_it_asks_again(running: Running) -> None:
    """Its connection is idle, not at a head; a head that it begins has its own time."""
    running.app[DOOR].load.limit = 0.0
    async with asyncio.timeout(60):
        idle, idle_writer = await running.connect(HEAD + b"\r\n")
        begun, begun_writer = await running.connect(HEAD + b"\r\n" + HEAD)
        for reader in (idle, begun):
            assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        await begun.read()  # until it ends: what began behind the refused one never became whole
        running.app[DOOR].load.limit = 100.0
        running.go_on.set()
        idle_writer.write(HEAD + b"\r\n")
        await idle.readuntil(b"waited")
        for writer in (idle_writer, begun_writer):
            writer.close()


async def test_a_connection_serves_one_request_after_another(running: Running) -> None:
    running.go_on.set()
    async with asyncio.timeout(60):
        reader, writer = await running.connect(b"")
        for _ in range(3):
            writer.write(HEAD)
            await writer.drain()
            writer.write(b"\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(6) == b"waited"
        writer.close()
