"""A route as a declaration: who may call it, what goes in, what comes out, and within which limits.

Everything that is true of a route without running it stands here: the router, the guard, the OpenAPI
document and the table-driven tests read the same object.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from gateways.core.adaptive import Priority
from gateways.core.permissions import OWN, PERMISSIONS, PUBLIC
from gateways.core.rates import DEFAULTS, READ, WRITE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_MAX_BODY_BYTES: Final = 64 * 1024
DEFAULT_TIMEOUT_S: Final = 10.0
BY_METHOD: Final = ""
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_PARAMETER = re.compile(r"{(\w+)(?::[^{}]*(?:{[^{}]*}[^{}]*)*)?}")


class RouteError(Exception):
    """A declaration that would be unsafe or wrong; raised while the app is built, never while it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path.

    `permission` has no default on purpose. `body` and `query` are validated before the handler runs.
    `timeout_s=None` is for handlers that stream: they must bound each wait themselves.
    `max_body_bytes` refuses by Content-Length and while reading; `reads_stream` says that the handler reads
    the body itself and counts. `owned` also lets in who holds `<permission>:own`: the handler must call
    `require_owner` (gateways.core.owning) before it does anything. `shared` lets everybody in, with a
    credential or without: the handler must find out who may see the thing, and call `let_in` if this caller
    may. `limits` names the class of `gateways.core.rates` that requests count in: by default `read` or
    `write` by the method, None: they are not counted. `priority` says who is refused first when there is too
    much (gateways.core.adaptive). `socket`: a WebSocket, whose handler `gateways.core.sockets.gated` made.
    `also` names other statuses that carry the same document as `status`. `raw`: the handler takes the body's
    bytes (`gateways.core.endpoint.raw_body_of`) and finds out itself what they are; `body` only documents
    them. `from_anywhere`: pages of every site may report here; to the handler those of other sites are
    nobody, whatever session the browser sent along.
    """

    method: str
    path: str
    handler: Handler
    permission: str
    summary: str
    status: int = 200
    also: tuple[int, ...] = ()
    response: type[BaseModel] | None = None
    response_type: str = "application/json"
    other_types: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = ("application/json",)
    query: type[BaseModel] | None = None
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    reads_stream: bool = False
    raw: bool = False
    timeout_s: float | None = DEFAULT_TIMEOUT_S
    owned: bool = False
    shared: bool = False
    from_anywhere: bool = False
    limits: str | None = BY_METHOD
    priority: Priority = Priority.ORDINARY
    socket: bool = False
    problems: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tag: str = ""
    documented: bool = True

    @property
    def name(self) -> str:
        """`GET /v1/assets/{asset_id}`: how logs, metrics and errors call it."""
        return f"{self.method} {self.template}"

    @property
    def rate_class(self) -> str | None:
        """The class of rates that its requests count in; None: they are not counted."""
        if self.limits != BY_METHOD:
            return self.limits
        return READ if self.method == "GET" else WRITE

    @property
    def template(self) -> str:
        """The path without the regular expressions of its parameters."""
        return _PARAMETER.sub(lambda m: "{" + m.group(1) + "}", self.path)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters in order."""
        return tuple(match.group(1) for match in _PARAMETER.finditer(self.path))


def check(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return the routes, or raise RouteError naming each that may not be served."""
    routes = tuple(routes)
    wrong: list[str] = []
    seen: set[str] = set()
    for route in routes:
        if route.permission not in PERMISSIONS:
            known = ", ".join(sorted(PERMISSIONS))
            wrong.append(
                f"{route.name}: permission {route.permission!r} is unknown; declare one of {known} "
                "(schemas/identity/roles.py)"
            )
        elif (route.owned or route.shared) and f"{route.permission}{OWN}" not in PERMISSIONS:
            wrong.append(
                f"{route.name}: owned or shared, but there is no permission {route.permission}{OWN}; add it "
                "to schemas/identity/roles.py"
            )
        if route.rate_class is not None and route.rate_class not in DEFAULTS:
            wrong.append(f"{route.name}: limits must be None or one of {', '.join(DEFAULTS)}")
        if route.method not in METHODS:
            wrong.append(f"{route.name}: method must be one of {', '.join(sorted(METHODS))}")
        if route.from_anywhere and route.permission != PUBLIC:
            wrong.append(f"{route.name}: from_anywhere is for public routes, it asks for {route.permission}")
        if route.shared and route.method != "GET":
            wrong.append(f"{route.name}: only a GET can be shared")
        if not route.path.startswith("/"):
            wrong.append(f"{route.name}: the path must start with '/'")
        if route.max_body_bytes < 0:
            wrong.append(f"{route.name}: max_body_bytes must be 0 or more, not {route.max_body_bytes}")
        if route.timeout_s is not None and route.timeout_s <= 0:
            wrong.append(f"{route.name}: timeout_s must be positive, or None for a stream")
        if route.socket and (route.method != "GET" or route.timeout_s is not None):
            wrong.append(f"{route.name}: a socket is a GET with timeout_s=None")
        if route.name in seen:
            wrong.append(f"{route.name}: declared twice")
        seen.add(route.name)
    if wrong:
        raise RouteError("; ".join(wrong))
    return routes
