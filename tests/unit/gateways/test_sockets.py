"""WebSockets at the gate: how a credential comes, what ends a socket, and by which code."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import make_mocked_request
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.core import admission, sockets, wires
from gateways.core.accounts import AccountCredentials
from gateways.core.admission import ADMISSION
from gateways.core.app import Service, create_app
from gateways.core.auth import COOKIE, Guard
from gateways.core.deps import CoreDeps
from gateways.core.endpoint import ROUTE
from gateways.core.frames import close_frame
from gateways.core.gated import gated
from gateways.core.permissions import ASSETS_DELETE, ASSETS_READ, PUBLIC
from gateways.core.push import Note
from gateways.core.rates import Rate
from gateways.core.routes import Route, RouteError, check
from gateways.core.sessions import Tokens
from gateways.core.sockets import CLOSE_CODES, Socket
from gateways.core.sse import DRAINING
from gateways.core.standing import Standing
from gateways.core.wires import Wire
from tests.unit.gateways.conftest import SECRET, Serve
from tests.unit.gateways.identities import ISSUER, MemoryIdentities


async def echo(socket: Socket) -> None:
    while True:
        message = await socket.receive()
        if message.get("type") == "end":
            return
        if message.get("type") == "fail":
            raise ZeroDivisionError
        socket.say({**message, "subject": socket.principal.subject})


def socket_route(path: str, permission: str) -> Route:
    return Route(
        method="GET", path=path, handler=gated(echo), permission=permission, summary=path, socket=True,
        timeout_s=None,
    )  # fmt: skip


class Gate:
    """A service with two sockets."""

    def __init__(self) -> None:
        self.identities = MemoryIdentities()
        self.identities.add("analyst")
        accounts = AccountCredentials(Standing(self.identities, fresh_s=0), ISSUER)
        self.guard = Guard(admin_key_sha256="", tokens=Tokens(SECRET), accounts=accounts)
        self.client: Any = None
        self.news: Any = None

    @asynccontextmanager
    async def watch(self, listener: Any) -> AsyncIterator[None]:
        self.news = listener
        yield

    async def connect(self, path: str = "/talk", **options: Any) -> ClientWebSocketResponse:
        socket: ClientWebSocketResponse = await self.client.ws_connect(path, **options)
        return socket

    def bearer(self) -> dict[str, Any]:
        return {"protocols": ("kinolog.v1", f"kinolog.bearer.{self.identities.token()}")}


@pytest.fixture
async def gate(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr(admission, "TICK_S", 0.01)
    monkeypatch.setattr(admission, "SWEEP_S", 0.0)
    monkeypatch.setattr(admission, "UNKNOWN_S", 0.05)
    gate = Gate()
    service = Service(
        name="chat",
        routes=(
            socket_route("/talk", ASSETS_READ),
            socket_route("/strict", ASSETS_DELETE),
            socket_route("/open", PUBLIC),
        ),
    )
    gate.client = await serve(create_app(service, CoreDeps(guard=gate.guard, account_news=gate.watch)))
    return gate


async def closed_by(socket: ClientWebSocketResponse) -> int | None:
    """The code that ends it, whatever comes before."""
    while (message := await socket.receive(timeout=30)).type is WSMsgType.TEXT:
        pass
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
    return socket.close_code


async def ready(socket: ClientWebSocketResponse) -> None:
    assert await socket.receive_json(timeout=30) == {"type": "ready"}


async def test_a_token_in_the_sub_protocol_lets_in_and_is_not_sent_back(gate: Gate) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    assert socket.protocol == "kinolog.v1"
    await socket.send_json({"say": "hello"})
    assert (await socket.receive_json(timeout=30))["subject"] == "a" * 32
    await socket.send_json({"type": "end"})
    assert await closed_by(socket) == 1000


async def test_a_token_in_the_first_message_or_the_header_lets_in(gate: Gate) -> None:
    socket = await gate.connect()
    await socket.send_json({"type": "authenticate", "token": gate.identities.token()})
    await ready(socket)
    headers = {"Authorization": f"Bearer {gate.identities.add_key(ASSETS_READ)}"}
    await ready(await gate.connect(headers=headers))


@pytest.mark.parametrize("first", [{"type": "authenticate", "token": "x"}, {"token": "x"}, {"type": "hello"}])
async def test_without_a_good_credential_it_is_4401(gate: Gate, first: dict[str, Any]) -> None:
    socket = await gate.connect()
    await socket.send_json(first)
    assert await closed_by(socket) == 4401
    assert await closed_by(await gate.connect(protocols=("kinolog.v1", "kinolog.bearer.x.y.z"))) == 4401


async def test_no_credential_in_time_is_4401(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CREDENTIAL_S", 0.01)
    assert await closed_by(await gate.connect()) == 4401


async def test_a_cookie_lets_in_from_our_own_pages_alone(gate: Gate) -> None:
    headers = {"Cookie": f"{COOKIE}={gate.identities.token()}"}
    own = f"http://{gate.client.host}:{gate.client.port}"
    await ready(await gate.connect(headers={**headers, "Origin": own}))
    for sent in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert await closed_by(await gate.connect(headers={**headers, **sent})) == 4403


async def test_without_the_permission_it_is_4403(gate: Gate) -> None:
    assert await closed_by(await gate.connect("/strict", **gate.bearer())) == 4403


async def test_it_ends_with_the_session_it_stands_on(gate: Gate) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    gate.identities.add("analyst", sessions={})
    assert await closed_by(socket) == 4401


async def test_it_ends_with_the_role_it_stands_on(gate: Gate) -> None:
    gate.identities.add("moderator")
    socket = await gate.connect("/strict", **gate.bearer())
    await ready(socket)
    gate.identities.add("analyst")
    assert await closed_by(socket) == 4403


async def test_it_ends_when_nobody_can_tell_for_long(gate: Gate) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    gate.identities.away = RedisConnectionError("refused")
    assert await closed_by(socket) == 1013


async def test_looks_that_take_long_count_by_the_time_they_take(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    # Each look at the clock is a second after the one before: as if the store had taken so long.
    monkeypatch.setattr(gate.client.app[ADMISSION], "_clock", itertools.count(10**9).__next__)
    gate.identities.reads.clear()
    gate.identities.away = RedisConnectionError("refused")
    assert await closed_by(socket) == 1013
    assert gate.identities.reads.count("signing") <= 2  # one may have begun before


async def test_it_ends_when_the_gateway_stops(gate: Gate) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    gate.client.app[DRAINING].set()
    assert await closed_by(socket) == 1001


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("[]", 1007),
        ("{", 1007),
        ('{"a":' * 40 + "1" + "}" * 40, 1007),
        ("x" * 70_000, 1009),
        (b"bytes", 1003),
        ('{"type": "fail"}', 1011),
    ],
)
async def test_messages_are_bounded_and_checked(gate: Gate, message: str | bytes, code: int) -> None:
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
    assert await closed_by(socket) == code
    assert code in CLOSE_CODES


async def test_a_flood_of_messages_is_4429(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MESSAGES", Rate(5, 3600))
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    for _ in range(6):
        await socket.send_str("{}")
    assert await closed_by(socket) == 4429


async def test_a_plain_request_is_told_to_connect(gate: Gate) -> None:
    answer = await gate.client.get("/talk")
    assert answer.status == 400
    assert "WebSocket" in (await answer.json())["detail"]


async def test_who_does_not_read_is_cut_off_before_too_much_waits(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MOST_WAITING_BYTES", 1000)
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    await socket.send_json({"say": "x" * 2000})  # its echo alone is too much
    assert await closed_by(socket) == sockets.TOO_SLOW


async def test_a_public_socket_lets_in_without_a_credential(gate: Gate) -> None:
    socket = await gate.connect("/open")
    await ready(socket)
    await socket.send_json({})
    assert (await socket.receive_json(timeout=30))["subject"] == ""
    named = await gate.connect("/open", **gate.bearer())
    await ready(named)
    await named.send_json({})
    assert (await named.receive_json(timeout=30))["subject"] == "a" * 32


async def test_news_of_an_account_ask_its_sockets_at_once(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "SWEEP_S", 1e9)
    monkeypatch.setattr(admission, "FRESH_S", 0.0)
    socket = await gate.connect(**gate.bearer())
    await ready(socket)
    gate.identities.add("analyst", sessions={})
    gate.news.hear(Note(b'["%s"]' % (b"b" * 32)))  # somebody else's
    gate.news.hear(Note(b'["%s"]' % (b"a" * 32)))
    assert await closed_by(socket) == 4401


def test_a_socket_is_a_get_without_a_deadline() -> None:
    route = Route(
        method="POST", path="/x", handler=gated(echo), permission=ASSETS_READ, summary="x", socket=True
    )
    with pytest.raises(RouteError, match="a socket is a GET"):
        check([route])


class Line(asyncio.Transport):
    """A transport whose client takes so much at a time, each time somebody waits for it."""

    def __init__(self, takes_bytes: int) -> None:
        super().__init__()
        self.takes_bytes, self.waiting_bytes, self.most_bytes = takes_bytes, 0, 0
        self.frames: list[bytes] = []
        self.aborted = self.paused = False
        self.now_s = 0.0

    async def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.waiting_bytes = max(0, self.waiting_bytes - self.takes_bytes)

    def write(self, frame: Any) -> None:
        self.frames.append(frame)
        self.waiting_bytes += len(frame)
        self.most_bytes = max(self.most_bytes, self.waiting_bytes)

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        """Once all that waits is taken, which may be never."""

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


PARTS = [bytes([number]) * 16_384 for number in range(100)]  # together far more than may wait


async def sent_to(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """PARTS, to who asked for them."""
    monkeypatch.setattr(sockets, "time", SimpleNamespace(monotonic=lambda: line.now_s))
    monkeypatch.setattr(sockets, "asyncio", SimpleNamespace(
        sleep=line.wait, get_running_loop=asyncio.get_running_loop
    ))  # fmt: skip
    monkeypatch.setattr(wires, "LAST_WORD_S", 0.0)
    wire = Wire(1000)
    wire.connection_made(line)
    app = create_app(Service(name="chat"), CoreDeps(guard=Guard(admin_key_sha256="", tokens=Tokens(SECRET))))
    request = make_mocked_request("GET", "/talk", app=app)
    request[ROUTE] = socket_route("/talk", PUBLIC)
    await Socket(request, wire).write_all(PARTS)
    await asyncio.sleep(0)  # what is to be done later is done
    await asyncio.sleep(0)


async def test_who_reads_slowly_gets_all_that_was_asked_for_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Line(takes_bytes=1000)
    await sent_to(line, monkeypatch)
    assert line.frames == PARTS
    assert line.most_bytes <= sockets.TAKEN_BYTES + len(PARTS[0])
    assert not line.aborted


async def test_who_asks_for_much_and_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(takes_bytes=0)
    await sent_to(line, monkeypatch)
    *parts, last = line.frames
    assert parts == PARTS[: len(parts)]
    assert sum(map(len, parts)) <= sockets.MOST_WAITING_BYTES
    assert last == close_frame(sockets.TOO_SLOW, CLOSE_CODES[sockets.TOO_SLOW])
    assert line.aborted
    assert line.now_s <= len(parts) * (sockets.TAKEN_S + 1)
