"""Server-sent events: heartbeats, bounded writes, an end when the gateway drains or the client may no more.

Whoever was let in is asked again every CHECK_S: a stream ends within a second of what it stood on. The client
then comes back by itself and is told why.

A client that does not read is cut off after WRITE_TIMEOUT_S: it reconnects and gets the present state, so
nothing is queued for it here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import orjson
from aiohttp import web

from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem

WRITE_TIMEOUT_S: Final = 10.0
RETRY_MS: Final = 2000
EVENT_STREAM: Final = "text/event-stream"
CHECK_S: Final = 0.5
"""How soon a quiet stream notices that the gateway drains, or that its client is not who it was, seconds."""
UNKNOWN_S: Final = 5.0
"""How long a stream outlives that nobody can tell whether its client still may, seconds."""
News = TypeVar("News")
DRAINING = web.AppKey("draining", asyncio.Event)
HEARTBEAT_S = web.AppKey("heartbeat_s", float)
Authenticate = Callable[[web.Request], Awaitable[Principal]]
AUTHENTICATE: Final[web.AppKey[Authenticate]] = web.AppKey("authenticate")


class ClientTooSlow(ConnectionResetError):
    """The client did not take the bytes in time; treated like one that left."""


class EventStream:
    """`async with EventStream(request) as stream`: sends until the body returns or the client leaves."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.draining = request.app[DRAINING]
        self.heartbeat_s = request.app[HEARTBEAT_S]
        self._principal = principal_of(request)
        self._asked_at_s = time.monotonic()
        self._unknown_since_s = 0.0
        self._over = False
        self.response = web.StreamResponse(
            headers={
                "Content-Type": f"{EVENT_STREAM}; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )

    @property
    def open(self) -> bool:
        """False once the gateway drains, or the client is not who was let in."""
        return not self.draining.is_set() and not self._over

    async def __aenter__(self) -> Self:
        await self.response.prepare(self.request)
        await self._write(f"retry: {RETRY_MS}\n\n".encode())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, ClientTooSlow):
            if self.request.transport is not None:
                self.request.transport.abort()
            return True
        if error is None:
            await self.response.write_eof()
        return False

    async def send(self, event: str, data: Any, event_id: str | None = None) -> None:
        """One event with a JSON document; newlines cannot occur in it."""
        lines = [f"event: {event}\n".encode()]
        if event_id is not None:
            lines.append(f"id: {event_id}\n".encode())
        lines.append(b"data: " + orjson.dumps(data) + b"\n\n")
        await self._write(b"".join(lines))

    async def pause(self, wait: Callable[[float], Awaitable[News]]) -> News | None:
        """Wait for news by `wait(timeout_s)`; None (after a heartbeat, while open) if there is none.

        The heartbeat is a comment: it keeps proxies from closing and finds out that the client has gone.
        """
        left_s = self.heartbeat_s
        while self.open and left_s > 0:
            news = await wait(min(left_s, CHECK_S))
            await self._ask_again()
            if news and self.open:
                return news
            left_s -= CHECK_S
        if self.open:
            await self._write(b": alive\n\n")
        return None

    async def _ask_again(self) -> None:
        now_s = time.monotonic()
        if now_s - self._asked_at_s < CHECK_S:
            return
        self._asked_at_s = now_s
        try:
            self._over = await self.request.app[AUTHENTICATE](self.request) != self._principal
            self._unknown_since_s = 0.0
        except Problem as refusal:
            self._unknown_since_s = self._unknown_since_s or now_s
            self._over = refusal.kind.status != 503 or time.monotonic() - self._unknown_since_s >= UNKNOWN_S

    async def _write(self, raw: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self.response.write(raw)
        except TimeoutError as error:
            raise ClientTooSlow(f"the client read nothing for {WRITE_TIMEOUT_S:g} s") from error
