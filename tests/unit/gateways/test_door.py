"""What is refused at the door gets the answer that a handler would give, and its connection goes on."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from gateways.core.adaptive import Priority
from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.door import DOOR
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Route
from gateways.core.server import Listening, Server
from tests.unit.gateways.conftest import ALLOWED_ORIGIN
from tests.unit.gateways.test_health import free_ports

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FRIEND = "http://x:3001"  # the page of a service that may call this one, on the host that `ask` names
LATER = {"date", "server"}  # aiohttp adds them


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection to the service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, line: str, *headers: str, body: bytes = b"", times: int = 1) -> Answer:
        """Send a request, several times in one piece if told so; the last answer."""
        head = "\r\n".join((f"{line} HTTP/1.1", "Host: x", *headers, "", ""))
        self.writer.write((head.encode() + body) * times)
        async with asyncio.timeout(60):
            for _ in range(times):
                answer = await self._answer(with_body=not line.startswith("HEAD"))
        return answer

    async def ended(self) -> bool:
        """The service has closed it."""
        async with asyncio.timeout(60):
            return await self.reader.read(1) == b""

    async def _answer(self, with_body: bool) -> Answer:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (one.partition(": ") for one in lines[1:] if one)
        }
        length = int(headers.get("content-length", 0)) if with_body else 0
        return Answer(int(lines[0].split()[1]), headers, await self.reader.readexactly(length))


@dataclasses.dataclass
class Running:
    app: web.Application
    port: int
    connections: list[Connection]

    def full(self, limit: float = 0.0) -> None:
        self.app[DOOR].load.limit = limit

    @property
    def in_flight(self) -> int:
        return self.app[DOOR].load.in_flight

    async def connect(self) -> Connection:
        self.connections.append(Connection(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.connections[-1]


@pytest_asyncio.fixture
async def running(core: CoreDeps) -> AsyncIterator[Running]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    async def upload(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    def route(method: str, path: str, priority: Priority = Priority.ORDINARY, stream: bool = False) -> Route:
        return Route(
            method=method, path=path, handler=upload if stream else answer, permission=PUBLIC, summary=path,
            priority=priority, reads_stream=stream, limits=None,
        )  # fmt: skip

    routes = (
        route("GET", "/list"),
        route("POST", "/list"),
        route("GET", "/films/{film_id}/{n:[0-9]+}.m4s", Priority.PLAYBACK),
        route("POST", "/uploads", stream=True),
    )
    port, metrics_port = free_ports(2)
    service = Service(name="chat", routes=routes, called_from=("streaming",))
    app = create_app(service, dataclasses.replace(core, places={"streaming": ":3001"}))
    server = Server([Listening("chat", app, port, metrics_port)], "127.0.0.1", 1.0)
    await server.start()
    running = Running(app, port, [])
    yield running
    for connection in running.connections:
        connection.writer.close()
    await server.stop()


def without_ids(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    ids = ("x-trace-id", "x-request-id")
    body = answer.body.replace(answer.headers[ids[0]].encode(), b"")
    return answer.status, {k: v for k, v in answer.headers.items() if k not in {*LATER, *ids}}, body


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (f"Origin: {ALLOWED_ORIGIN}",),
        ("Origin: https://other.example",),
        (f"Origin: {FRIEND}",),
        ("Origin: http://x:3002",),
        ("Origin: %s",),
    ],
)
async def test_it_is_the_answer_that_a_handler_gives(running: Running, headers: tuple[str, ...]) -> None:
    connection = await running.connect()
    running.full()
    at_the_door = await connection.ask("GET /list", *headers)
    in_the_handler = await connection.ask("GET /list", *headers, times=2)  # the door lets a second one by
    assert without_ids(at_the_door) == without_ids(in_the_handler)
    assert at_the_door.status == 503
    assert "server" not in at_the_door.headers  # it was the door's
    assert "server" in in_the_handler.headers
    assert at_the_door.headers["retry-after"] == "1"
    assert orjson.loads(at_the_door.body)["type"].endswith("overloaded")
    credentials = at_the_door.headers.get("access-control-allow-credentials")
    assert (credentials == "true") == (f"Origin: {FRIEND}" in headers)
    assert at_the_door.headers["vary"] == "Origin"


async def test_a_refusal_can_be_quoted(running: Running) -> None:
    connection = await running.connect()
    running.full()
    answer = await connection.ask("GET /list", f"traceparent: 00-{TRACE}-{'a' * 16}-01", "X-Request-Id: mine")
    assert answer.headers["x-trace-id"] == orjson.loads(answer.body)["trace_id"] == TRACE
    assert answer.headers["x-request-id"] == "mine"
    other = await connection.ask("GET /list", "X-Request-Id: %s", "traceparent: 00-x")
    assert re.fullmatch("[0-9a-f]{32}", orjson.loads(other.body)["trace_id"])
    assert re.fullmatch("[0-9a-f]{16}", other.headers["x-request-id"])


async def test_the_connection_goes_on(running: Running) -> None:
    connection = await running.connect()
    running.full()
    assert (await connection.ask("HEAD /list")).status == 503
    assert (await connection.ask("POST /list", "Content-Length: 5", body=b"hello")).status == 503
    assert (await connection.ask("GET /list")).status == 503
    running.full(100)
    assert (await connection.ask("GET /list")).body == b"here"
    assert running.in_flight == 0


async def test_it_ends_where_the_client_said_so(running: Running) -> None:
    running.full()
    for header in ("Connection: close", "Connection: Upgrade\r\nUpgrade: websocket"):
        connection = await running.connect()
        assert (await connection.ask("GET /list", header)).status == 503
        assert await connection.ended()


async def test_a_body_that_is_still_to_come_is_read_by_nobody(running: Running) -> None:
    connection = await running.connect()
    running.full()
    assert (await connection.ask("POST /list", "Content-Length: 5")).status == 503
    connection.writer.write(b"hello")
    assert await connection.ended()


async def test_what_matters_more_finds_room_and_what_is_not_counted_needs_none(running: Running) -> None:
    connection = await running.connect()
    door = running.app[DOOR]
    door.load.limit, door.load.in_flight = 10.0, 9
    assert (await connection.ask("GET /list")).status == 503
    assert (await connection.ask("GET /films/a/01.m4s?x=/list")).status == 200
    assert (await connection.ask("HEAD /films/a/01.m4s")).status == 200
    assert (await connection.ask("GET /films/a/01.mp4")).status == 503
    door.load.in_flight = 10
    assert (await connection.ask("GET /films/a/01.m4s")).status == 503
    assert (await connection.ask("GET /health")).status == 200
    assert (await connection.ask("POST /uploads", "Content-Length: 2", body=b"ab")).body == b"2"
    preflight = ("Origin: " + ALLOWED_ORIGIN, "Access-Control-Request-Method: GET")
    assert (await connection.ask("OPTIONS /list", *preflight)).status == 204
    assert door.load.in_flight == 10


async def test_whatever_becomes_of_a_request_its_room_is_given_back(running: Running) -> None:
    for line in ("GET /nothing", "DELETE /list", "GET /list?%zz", "GET //x/../list", "POST http://x/uploads"):
        connection = await running.connect()
        await connection.ask(line, "Content-Length: 0")
        assert running.in_flight == 0
    connection = await running.connect()
    assert (await connection.ask("GET /list", "Expect: 200-ok")).status == 417
    assert running.in_flight == 0
    assert (await connection.ask("GET /list HTTP/9")).status == 400
    assert running.in_flight == 0
