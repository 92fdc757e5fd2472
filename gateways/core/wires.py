"""A connection that has become a WebSocket: taken out of aiohttp's hands, so that an idle one costs little.

What aiohttp keeps of a connection (parser, request, handler, writer) is several times what a socket needs.
So once the handshake is answered its transport gets a `Wire` instead, and aiohttp is told that the connection
is gone. Frames out are written by who makes them for many; frames in become messages here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from gateways.core.frames import PING_FRAME, close_frame, pong_frame
from gateways.core.incoming import BINARY, BROKEN, CLOSE, PING, TEXT, FrameError, Incoming

PING_S: Final = 20.0
PONG_S: Final = 15.0
"""A client that says nothing for PING_S is asked; one that says nothing for PONG_S more is gone."""
LAST_WORD_S: Final = 5.0
"""How long a client that is cut off has to take what waits for it, and the reason, seconds."""
MOST_PONG_BYTES: Final = 16 * 1024
"""While so much waits for a client its pings are not answered: it asks, and does not read."""
MOST_ARRIVED: Final = 32
"""Messages that wait to be received; no more are read from the network meanwhile."""
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
NORMAL: Final = 1000
_NEVER_SENT: Final = frozenset((1004, 1005, 1006, 1015))


class WireClosed(Exception):
    """No message will come any more. `code` is the close code by which this side has to end it, if it has."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Wire(asyncio.Protocol):
    """One WebSocket connection: messages in, frames out, the closing handshake."""

    __slots__ = (
        "_arrived", "_closing", "_fault", "_heard_s", "_incoming", "_last_word", "_paused", "_transport",
        "_waiter",
    )  # fmt: skip

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: of a message of the client."""
        self._incoming = Incoming(most_bytes)
        self._transport: asyncio.Transport | None = None
        self._arrived: list[tuple[int, bytes]] = []
        self._waiter: asyncio.Future[None] | None = None
        self._fault: int | None = None
        self._closing = self._paused = False
        self._last_word: asyncio.TimerHandle | None = None
        self._heard_s = 0.0

    # -- what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._heard_s = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        if self._fault is not None:
            return
        try:
            for kind, payload in self._incoming.feed(data):
                if kind == CLOSE:
                    self._hang_up(payload)
                    return
                self._take(kind, payload)
        except FrameError as error:
            self._fault = error.code
            self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._transport = None
        if self._last_word is not None:
            self._last_word.cancel()
        self._wake()

    # -- what the conversation asks

    @property
    def waiting_bytes(self) -> int:
        """What the client has yet to take; 0 when it takes nothing any more."""
        return 0 if self._closing or self._transport is None else self._transport.get_write_buffer_size()

    def write(self, frame: bytes) -> None:
        """Send a whole frame, unless it is over; it returns at once."""
        if not self._closing and self._transport is not None:
            self._transport.write(frame)

    async def receive(self) -> tuple[int, bytes]:
        """The next message: TEXT or BINARY, and its payload. Raises WireClosed."""
        while not self._arrived:
            if self._closing or self._transport is None or self._fault is not None:
                raise WireClosed(self._fault)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        found = self._arrived.pop(0)
        if not self._arrived:
            self._read_on()
        return found

    def close(self, code: int, reason: str) -> None:
        """Say why and wait for the client's own goodbye, LAST_WORD_S at most; it returns at once."""
        if self._closing or self._transport is None:
            return
        self._transport.write(close_frame(code, reason))
        self._closing = True
        self._arrived.clear()
        self._read_on()  # what comes is dropped, but for the client's goodbye
        self._give_time(self._transport)
        self._wake()

    def pulse(self, now_s: float) -> None:
        """Now and then: ask a client that has long said nothing whether it is there; give up who is not."""
        silent_s = now_s - self._heard_s
        if self._transport is None or silent_s < PING_S:
            return
        if silent_s < PING_S + PONG_S:
            self.write(PING_FRAME)
        else:
            self._transport.abort()

    # -- within

    def _take(self, kind: int, payload: bytes) -> None:
        if self._closing:
            return
        if kind == PING:
            if self.waiting_bytes < MOST_PONG_BYTES:
                self.write(pong_frame(payload))
        elif kind in (TEXT, BINARY):
            self._arrived.append((kind, payload))
            if len(self._arrived) == MOST_ARRIVED and self._transport is not None:
                self._transport.pause_reading()
                self._paused = True
            self._wake()

    def _hang_up(self, payload: bytes) -> None:
        """The client's goodbye is answered with its own code, and that is the end."""
        if self._transport is not None:
            if not self._closing:
                self._transport.write(close_frame(_goodbye(payload), ""))
                self._closing = True
                self._give_time(self._transport)
            self._transport.close()
        self._wake()

    def _give_time(self, transport: asyncio.Transport) -> None:
        """For what waits, and for the goodbye: a client that takes nothing would hold it for ever."""
        self._last_word = asyncio.get_running_loop().call_later(LAST_WORD_S, transport.abort)

    def _read_on(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _goodbye(payload: bytes) -> int:
    """The code to answer a close frame with (RFC 6455, 7.4)."""
    code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else NORMAL if not payload else 0
    return code if 1000 <= code < 5000 and code not in _NEVER_SENT else BROKEN


class _Early:
    """What came before the wire took over, for aiohttp a parser."""

    data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """The client may be gone: the wire finds out."""


class Switched(web.StreamResponse):
    """101: the answer to a handshake that `web.WebSocketResponse.can_prepare` finds good.

    When it is sent the connection is `wire`'s, with what the client sent behind its handshake, and `begin` is
    called. A client that is gone by then never begins.
    """

    def __init__(
        self, request: web.Request, wire: Wire, protocol: str | None, begin: Callable[[], None]
    ) -> None:
        key = request.headers[hdrs.SEC_WEBSOCKET_KEY].encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        headers = {hdrs.UPGRADE: "websocket", hdrs.CONNECTION: "upgrade", hdrs.SEC_WEBSOCKET_ACCEPT: accept}
        if protocol is not None:
            headers[hdrs.SEC_WEBSOCKET_PROTOCOL] = protocol
        super().__init__(status=101, headers=headers)
        self.force_close()
        self._wire, self._begin = wire, begin
        self._handler: Any = request.protocol
        self._early = _Early()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it. From here on what the client says is no HTTP."""
        if not self.prepared:
            self._handler.set_parser(self._early)
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """The last thing that aiohttp does with an answer."""
        await super().write_eof(data)
        handler = self._handler
        transport = handler.transport
        if transport is None or transport.is_closing():
            return
        transport.set_protocol(self._wire)
        self._wire.connection_made(transport)
        handler.transport = None  # it must not close what is no longer its own,
        handler._task_handler = None  # nor cancel the task that this runs in
        handler.connection_lost(None)
        transport.resume_reading()
        if self._early.data:
            self._wire.data_received(self._early.data)
        self._begin()
