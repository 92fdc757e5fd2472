"""`create_app`: the one place where a service becomes an aiohttp application.

It takes everything explicitly and adds what all services share. A route that is not declared through here
has no permission, and an app that holds one does not start.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from gateways.core.adaptive import Load, Priority
from gateways.core.admission import ADMISSION, Admission, asking, see_out
from gateways.core.deps import CoreDeps
from gateways.core.door import DOOR, Door, Rank
from gateways.core.endpoint import endpoint, priority_of
from gateways.core.errors import Translate, problems, remember_prepared, translator
from gateways.core.headers import preflight, security_headers, tell_limits
from gateways.core.health import Health
from gateways.core.notice import Notices
from gateways.core.observe import name_request, observe
from gateways.core.origins import FRIENDS, friends_of
from gateways.core.platform import Platform
from gateways.core.reference import Reference
from gateways.core.routes import DEFAULT_MAX_BODY_BYTES, Route, RouteError, check
from gateways.core.sse import AUTHENTICATE, DRAINING, EVENT_STREAM, HEARTBEAT_S

VERSION: Final = "1.0.0"
ROUTES = web.AppKey("routes", tuple[Route, ...])
HEALTH = web.AppKey("health", Health)
CORE = web.AppKey("core", CoreDeps)
Context = Callable[[web.Application], AsyncIterator[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What makes one service different from the next.

    `needs` names the dependencies that /ready answers for. `errors` maps adapters' exceptions to (problem
    kind, sentence). `contexts` run around the app's life, as aiohttp's cleanup_ctx. `prepare` puts the
    domain's own objects into the app. `about` says in a sentence or two what the service is for; `pages`
    tells that it serves the pages of `gateways.web`; `called_from` names the services whose pages may call it
    on their visitor's session. `build` gives the same service with what its handlers
    need, made of the process's clients; one without it needs nothing.
    """

    name: str
    about: str = ""
    pages: bool = False
    called_from: Sequence[str] = ()
    needs: Sequence[str] = ()
    routes: Sequence[Route] = ()
    errors: Mapping[type[Exception], tuple[str, str]] = field(default_factory=dict)
    contexts: Sequence[Context] = ()
    prepare: Callable[[web.Application], None] | None = None
    build: Callable[[Platform], Awaitable[Service]] | None = None


def all_routes(service: Service, health: Health, reference: Reference) -> tuple[Route, ...]:
    """Every route of a service, checked. Raises RouteError."""
    return check((*service.routes, *health.routes(), *reference.routes()))


def create_app(service: Service, deps: CoreDeps) -> web.Application:
    """A complete application that is not yet listening. Raises RouteError for an unsafe declaration."""
    translate: Translate = translator(service.errors)
    app = web.Application(
        middlewares=[
            observe(service.name),
            problems(service.name, translate, Notices(service.name, service.about, service.pages)),
            preflight(deps.config.cors_origins),
        ],
        # Bodies are read by gateways.core.endpoint by each route's own limit; this is for what slips past it.
        client_max_size=DEFAULT_MAX_BODY_BYTES,
    )
    app.on_response_prepare.append(security_headers(deps.config.cors_origins))
    app.on_response_prepare.append(name_request)
    app.on_response_prepare.append(tell_limits)
    app.on_response_prepare.append(remember_prepared)
    health = Health(service.name, deps.probes, deps.config.ready_cache_s)
    reference = Reference(service.name, VERSION, deps.modules_folder)
    routes = all_routes(service, health, reference)
    reference.describe(routes)
    load = Load(service.name)
    ranks: list[Rank] = []
    for route in routes:
        added = [app.router.add_route(route.method, route.path, endpoint(route, deps, load, health.away))]
        if route.method == "GET" and route.response_type != EVENT_STREAM:
            added.append(app.router.add_route("HEAD", route.path, endpoint(route, deps, load, health.away)))
        if (priority := priority_of(route)) is not Priority.ORDINARY:
            ranks += [(one.method, _form(one), priority) for one in added]
    app[FRIENDS] = friends_of(service.called_from, deps.places, secure=deps.guard.secure)
    app[DOOR] = Door(load, ranks, deps.config.cors_origins, app[FRIENDS])
    app[ROUTES], app[HEALTH], app[CORE] = routes, health, deps
    app[AUTHENTICATE] = deps.guard.authenticate
    app[HEARTBEAT_S] = deps.config.heartbeat_s
    app[DRAINING] = asyncio.Event()
    app[ADMISSION] = Admission(deps.account_news)
    if any(route.socket for route in routes):
        app.cleanup_ctx.append(asking)
        app.on_shutdown.append(see_out)
    app.cleanup_ctx.extend(service.contexts)
    if service.prepare is not None:
        service.prepare(app)
    app.on_startup.append(refuse_undeclared)
    return app


def _form(route: web.AbstractRoute) -> re.Pattern[str]:
    """What the paths of a route look like, as they are sent."""
    assert route.resource is not None
    told = route.resource.get_info()
    return told["pattern"] if "pattern" in told else re.compile(re.escape(told["path"]))


def metrics_app(api: web.Application) -> web.Application:
    """The small app of a service's metrics port: the same health, readiness and metrics as its API."""
    core = api[CORE]
    app = web.Application()
    app.on_response_prepare.append(security_headers(frozenset()))
    for route in api[HEALTH].routes():
        app.router.add_get(route.path, endpoint(route, core))
    app[DRAINING] = api[DRAINING]
    return app


async def refuse_undeclared(app: web.Application) -> None:
    """on_startup: a route added past `create_app` has no permission; the app must not start with it."""
    declared = {(route.method, route.template) for route in app[ROUTES]}
    declared |= {("HEAD", template) for method, template in declared if method == "GET"}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else "?"
        if (route.method, path) not in declared:
            raise RouteError(
                f"{route.method} {path}: no permission is declared; add it as a Route of its service "
                "instead of calling app.router"
            )
