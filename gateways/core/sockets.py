"""The gate of WebSockets: who is it, may they still, how fast; the same rules as for requests.

A credential comes with the handshake (the session cookie, from our own pages only; an Authorization header;
or `Sec-WebSocket-Protocol: kinolog.v1, kinolog.bearer.<token>`, which browsers can send and nobody logs), or
as the first message, {"type": "authenticate", "token": "..."}. It never stands in the URL. The client is told
{"type": "ready"} when it is let in. Whether it still may is asked again every RECHECK_S, so that a socket
ends within a second of what it stood on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from gateways.core.app import CORE
from gateways.core.auth import COOKIE, Guard
from gateways.core.depth import deeper_than
from gateways.core.endpoint import MAX_DEPTH, ROUTE
from gateways.core.gcra import Local
from gateways.core.principal import ANONYMOUS, PRINCIPAL, Principal
from gateways.core.problem import Problem
from gateways.core.rates import Rate
from gateways.core.routes import Handler, Route
from gateways.core.sse import DRAINING

PROTOCOL: Final = "kinolog.v1"
BEARER: Final = "kinolog.bearer."
RECHECK_S: Final = 0.5
UNKNOWN_S: Final = 5.0
"""How long a socket outlives that nobody can tell whether it still may, seconds."""
CREDENTIAL_S: Final = 10.0
WRITE_S: Final = 10.0
PING_S: Final = 20.0
MAX_MESSAGE_BYTES: Final = 64 * 1024
MESSAGES: Final = Rate(600, 60)

CLOSE_CODES: Final[Mapping[int, str]] = {
    1000: "The conversation is over.",
    1001: "The gateway stops; connect again.",
    1003: "A message was not text.",
    1007: "A message was not a JSON object, or was nested too deeply.",
    1009: "A message was too large.",
    1011: "The gateway failed.",
    1013: "Whether the credential still holds cannot be looked up; connect again in a moment.",
    4401: "No credential came in time, it is wrong, or what it stood on has ended: sign in again.",
    4403: "The credential does not allow this, or the page is another site's.",
    4429: "Too many messages; wait before connecting again.",
}
_OF_STATUS: Final = {401: 4401, 403: 4403, 429: 4429, 503: 1013}
Again = Callable[[], Awaitable[Principal | None]]


class SocketClosed(Exception):
    """The socket is closed; nothing can be sent or received any more."""


class Socket:
    """An admitted client's socket: JSON objects in and out. `principal` is who it is now."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.principal = ANONYMOUS
        self.response = web.WebSocketResponse(
            protocols=(PROTOCOL,), heartbeat=PING_S, max_msg_size=MAX_MESSAGE_BYTES
        )
        self._pace = Local(most=1)

    async def receive(self) -> dict[str, Any]:
        """The next message. Raises SocketClosed when there will be none."""
        message = await self.response.receive()
        if message.type is not WSMsgType.TEXT:
            if message.type is WSMsgType.BINARY:
                await self.close(1003)
            raise SocketClosed
        now_us = int(asyncio.get_running_loop().time() * 1e6)
        if self._pace.take(["messages"], [MESSAGES], now_us)[0].wait_us:
            await self.close(4429)
            raise SocketClosed
        try:
            document = orjson.loads(message.data)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict) or deeper_than(MAX_DEPTH, document):
            await self.close(1007)
            raise SocketClosed
        return document

    async def send(self, document: Mapping[str, Any]) -> None:
        """Raises SocketClosed if the client has gone, or reads nothing for WRITE_S."""
        try:
            async with asyncio.timeout(WRITE_S):
                await self.response.send_str(orjson.dumps(document).decode())
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            raise SocketClosed from error

    async def close(self, code: int = 1000) -> None:
        """End it with one of CLOSE_CODES."""
        with suppress(ConnectionError, RuntimeError):
            await self.response.close(code=code, message=CLOSE_CODES[code].encode())


Conversation = Callable[[Socket], Awaitable[None]]


def gated(talk: Conversation) -> Handler:
    """The handler of a route with `socket=True`: `talk` runs once the client is let in, until it ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = Socket(request)
        if not socket.response.can_prepare(request):
            raise Problem("malformed-request", "Connect with a WebSocket: this path takes nothing else.")
        await socket.response.prepare(request)
        guard, route = request.app[CORE].guard, request[ROUTE]
        try:
            again = await _credential(socket, guard)
            await _admit(socket, guard, route, again)
            await socket.send({"type": "ready"})
            await _talk(socket, talk, lambda: _admit(socket, guard, route, again))
        except Problem as refusal:
            await socket.close(_OF_STATUS.get(refusal.kind.status, 1011))
        except SocketClosed:
            pass
        finally:
            await socket.close(1011)  # where nothing else closed it, a bug of ours did
        return socket.response

    return handle


async def _credential(socket: Socket, guard: Guard) -> Again:
    """How to ask who the client is, now and later."""
    request = socket.request
    offered = (name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    token = next((name.removeprefix(BEARER) for name in offered if name.startswith(BEARER)), None)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if token is None and scheme.lower() == "bearer":
        token = text.strip()
    cookie = request.cookies.get(COOKIE)
    if token is None and cookie is not None:
        return lambda: guard.cookie(cookie)
    if token is None:
        token = await _first_message(socket)
    found = token
    return lambda: guard.bearer(found)


async def _first_message(socket: Socket) -> str:
    try:
        async with asyncio.timeout(CREDENTIAL_S):
            message = await socket.receive()
    except TimeoutError:
        message = {}
    token = message.get("token")
    if message.get("type") != "authenticate" or not isinstance(token, str):
        await socket.close(4401)
        raise SocketClosed
    return token


async def _admit(socket: Socket, guard: Guard, route: Route, again: Again) -> None:
    """Raises the Problem for which the client may not be here (any more)."""
    principal = await again()
    if principal is None:
        raise Problem("unauthenticated", CLOSE_CODES[4401])
    guard.permit(socket.request, route, principal)
    guard.check_origin(socket.request, principal)  # a handshake is a GET that any site's page can provoke
    socket.principal = socket.request[PRINCIPAL] = principal


async def _talk(socket: Socket, talk: Conversation, admit: Callable[[], Awaitable[None]]) -> None:
    """Run `talk` until it ends, the gateway drains, or the client may not be here any more."""
    talking = asyncio.ensure_future(talk(socket))
    try:
        code, unknown_since_s = None, 0.0
        while code is None and not talking.done():
            await asyncio.wait([talking], timeout=RECHECK_S)
            if socket.request.app[DRAINING].is_set():
                code = 1001
                continue
            asked_at_s = time.monotonic()
            try:
                await admit()
                unknown_since_s = 0.0
            except Problem as refusal:
                code = _OF_STATUS.get(refusal.kind.status, 1011)
                # A look that finds nobody to answer takes a while itself.
                unknown_since_s = unknown_since_s or asked_at_s
                if code == 1013 and time.monotonic() - unknown_since_s < UNKNOWN_S:
                    code = None
        if code is not None:
            await socket.close(code)
            return
        await talking
        await socket.close(1000)
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError, SocketClosed):
            await talking
