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
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from gateways.core.admission import ADMISSION
from gateways.core.app import CORE
from gateways.core.auth import Guard, forbidden, unauthenticated
from gateways.core.depth import deeper_than
from gateways.core.endpoint import MAX_DEPTH, ROUTE
from gateways.core.frames import text_frame
from gateways.core.gcra import One
from gateways.core.incoming import TEXT
from gateways.core.permissions import PUBLIC
from gateways.core.principal import ANONYMOUS, Principal
from gateways.core.problem import Problem
from gateways.core.rates import Rate
from gateways.core.wires import Wire, WireClosed

PROTOCOL: Final = "kinolog.v1"
BEARER: Final = "kinolog.bearer."
CREDENTIAL_S: Final = 10.0
MAX_MESSAGE_BYTES: Final = 16 * 1024
MOST_WAITING_BYTES: Final = 256 * 1024
TAKEN_BYTES: Final = 32 * 1024
TAKEN_S: Final = 10.0
"""How long a client may take for a part of what it asked for."""
LOOK_S: Final = 0.02
MESSAGES: Final = Rate(600, 60)

TOO_SLOW: Final = 4408
CLOSE_CODES: Final[Mapping[int, str]] = {
    1000: "The conversation is over.",
    1001: "The gateway stops; connect again.",
    1002: "A frame broke the protocol (RFC 6455).",
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
OF_STATUS: Final = {401: 4401, 403: 4403, 429: 4429, 503: 1013}
Again = Callable[[], Awaitable[Principal | None]]


class SocketClosed(Exception):
    """The socket is closed; nothing can be received any more."""


class Socket:
    """An admitted client's socket: JSON objects in and out. `principal` is who it is now.

    Of the handshake it keeps what is asked later: `network` as limits count it, the client's `user_agent` and
    `languages` as it sent them.
    """

    __slots__ = (
        "_again", "_elsewhere", "_offered", "_pace", "_wire", "app", "languages", "network", "principal",
        "route", "user_agent",
    )  # fmt: skip

    def __init__(self, request: web.Request, wire: Wire) -> None:
        self.app, self.route = request.app, request[ROUTE]
        self.principal = ANONYMOUS
        core = self.app[CORE]
        self.network = core.config.proxies.network(request)
        # Thousands of clients are the same few browsers.
        self.user_agent = sys.intern(request.headers.get("User-Agent", ""))
        self.languages = sys.intern(request.headers.get("Accept-Language", ""))
        self._offered = _offered(request, core.guard.cookie_name)
        self._elsewhere = _from_elsewhere(core.guard, request)
        self._again: Again | None = None
        self._pace = One()
        self._wire = wire

    async def open(self) -> None:
        """Take a credential. Raises Problem or SocketClosed if none holds."""
        self._again = await self._credential()
        await self.admit()
        self.say({"type": "ready"})

    async def admit(self) -> None:
        """Ask who it is now. Raises the Problem for which it may not be here (any more)."""
        principal = ANONYMOUS if self._again is None else await self._again()
        if principal is None:
            raise Problem("unauthenticated", CLOSE_CODES[4401])
        if self.route.permission != PUBLIC and principal.via == "none":
            raise unauthenticated()
        permission, owned = self.route.permission, self.route.owned
        # Of an owned route the conversation looks at whose things it tells of.
        if not (principal.may(permission) or (owned and principal.may_own(permission))):
            raise forbidden(self.route)
        if principal.via == "session" and self._elsewhere is not None:
            raise self._elsewhere  # any site's page can provoke a handshake
        self.principal = principal

    async def renew(self, token: str) -> None:
        """Go on with a fresher token of the same account. Raises the Problem for which it does not count."""
        guard = self.app[CORE].guard
        principal = await guard.bearer(token)
        if principal is None:
            raise Problem("bad-credential", "The token is wrong, or has ended: get a fresh one.")
        if principal.account_id is None or principal.account_id != self.principal.account_id:
            raise Problem("forbidden", "The token is not of this connection's account: connect anew with it.")
        self._again = lambda: guard.bearer(token)
        await self.admit()
        self.app[ADMISSION].renewed(self)

    async def receive(self) -> dict[str, Any]:
        """The next message. Raises SocketClosed when there will be none."""
        try:
            kind, payload = await self._wire.receive()
        except WireClosed as closed:
            if closed.code is not None:
                self._end(closed.code)
            raise SocketClosed from None
        if kind != TEXT:
            self._end(1003)
            raise SocketClosed
        if not self._pace.take(MESSAGES, int(asyncio.get_running_loop().time() * 1e6)):
            self._end(4429)
            raise SocketClosed
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict) or deeper_than(MAX_DEPTH, document):
            self._end(1007)
            raise SocketClosed
        return document

    def say(self, document: Mapping[str, Any]) -> None:
        """Send one message; it returns at once."""
        self.write(text_frame(orjson.dumps(document)))

    def write(self, frame: bytes) -> None:
        """Send a whole frame; a client for which too much waits is cut off instead."""
        if self._wire.waiting_bytes + len(frame) <= MOST_WAITING_BYTES:
            self._wire.write(frame)
        else:
            self._end(TOO_SLOW)

    async def write_all(self, frames: Iterable[bytes]) -> None:
        """Send frames that are together more than may wait: each when the client has taken those before."""
        for frame in frames:
            deadline_s = time.monotonic() + TAKEN_S
            while self._wire.waiting_bytes > TAKEN_BYTES and time.monotonic() < deadline_s:  # noqa: ASYNC110  # asyncio's own event of it is private
                await asyncio.sleep(LOOK_S)
            self.write(frame)

    def pulse(self, now_s: float) -> None:
        """Now and then: ask a client that says nothing whether it is there."""
        self._wire.pulse(now_s)

    async def refuse(self, status: int) -> None:
        """End it because of a problem of this HTTP status."""
        self._end(OF_STATUS.get(status, 1011))

    async def close(self, code: int = 1000) -> None:
        """End it with one of CLOSE_CODES."""
        self._end(code)

    def _end(self, code: int) -> None:
        self._wire.close(code, CLOSE_CODES[code])

    async def _credential(self) -> Again | None:
        """How to ask who the client is, now and later; None for nobody, where the route is public."""
        guard, public = self.app[CORE].guard, self.route.permission == PUBLIC
        (token, cookie), self._offered = self._offered, (None, None)
        if token is None and cookie is not None:
            return None if public and await guard.cookie(cookie) is None else lambda: guard.cookie(cookie)
        if token is None and public:
            return None
        found = await self._first_message() if token is None else token
        return lambda: guard.bearer(found)

    async def _first_message(self) -> str:
        try:
            async with asyncio.timeout(CREDENTIAL_S):
                message = await self.receive()
        except TimeoutError:
            message = {}
        token = message.get("token")
        if message.get("type") != "authenticate" or not isinstance(token, str):
            self._end(4401)
            raise SocketClosed
        return token


def _offered(request: web.Request, cookie_name: str) -> tuple[str | None, str | None]:
    """The token of a handshake, and its cookie."""
    offered = (name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    token = next((name.removeprefix(BEARER) for name in offered if name.startswith(BEARER)), None)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if token is None and scheme.lower() == "bearer":
        token = text.strip()
    return token, request.cookies.get(cookie_name)


def _from_elsewhere(guard: Guard, request: web.Request) -> Problem | None:
    """Why a session cookie does not count here: the handshake is not one of our own pages'."""
    try:
        guard.check_origin(request, "session")
    except Problem as problem:
        return problem.with_traceback(None)
    return None
