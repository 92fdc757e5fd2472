"""Outermost middleware: trace context, request id, one structured access line and the metrics of a request.

The line names the route's template, never the URL as sent: a query may hold a secret.
"""

from __future__ import annotations

import time
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateways.core.adaptive import SHED
from gateways.core.ids import ids_of
from gateways.core.principal import PRINCIPAL
from gateways.core.routes import Handler
from streams.core import metrics, tracing
from streams.core.logging import get_logger

_log = get_logger("gateway.access")
_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
CLIENT_LEFT: Final = 499
REQUEST_ID = web.RequestKey("request_id", str)
TRACE_ID = web.RequestKey("trace_id", str)
_HEAD_AT = web.RequestKey("head_at", float)


def observe(service: str) -> Middleware:
    """The middleware of one service. A client that leaves is accounted as 499."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        traceparent, request[REQUEST_ID] = ids_of(request.headers)
        request[TRACE_ID] = traceparent[3:35]
        began, status = time.perf_counter(), CLIENT_LEFT
        with (
            tracing.tracing(traceparent),
            structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID], service=service),
            metrics.HTTP_RUNNING.labels(service).track_inprogress(),
        ):
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                _account(service, request, status, began)

    return middleware


async def name_request(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: ids on every answer, so that a user can quote them.

    Whole answers are prepared after the middlewares have returned: the task's trace is over by then.
    """
    request[_HEAD_AT] = time.perf_counter()
    if REQUEST_ID in request:
        response.headers["X-Trace-Id"] = request[TRACE_ID]
        response.headers["X-Request-Id"] = request[REQUEST_ID]


def _account(service: str, request: web.Request, status: int, began: float) -> None:
    resource = request.match_info.route.resource
    template = resource.canonical if resource is not None else "unmatched"
    now = time.perf_counter()
    head_at: float = request.get(_HEAD_AT, now)
    metrics.HTTP_SECONDS.labels(service, request.method, template, str(status)).observe(head_at - began)
    principal = request.get(PRINCIPAL)
    # A metric counts what was shed: a line for each would cost what shedding is to save.
    line = _log.debug if template in _QUIET or request.get(SHED, False) else _log.info
    line(
        "request",
        method=request.method,
        route=template,
        status=status,
        duration_ms=round((now - began) * 1000, 2),
        via=principal.via if principal is not None else "none",
        bytes_in=request.content_length or 0,
    )
