"""Connections that aiohttp handed over: what is left with it, what comes early, who is still there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient

from deploy.local.ports import free_ports
from gateways.core import wires
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.frames import PING_FRAME, close_frame, pong_frame, text_frame
from gateways.core.incoming import CLOSE, PING, TEXT
from gateways.core.permissions import PUBLIC
from gateways.core.server import Listening, Server
from gateways.core.sessions import Tokens
from gateways.core.sockets import CLOSE_CODES
from gateways.core.wires import Wire, WireClosed
from tests.unit.gateways.conftest import SECRET, Serve
from tests.unit.gateways.test_incoming import frame
from tests.unit.gateways.test_sockets import Line, socket_route

KEY, ACCEPT = b"dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # the standard's own: RFC 6455, 1.3
HANDSHAKE = (
    b"GET /open HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)
READY = text_frame(b'{"type":"ready"}')
Client = TestClient[Any, Any]


@pytest.fixture
async def client(serve: Serve) -> Client:
    deps = CoreDeps(guard=Guard(admin_key_sha256="", tokens=Tokens(SECRET)))
    return await serve(create_app(Service(name="chat", routes=(socket_route("/open", PUBLIC),)), deps))


async def dialled(client: Client, more: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(HANDSHAKE + more)
    return reader, writer


async def test_the_handshake_is_answered_as_the_standard_says(client: Client) -> None:
    reader, writer = await dialled(client)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert f"Sec-WebSocket-Accept: {ACCEPT}\r\n" in head
    assert "Upgrade: websocket\r\n" in head
    assert "Sec-WebSocket-Extensions" not in head
    assert await reader.readexactly(len(READY)) == READY
    writer.close()


async def test_what_came_with_the_handshake_is_heard(client: Client) -> None:
    reader, writer = await dialled(client, frame(TEXT, b'{"say":"early"}') + frame(PING, b"there?"))
    await reader.readuntil(b"\r\n\r\n")
    expected = pong_frame(b"there?") + READY + text_frame(b'{"say":"early","subject":""}')
    assert await reader.readexactly(len(expected)) == expected
    writer.close()


async def test_nothing_of_it_is_left_with_aiohttp(client: Client) -> None:
    reader, writer = await dialled(client)
    await reader.readuntil(READY)
    assert client.server.handler.connections == []
    writer.write(frame(TEXT, b"{}") + frame(CLOSE, (4321).to_bytes(2, "big")))
    assert (await reader.read()).endswith(close_frame(4321, ""))


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"", 1000), (b"\x03\xe8", 1000), (b"\x0f\xa0bye", 4000), (b"\x03", 1002), (b"\x03\xed", 1002),
        (b"\x00\x07", 1002),
    ],
)  # fmt: skip
async def test_a_goodbye_is_answered(client: Client, said: bytes, answered: int) -> None:
    reader, _ = await dialled(client, frame(CLOSE, said))
    assert (await reader.read()).endswith(close_frame(answered, ""))


async def test_who_breaks_the_protocol_is_told_so(client: Client) -> None:
    reader, writer = await dialled(client, frame(TEXT, b"{}", key=None))
    told = close_frame(1002, CLOSE_CODES[1002])
    assert (await reader.readuntil(CLOSE_CODES[1002].encode())).endswith(told)
    writer.close()


def test_it_is_the_same_on_the_loop_that_serves() -> None:
    async def visit() -> tuple[Any, int | None]:
        port, metrics_port = free_ports(["chat", "metrics"]).values()
        deps = CoreDeps(guard=Guard(admin_key_sha256="", tokens=Tokens(SECRET)))
        app = create_app(Service(name="chat", routes=(socket_route("/open", PUBLIC),)), deps)
        server = Server([Listening("chat", app, port, metrics_port)], "127.0.0.1", drain_s=60.0)
        await server.start()
        async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/open") as socket:
            await socket.send_json({"say": "hello"})
            said = [await socket.receive_json(timeout=30) for _ in range(2)]
            await asyncio.gather(server.stop(), socket.receive(timeout=30))
            return said, socket.close_code

    said, code = uvloop.run(visit())
    assert said == [{"type": "ready"}, {"say": "hello", "subject": ""}]
    assert code == 1001


def wired(line: Line) -> Wire:
    wire = Wire(1000)
    wire.connection_made(line)
    return wire


async def test_who_says_nothing_is_asked_and_then_given_up() -> None:
    line = Line(takes_bytes=0)
    wire, now_s = wired(line), asyncio.get_running_loop().time()
    wire.pulse(now_s + wires.PING_S - 1)
    assert line.frames == []
    wire.pulse(now_s + wires.PING_S + 1)
    assert line.frames == [PING_FRAME]
    wire.pulse(now_s + wires.PING_S + wires.PONG_S + 1)
    assert line.aborted


async def test_no_more_is_read_than_is_received() -> None:
    line = Line(takes_bytes=0)
    wire = wired(line)
    wire.data_received(frame(TEXT, b"{}") * wires.MOST_ARRIVED)
    for left in range(wires.MOST_ARRIVED, 0, -1):
        assert line.paused, left
        assert await wire.receive() == (TEXT, b"{}")
    assert not line.paused


async def test_who_does_not_say_goodbye_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "LAST_WORD_S", 0.0)
    line = Line(takes_bytes=0)
    wire = wired(line)
    wire.close(4408, "slow")
    wire.close(1011, "again")
    wire.data_received(frame(TEXT, b"{}") + frame(PING, b""))
    assert (line.frames, line.aborted) == ([close_frame(4408, "slow")], False)
    await asyncio.sleep(0)  # the time for its goodbye is over
    await asyncio.sleep(0)
    assert line.aborted
    with pytest.raises(WireClosed):
        await wire.receive()


async def test_pings_of_who_does_not_read_are_not_answered_without_end() -> None:
    line = Line(takes_bytes=0)
    wire = wired(line)
    for _ in range(1000):
        wire.data_received(frame(PING, b"x" * 125))
    assert wires.MOST_PONG_BYTES <= line.waiting_bytes < wires.MOST_PONG_BYTES + 200


async def test_who_hangs_up_and_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "LAST_WORD_S", 0.0)
    line = Line(takes_bytes=0)
    wire = wired(line)
    wire.write(READY)
    wire.data_received(frame(CLOSE, b""))
    assert line.frames == [READY, close_frame(1000, "")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert line.aborted


async def test_a_lost_connection_ends_who_waits() -> None:
    wire = wired(Line(takes_bytes=0))
    waiting = asyncio.ensure_future(wire.receive())
    await asyncio.sleep(0)
    wire.connection_lost(None)
    with pytest.raises(WireClosed) as closed:
        await waiting
    assert closed.value.code is None
