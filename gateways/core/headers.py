"""Security headers of every response, CORS for configured origins, and Vary.

Answers that are data get a Content-Security-Policy that allows nothing; pages bring their own (self only,
`gateways.web.site`), and so does the API reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateways.core.adaptive import TICKET
from gateways.core.limits import LIMIT
from gateways.core.origins import from_friend
from gateways.core.routes import Handler

_Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

ALLOWED_HEADERS: Final = (
    "Authorization, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, Content-Encoding, Content-Type, "
    "Idempotency-Key, If-None-Match, Last-Event-ID, Playback-Token, Range, traceparent"
)
EXPOSED_HEADERS: Final = (
    "Content-Length, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
    "X-Trace-Id"
)
_FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
REFERENCE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def common_headers(origin: str | None, *, friend: bool = False) -> dict[str, str]:
    """What every answer that is data carries; `origin` is an allowed one, if the request came from there.

    `friend`: it is the page of another service of ours (`gateways.core.origins`).
    """
    headers = {**_FIXED, "Content-Security-Policy": DATA_POLICY, hdrs.VARY: "Origin"}
    if friend:
        headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    if origin is not None:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
    return headers


def security_headers(allowed_origins: frozenset[str]) -> _Signal:
    """The on_response_prepare signal: it reaches streamed responses and errors alike."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in _FIXED.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", DATA_POLICY)
        # Also on answers to requests without Origin: a cache must not hand them to another site.
        vary = headers.get(hdrs.VARY)
        headers[hdrs.VARY] = f"{vary}, Origin" if vary else "Origin"
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and from_friend(request):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
        elif origin in allowed_origins:
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS

    return prepare


async def tell_limits(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: what is left of the client's rate; and the request is in flight no longer."""
    allowance = request.get(LIMIT)
    if allowance is not None:
        for name, value in allowance.headers().items():
            response.headers.setdefault(name, value)
    ticket = request.get(TICKET)
    if ticket is not None:
        ticket.leave(measured=True)


def preflight(allowed_origins: frozenset[str]) -> Middleware:
    """Answers CORS preflights. Cookies are not for others' origins: no Allow-Credentials, on purpose, but for
    the pages of other services of ours that call this one (`security_headers` adds it).
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        if request.method != hdrs.METH_OPTIONS or method is None:
            return await handler(request)
        error = request.match_info.http_exception
        if not isinstance(error, web.HTTPMethodNotAllowed) or method not in error.allowed_methods:
            return await handler(request)
        response = web.Response(status=204)
        response.headers[hdrs.VARY] = "Access-Control-Request-Method, Access-Control-Request-Headers"
        if request.headers.get(hdrs.ORIGIN) in allowed_origins or from_friend(request):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = ", ".join(sorted(error.allowed_methods))
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ALLOWED_HEADERS
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"
        return response

    return middleware
