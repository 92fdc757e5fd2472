"""Outermost middleware: trace context, request id, one structured access line and the metrics of a request.

The line names the route's template, never the URL as sent: a query may hold a secret.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from structlog.contextvars import bind_contextvars, reset_contextvars

from gateways.core.principal import PRINCIPAL
from gateways.core.routes import Handler

_log = structlog.get_logger("gateway.access")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
CLIENT_LEFT: Final = 499


@dataclass(frozen=True, slots=True)
class Trace:
    """W3C trace context of one request: the caller's trace if it sent one, and a span of our own."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """The header to send on: events published for this request are its children."""
        return f"00-{self.trace_id}-{self.span_id}-01"


@dataclass(frozen=True, slots=True)
class Served:
    """What became of one request. `template` is the route's path or `unmatched`."""

    service: str
    method: str
    template: str
    status: int
    duration_s: float


TRACE = web.RequestKey("trace", Trace)
REQUEST_ID = web.RequestKey("request_id", str)
Sink = Callable[[Served], None]


def trace_of(request: web.Request) -> str:
    """The traceparent for events published on behalf of `request`."""
    return request[TRACE].traceparent


def no_trace() -> Trace:
    """A fresh trace, for a request that never reached the middleware."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8))


def _trace(header: str | None) -> Trace:
    match = _TRACEPARENT.fullmatch(header or "")
    if match is None or set(match.group(1)) == {"0"} or set(match.group(2)) == {"0"}:
        return no_trace()
    return Trace(match.group(1), secrets.token_hex(8))


def observe(service: str, sink: Sink) -> Middleware:
    """The middleware of one service; `sink` gets every request that ended, streamed ones included."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        trace = request[TRACE] = _trace(request.headers.get("traceparent"))
        sent = request.headers.get("X-Request-Id", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else trace.span_id
        request[REQUEST_ID] = request_id
        bound = bind_contextvars(trace_id=trace.trace_id, request_id=request_id, service=service)
        began = time.perf_counter()
        status = CLIENT_LEFT
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        except (asyncio.CancelledError, ConnectionError):
            raise  # the client left: CLIENT_LEFT
        except Exception:
            status = 500
            raise
        finally:
            _account(service, request, status, time.perf_counter() - began, sink)
            reset_contextvars(**bound)

    return middleware


async def name_request(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: ids on every answer, so that a user can quote them."""
    trace = request.get(TRACE)
    if trace is not None:
        response.headers["X-Trace-Id"] = trace.trace_id
        response.headers["X-Request-Id"] = request[REQUEST_ID]


def _account(service: str, request: web.Request, status: int, duration_s: float, sink: Sink) -> None:
    resource = request.match_info.route.resource
    template = resource.canonical if resource is not None else "unmatched"
    sink(Served(service, request.method, template, status, duration_s))
    level = _log.debug if template in _QUIET else _log.info
    principal = request.get(PRINCIPAL)
    level(
        "request",
        method=request.method,
        route=template,
        status=status,
        duration_ms=round(duration_s * 1000, 2),
        via=principal.via if principal is not None else "none",
        bytes_in=request.content_length or 0,
    )
