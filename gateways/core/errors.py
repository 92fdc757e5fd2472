"""Whatever goes wrong in a handler leaves as a problem document, and is logged once with its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import hdrs, web
from aiohttp.client_exceptions import ClientConnectionError
from aiohttp.typedefs import Middleware
from redis.exceptions import RedisError

from gateways.core.clickhouse import HistoryUnavailable
from gateways.core.notice import Notices
from gateways.core.problem import Problem, retry_later
from gateways.core.routes import Handler
from streams.core import metrics, tracing
from streams.core.logging import get_logger
from streams.core.producer import LogUnavailable
from streams.core.vault import VaultError

_log = get_logger("gateway.errors")
# What every service may stand on: its absence is answered alike everywhere.
_AWAY: Final[Mapping[type[Exception], str]] = {
    RedisError: "The projections (Redis) do not answer",
    LogUnavailable: "The log takes no requests now",
    HistoryUnavailable: "The history (ClickHouse) does not answer",
    VaultError: "The vault does not answer",
}
BAD_BODY: Final = (
    "The body is not what its headers say; check Content-Encoding, Content-Length and Transfer-Encoding."
)
PREPARED = web.RequestKey("prepared", web.StreamResponse)
_GENERIC: Final = {
    400: "malformed-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    413: "too-large",
    415: "unsupported-media-type",
    416: "bad-range",
    431: "headers-too-large",
}
Translate = Callable[[Exception], Problem | None]


async def remember_prepared(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: from here on the status line is out and no problem can be sent any more."""
    request[PREPARED] = response


def problems(service: str, translate: Translate, notices: Notices | None = None) -> Middleware:
    """Middleware of one service; `translate` names the problem behind an adapter's exception, if any.

    `notices` answers people who look at an address where nothing is.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except asyncio.CancelledError:
            raise
        except (ConnectionResetError, ClientConnectionError):
            # The client went away while we wrote: nobody is left to answer.
            if PREPARED in request:
                return request[PREPARED]
            raise
        except Problem as raised:
            if raised.kind.status in (401, 403, 413, 429):
                metrics.HTTP_REFUSED.labels(service, raised.kind.slug).inc()
            return _answer(request, raised)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            if error.status == 404 and notices is not None:
                notice = notices.response(request, tracing.trace_id())
                if notice is not None:
                    return notice
            return _answer(request, _of_http(request, error))
        except Exception as error:
            problem = translate(error) or _of_known(error)
            if problem is None:
                _log.exception("unexpected error in a handler", path=request.path)
                problem = Problem(
                    "internal", "Report this with the trace id; the gateway's log has the cause under it."
                )
            else:
                _log.warning(
                    "a dependency failed", path=request.path, error=f"{type(error).__name__}: {error}"
                )
            return _answer(request, problem)

    return middleware


def translator(table: Mapping[type[Exception], tuple[str, str]]) -> Translate:
    """A Translate from (exception type -> (kind, sentence)); the first matching base class wins."""

    def translate(error: Exception) -> Problem | None:
        for kind, (slug, sentence) in table.items():
            if isinstance(error, kind):
                return retry_later(slug, sentence)
        return None

    return translate


def _of_known(error: Exception) -> Problem | None:
    if isinstance(error, web.RequestPayloadError):
        return Problem("malformed-request", BAD_BODY)
    for kind, name in _AWAY.items():
        if isinstance(error, kind):
            return retry_later("unavailable", f"{name}; try again in a moment.")
    return None


def _of_http(request: web.Request, error: web.HTTPException) -> Problem:
    kind = _GENERIC.get(error.status, "malformed-request" if error.status < 500 else "internal")
    if kind == "not-found":
        return Problem(kind, f"Nothing is served at {request.path}; /docs lists what there is.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(kind, f"Use {allowed} on this path.", headers={hdrs.ALLOW: allowed})
    return Problem(kind, f"{error.reason}; /docs describes the request that this path takes.")


def _answer(request: web.Request, problem: Problem) -> web.StreamResponse:
    if PREPARED in request:
        # Half an answer is out: cutting the connection is the only honest way to say that it is not whole.
        _log.warning("an answer broke off", path=request.path, problem=str(problem))
        if request.transport is not None:
            request.transport.abort()
        return request[PREPARED]
    response = problem.response(tracing.trace_id())
    if problem.kind.slug in ("too-large", "overloaded", "malformed-request") and request.can_read_body:
        response.force_close()  # the rest of the body is not worth reading
    return response
