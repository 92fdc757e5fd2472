"""A request's head must arrive whole in time: a connection that sends it drop by drop is closed.

aiohttp bounds how long a connection may idle, and handlers bound their bodies; in between, a head that was
begun and never ended would hold its connection for as long as an idle one.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from streams.core.logging import get_logger

_log = get_logger("gateway.heads")
HEAD_S: Final = 15.0


class GuardedHandler(web.RequestHandler):
    """One connection. A head may take HEAD_S from its first byte, however many bytes follow."""

    __slots__ = ("_head_timer",)

    def __init__(self, manager: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        # Bytes while a request is handled are its body; those behind it wait under the time for idling.
        between_requests = self._current_request is None and not self._messages
        super().data_received(data)
        if self._messages or not between_requests:
            self._disarm()
        elif self._head_timer is None:
            self._head_timer = self._loop.call_later(HEAD_S, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        # aiohttp's text of such an error quotes what was sent, and that may be the begin of a credential.
        error = kw.get("exc_info")
        if isinstance(error, BadHttpMessage):
            _log.info("malformed request", kind=type(error).__name__)
        else:
            super().log_exception(*args, **kw)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
