"""What happens to a connection before its request is one: a head must arrive whole in time, and find room.

aiohttp bounds how long a connection may idle, and handlers bound their bodies; in between, a head that was
begun and never ended would hold its connection for as long as an idle one. A request that finds no room at
the door (gateways.core.door) is answered on the spot: no task, no request, no route.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage

from gateways.core.adaptive import Ticket
from gateways.core.door import Door
from streams.core.logging import get_logger

_log = get_logger("gateway.heads")
HEAD_S: Final = 15.0


class GuardedHandler(web.RequestHandler):
    """One connection. A head may take HEAD_S from its first byte, however many bytes follow."""

    __slots__ = ("_door", "_head_timer", "_ticket")

    def __init__(
        self,
        manager: web.Server,
        *,
        loop: asyncio.AbstractEventLoop,
        door: Door | None = None,
        **options: Any,
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._head_timer: asyncio.TimerHandle | None = None
        self._door = door
        self._ticket: Ticket | None = None

    def data_received(self, data: bytes) -> None:
        # Bytes while a request is handled are its body; those behind it wait under the time for idling.
        between_requests = self._current_request is None and not self._messages
        begins = between_requests  # whether a head may have begun that is not whole yet
        waiter = self._waiter
        if self._door is None or not between_requests or waiter is None or waiter.done():
            super().data_received(data)
        else:
            self._waiter = None  # nobody is woken before the door was asked
            try:
                super().data_received(data)
            finally:
                self._waiter = waiter
            if self._messages:
                self._disarm()  # that one is whole; what came behind it has a time of its own
                begins = not data.endswith(b"\r\n\r\n")
                if not self._turned_away(self._door):
                    waiter.set_result(None)
        if self._messages or not begins:
            self._disarm()
        elif self._head_timer is None:
            self._head_timer = self._loop.call_later(HEAD_S, self.force_close)

    def take_ticket(self) -> Ticket | None:
        """What the door gave the request that is being handled, once; None if it was not asked."""
        ticket, self._ticket = self._ticket, None
        return ticket

    async def _handle_request(self, *handled: Any) -> tuple[web.StreamResponse, bool]:
        try:
            return await super()._handle_request(*handled)
        finally:
            self._drop_ticket()  # no route took it: an answer of aiohttp's own, or 404

    def connection_lost(self, exc: BaseException | None) -> None:
        self._disarm()
        self._drop_ticket()
        super().connection_lost(exc)

    def _turned_away(self, door: Door) -> bool:
        """Whether the one request that came was refused and answered. Others find out in their handler."""
        message, payload = self._messages[0]
        if len(self._messages) > 1 or not isinstance(message, RawRequestMessage):
            return False
        self._drop_ticket()
        # Of a body that is still on its way something would have to read the rest.
        whole = payload.is_eof() and not self._reading_paused
        found = door.arrive(message) if whole else None
        if not isinstance(found, bytes):
            self._ticket = found
            return False
        assert self.transport is not None
        assert self._parser is not None
        self._messages.popleft()
        self._parser.message_consumed()
        self.transport.write(found)
        if message.should_close or message.upgrade:
            self.force_close()
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return True

    def _drop_ticket(self) -> None:
        ticket = self.take_ticket()
        if ticket is not None:
            ticket.leave(measured=False)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        # aiohttp's text of such an error quotes what was sent, and that may be the begin of a credential.
        error = kw.get("exc_info")
        if isinstance(error, BadHttpMessage | web.RequestPayloadError):
            _log.info("malformed request", kind=type(error).__name__)
        else:
            super().log_exception(*args, **kw)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
