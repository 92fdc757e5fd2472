"""The gate of WebSockets: who is it, may they still, how fast; the same rules as for requests.

A credential comes with the handshake (the session cookie, from our own pages only; an Authorization header;
or `Sec-WebSocket-Protocol: kinolog.v1, kinolog.bearer.<token>`, which browsers can send and nobody logs), or
as the first message, {"type": "authenticate", "token": "..."}. It never stands in the URL. A route that is
public lets in without one. The client is told {"type": "ready"} when it is let in. Whether it still may is
`gateways.core.admission`'s to ask.

Nothing that is sent waits: a client that does not read is cut off before MOST_WAITING_BYTES wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from gateways.core.admission import ADMISSION
from gateways.core.app import CORE
from gateways.core.auth import Guard
from gateways.core.depth import deeper_than
from gateways.core.endpoint import MAX_DEPTH, ROUTE
from gateways.core.frames import close_frame, text_frame
from gateways.core.gcra import Local
from gateways.core.permissions import PUBLIC
from gateways.core.principal import ANONYMOUS, PRINCIPAL, Principal
from gateways.core.problem import Problem, retry_later
from gateways.core.rates import Rate
from gateways.core.routes import Handler

PROTOCOL: Final = "kinolog.v1"
BEARER: Final = "kinolog.bearer."
CREDENTIAL_S: Final = 10.0
PING_S: Final = 20.0
MAX_MESSAGE_BYTES: Final = 16 * 1024
MOST_WAITING_BYTES: Final = 256 * 1024
LAST_WORD_S: Final = 5.0
"""How long a client that is cut off has to take what waits for it, and the reason, seconds."""
TAKEN_BYTES: Final = 32 * 1024
TAKEN_S: Final = 10.0
"""How long a client may take for a part of what it asked for."""
LOOK_S: Final = 0.02
MESSAGES: Final = Rate(600, 60)

TOO_SLOW: Final = 4408
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
    TOO_SLOW: "The client read too slowly; connect again and ask for what was missed.",
    4429: "Too many messages; wait before connecting again.",
}
_OF_STATUS: Final = {401: 4401, 403: 4403, 429: 4429, 503: 1013}
Again = Callable[[], Awaitable[Principal | None]]


class SocketClosed(Exception):
    """The socket is closed; nothing can be received any more."""


class Socket:
    """An admitted client's socket: JSON objects in and out. `principal` is who it is now."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.principal = ANONYMOUS
        # Frames are made once for many clients, so none is compressed for one of them.
        self.response = web.WebSocketResponse(
            protocols=(PROTOCOL,), heartbeat=PING_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False
        )
        self._transport = request.transport
        self._pace = Local(most=1)
        self._again: Again | None = None
        self._over = False

    async def open(self) -> None:
        """Take the handshake, then a credential. Raises Problem or SocketClosed if none holds."""
        await self.response.prepare(self.request)
        self.response.headers.clear()  # they are said, and a tenth of what an idle connection holds
        self._again = await _credential(self)
        await self.admit()
        self.say({"type": "ready"})

    async def admit(self) -> None:
        """Ask who it is now. Raises the Problem for which it may not be here (any more)."""
        guard, route = self.request.app[CORE].guard, self.request[ROUTE]
        principal = ANONYMOUS if self._again is None else await self._again()
        if principal is None:
            raise Problem("unauthenticated", CLOSE_CODES[4401])
        guard.permit(self.request, route, principal)
        if principal.via != "none":
            guard.check_origin(self.request, principal)  # any site's page can provoke a handshake
        self.principal = self.request[PRINCIPAL] = principal

    async def renew(self, token: str) -> None:
        """Go on with a fresher token of the same account. Raises the Problem for which it does not count."""
        guard = self.request.app[CORE].guard
        principal = await guard.bearer(token)
        if principal is None:
            raise Problem("bad-credential", "The token is wrong, or has ended: get a fresh one.")
        if principal.account_id is None or principal.account_id != self.principal.account_id:
            raise Problem("forbidden", "The token is not of this connection's account: connect anew with it.")
        self._again = lambda: guard.bearer(token)
        await self.admit()
        self.request.app[ADMISSION].renewed(self)

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

    def say(self, document: Mapping[str, Any]) -> None:
        """Send one message; it returns at once."""
        self.write(text_frame(orjson.dumps(document)))

    def write(self, frame: bytes) -> None:
        """Send a whole frame; a client for which too much waits is cut off instead."""
        transport = self._transport
        if self._over or transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(frame) <= MOST_WAITING_BYTES:
            transport.write(frame)
            return
        self._over = True
        transport.write(close_frame(TOO_SLOW, CLOSE_CODES[TOO_SLOW]))
        asyncio.get_running_loop().call_later(LAST_WORD_S, transport.abort)

    async def write_all(self, frames: Iterable[bytes]) -> None:
        """Send frames that are together more than may wait: each when the client has taken those before."""
        for frame in frames:
            deadline_s = time.monotonic() + TAKEN_S
            while self._waiting() > TAKEN_BYTES and time.monotonic() < deadline_s:  # noqa: ASYNC110  # asyncio's own event of it is private
                await asyncio.sleep(LOOK_S)
            self.write(frame)

    def _waiting(self) -> int:
        return 0 if self._over or self._transport is None else self._transport.get_write_buffer_size()

    async def refuse(self, status: int) -> None:
        """End it because of a problem of this HTTP status."""
        await self.close(_OF_STATUS.get(status, 1011))

    async def close(self, code: int = 1000) -> None:
        """End it with one of CLOSE_CODES."""
        self._over = True
        with suppress(ConnectionError, RuntimeError):
            await self.response.close(code=code, message=CLOSE_CODES[code].encode())


Conversation = Callable[[Socket], Awaitable[None]]


def gated(talk: Conversation) -> Handler:
    """The handler of a route with `socket=True`: `talk` runs once the client is let in, until it ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = Socket(request)
        if not socket.response.can_prepare(request):
            raise Problem("malformed-request", "Connect with a WebSocket: this path takes nothing else.")
        if request.app[ADMISSION].full:
            raise retry_later("overloaded", "This gateway holds as many connections as it can; try again.", 5)
        code = 1011  # where nothing else closes it, a bug of ours did
        try:
            await socket.open()
            async with request.app[ADMISSION].holding(socket):
                await talk(socket)
            code = 1000
        except Problem as refusal:
            code = _OF_STATUS.get(refusal.kind.status, 1011)
        except SocketClosed:
            pass
        finally:
            await socket.close(code)
        return socket.response

    return handle


async def _credential(socket: Socket) -> Again | None:
    """How to ask who the client is, now and later; None for nobody, where the route is public."""
    request = socket.request
    guard: Guard = request.app[CORE].guard
    offered = (name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    token = next((name.removeprefix(BEARER) for name in offered if name.startswith(BEARER)), None)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if token is None and scheme.lower() == "bearer":
        token = text.strip()
    cookie = request.cookies.get(guard.cookie_name)
    public = request[ROUTE].permission == PUBLIC
    if token is None and cookie is not None:
        return None if public and await guard.cookie(cookie) is None else lambda: guard.cookie(cookie)
    if token is None and public:
        return None
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
