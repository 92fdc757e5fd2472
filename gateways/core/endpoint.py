"""From declaration to aiohttp handler: guard, limits and validation around a route's own function."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateways.core.adaptive import SHED, TICKET, Load, Priority, Ticket, overloaded
from gateways.core.deps import CoreDeps
from gateways.core.depth import deeper_than
from gateways.core.heads import GuardedHandler
from gateways.core.limits import LIMIT
from gateways.core.owning import refuse_unproven
from gateways.core.principal import ANONYMOUS, PRINCIPAL, Principal
from gateways.core.problem import Problem, retry_later
from gateways.core.rates import REFUSED
from gateways.core.routes import Handler, Route

ROUTE = web.RequestKey("route", Route)
_BODY = web.RequestKey("body", BaseModel)
_QUERY = web.RequestKey("query", BaseModel)
_RAW = web.RequestKey("raw", bytes)
MAX_DEPTH: Final = 16
Model = TypeVar("Model", bound=BaseModel)


def body_of(request: web.Request, model: type[Model]) -> Model:
    """The validated body; `model` is the one the route declares."""
    body = request[_BODY]
    assert isinstance(body, model)
    return body


def raw_body_of(request: web.Request) -> bytes:
    """The body of a `raw` route: of a type that it declares, at most as long as it says."""
    return request[_RAW]


def query_of(request: web.Request, model: type[Model]) -> Model:
    """The validated query parameters; `model` is the one the route declares."""
    query = request[_QUERY]
    assert isinstance(query, model)
    return query


def json_response(document: BaseModel | dict[str, Any], status: int = 200, **headers: str) -> web.Response:
    """JSON with orjson; header names are written with underscores. Not cached unless said otherwise."""
    data = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status,
        body=orjson.dumps(data),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **named},
    )


async def _nothing_known() -> str:
    return ""


def endpoint(
    route: Route,
    deps: CoreDeps,
    load: Load | None = None,
    away: Callable[[], Awaitable[str]] = _nothing_known,
) -> Handler:
    """The handler that aiohttp calls. Order: room, credential, rate, size, shape, the route's own function.

    `load` sheds what is too much at once. `away` gives a sentence on the dependencies that do not answer: the
    reason of an answer that is late.
    """
    priority = priority_of(route)

    async def handle(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        ticket = _ticket_of(request)
        if load is None or priority is Priority.ALWAYS:
            if ticket is not None:
                ticket.leave(measured=False)
            return await answer(request)
        if ticket is None:
            ticket = load.enter(priority)
            if ticket is None:
                request[SHED] = True
                raise overloaded()
        request[TICKET] = ticket
        ticket.name = route.name
        try:
            response = await answer(request)
            ticket.leave(measured=True)
            return response
        finally:
            ticket.leave(measured=False)

    async def answer(request: web.Request) -> web.StreamResponse:
        request[PRINCIPAL] = await _admitted(request, route, deps)
        _refuse_oversized(request, route)
        if route.query is not None:
            request[_QUERY] = _validate(route.query, dict(request.query), "query")
        try:
            async with asyncio.timeout(route.timeout_s) as deadline:
                if route.raw:
                    _refuse_other_types(request, route)
                    request[_RAW] = await read_limited(request, route.max_body_bytes)
                elif route.body is not None:
                    raw = await read_limited(request, route.max_body_bytes)
                    request[_BODY] = _validate(route.body, _parse(request, route, raw), "body")
                response = await route.handler(request)
                refuse_unproven(request)
                return response
        except TimeoutError:
            if not deadline.expired():
                raise
            raise retry_later("deadline", await _why_late(route, away)) from None

    return handle


def priority_of(route: Route) -> Priority:
    """A route's priority. Bodies that stream and sockets have bounds of their own and take no place here."""
    return Priority.ALWAYS if route.reads_stream or route.socket else route.priority


def _ticket_of(request: web.Request) -> Ticket | None:
    """What the request was given at the door, if that was asked."""
    connection = request.protocol
    return connection.take_ticket() if isinstance(connection, GuardedHandler) else None


async def _admitted(request: web.Request, route: Route, deps: CoreDeps) -> Principal:
    """The caller, let in and counted. Wrong credentials count as well: guessing has its own rate."""
    limiter, proxies = deps.limiter, deps.config.proxies
    try:
        # A socket's credential may come later: its handler asks for it.
        principal = ANONYMOUS if route.socket else await deps.guard.authorise(request, route)
    except Problem as refusal:
        if limiter is not None and refusal.kind.slug == "bad-credential":
            await limiter.take(REFUSED, ANONYMOUS, proxies.network(request))
        raise
    if limiter is not None and route.rate_class is not None:
        allowance = await limiter.take(route.rate_class, principal, proxies.network(request))
        if allowance is not None:
            request[LIMIT] = allowance
    return principal


async def _why_late(route: Route, away: Callable[[], Awaitable[str]]) -> str:
    late = f"There was no answer within {route.timeout_s:g} s"
    reason = await away()
    if reason:
        return f"{late}: {reason} Try again when /ready says that it is back."
    return f"{late}; try again, and see /ready if it lasts."


async def read_limited(request: web.Request, limit: int) -> bytes:
    """The whole body; a Problem as soon as it exceeds `limit` bytes, whatever Content-Length said."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _refuse_oversized(request: web.Request, route: Route) -> None:
    length = request.content_length
    if length is not None and length > route.max_body_bytes:
        raise _too_large(route.max_body_bytes)


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"Send at most {limit} bytes.", limit_bytes=limit)


def _refuse_other_types(request: web.Request, route: Route) -> None:
    if request.content_type not in route.body_types:
        raise Problem("unsupported-media-type", f"Send the body as {' or '.join(route.body_types)}.")


def _parse(request: web.Request, route: Route, raw: bytes) -> Any:
    _refuse_other_types(request, route)
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem("malformed-request", f"The body is not JSON: {error}. Send a JSON object.") from error
    if deeper_than(MAX_DEPTH, document):
        raise Problem("malformed-request", f"The body is nested too deeply; {MAX_DEPTH} levels are the most.")
    return document


def _validate(model: type[BaseModel], data: Any, where: str) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # Values stay out of the answer: a rejected body may hold a mistyped key or code.
        wrong = [
            {"field": ".".join(str(part) for part in item["loc"]) or where, "problem": item["msg"]}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        fields = ", ".join(f"{item['field']}: {item['problem']}" for item in wrong)
        raise Problem("validation", f"Correct the {where}: {fields}.", errors=wrong) from error
