"""Every declared route of every service: who is let in, what is described, what refuses to start."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest
from aiohttp import web

from deploy.generated import CHECKOUT
from gateways.core.app import ROUTES, Service, create_app
from gateways.core.auth import COOKIE
from gateways.core.deps import CoreDeps
from gateways.core.endpoint import ROUTE
from gateways.core.owning import let_in, require_owner
from gateways.core.permissions import OWN, PERMISSIONS, PUBLIC
from gateways.core.principal import principal_of
from gateways.core.routes import Handler, Route, RouteError, check
from gateways.core.sessions import Tokens
from gateways.services import SERVICES, routes_of
from schemas.catalog import load_topology
from schemas.identity.roles import ROLES
from tests.unit.gateways.conftest import BEARER, KEY, SECRET, Gateway, Serve
from tests.unit.gateways.identities import MemoryIdentities, guard_of

WATCH_LINK = "watch link"
ADMINISTRATOR_KEY = "administrator's key"


def every_route() -> Iterator[tuple[str, Route]]:
    for name, service in SERVICES.items():
        for route in routes_of(service):
            yield name, route


def test_the_map_and_the_code_name_the_same_services() -> None:
    assert set(load_topology().services) == set(SERVICES)


def test_what_is_open_is_known() -> None:
    """An open route is a decision: a new one has to be added here."""
    common = {
        "GET /health",
        "GET /ready",
        "GET /metrics",
        "GET /openapi.json",
        "GET /docs",
        "GET /docs/{file}",
    }
    own = {
        "streaming": {
            "GET /", "GET /watch/{asset_id}", "GET /assets/{asset_id}/log", "GET /web/{path}",
            "GET /rooms", "GET /rooms/{room_id}", "GET /rooms/{room_id}/moderate",
            "GET /modules/{path}", "GET /favicon.ico", "POST /v1/session", "DELETE /v1/session",
            "GET /analytics", "GET /analytics/views", "GET /analytics/views/{view_id}",
            "GET /analytics/videos/{asset_id}", "GET /analytics/system",
            "GET /rights", "GET /rights/licences", "GET /rights/policies/{policy_id}",
            "GET /rights/accounts/{account_id}", "GET /assets/{asset_id}/protection",
        },
        "identity": {
            "POST /v1/sessions", "POST /v1/sessions/refresh", "POST /v1/one-time-links/redeem",
            "GET /.well-known/jwks.json", "GET /", "GET /account", "GET /sign-in", "GET /redeem",
            "GET /users", "GET /audit", "GET /web/{path}", "GET /modules/{path}", "GET /favicon.ico",
            "POST /v1/session", "DELETE /v1/session",
        },
        "chat": {
            "GET /v1/socket", "GET /v1/rooms", "GET /v1/rooms/{room_id}", "GET /v1/assets/{asset_id}/room",
            "GET /v1/rooms/{room_id}/messages", "GET /v1/rooms/{room_id}/pins",
            "GET /v1/rooms/{room_id}/replay", "GET /v1/rooms/{room_id}/events",
        },
        "analytics": {"POST /v1/beats", "POST /v1/cmcd"},
        "drm": {
            "POST /v1/widevine/keys",  # signed
            "POST /v1/tokens", "POST /v1/licences/clearkey", "POST /v1/beats",
            "POST /v1/licences/widevine", "POST /v1/licences/playready", "POST /v1/licences/fairplay",
            "GET /v1/fairplay/certificate", "GET /v1/live",
            "DELETE /v1/streams/{stream_id}",
        },
    }  # fmt: skip
    for service in SERVICES:
        found = {r.name for name, r in every_route() if name == service and r.permission == PUBLIC}
        assert found == common | own.get(service, set())


def test_every_route_is_counted_but_for_files_constants_and_media() -> None:
    """What is not counted can only be read, and tells no more than its address and what is played."""
    uncounted = {(r.method, r.permission, r.tag) for _, r in every_route() if r.rate_class is None}
    assert uncounted == {
        ("GET", PUBLIC, "pages"), ("GET", PUBLIC, "health"), ("GET", PUBLIC, "reference"),
        ("GET", "assets:read", "playback"),
    }  # fmt: skip


def documented() -> dict[str, dict[tuple[str, str], str]]:
    """docs/permissions.md as it is checked in: who -> (service, route) -> cell."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    service, who = "", []
    for line in (CHECKOUT / "docs" / "permissions.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            service = line[3:]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "Route":
            who = cells[3:]
        elif service in SERVICES and cells[0].startswith("`"):
            for name, text in zip(who, cells[3:], strict=True):
                found.setdefault(name, {})[service, cells[0].strip("`")] = text
    return found


def stubbed(service: Service, reached: Handler) -> Service:
    """The service with its declarations, each of whose handlers only says that it was reached."""
    return dataclasses.replace(
        service,
        build=None,
        routes=[
            dataclasses.replace(route, handler=reached, body=None, query=None, reads_stream=False, raw=False)
            for route in service.routes
        ],
    )


def path_of(route: Route) -> str:
    """A path that the route's own expressions match."""
    examples = {r"[a-z0-9-]{1,64}": "abc", r"[0-9a-f]{32}": "a" * 32, r"[0-9a-f]{16}": "a" * 16}

    def example(match: re.Match[str]) -> str:
        return examples.get(match.group(2) or "", "start.js" if match.group(1) == "file" else "7")

    return re.sub(r"{(\w+)(?::((?:[^{}]|{[^{}]*})*))?}", example, route.path)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_table_of_routes_and_roles_holds_over_http(service: str, serve: Serve) -> None:
    """Every route of every service, asked by everybody: let in exactly where docs/permissions.md says so."""
    identities = MemoryIdentities.of({role: role for role in ROLES})
    guard = guard_of(identities, Tokens(SECRET), KEY)

    async def reached(request: web.Request) -> web.Response:
        if request[ROUTE].shared:
            let_in(request)
        require_owner(request, principal_of(request).account_id)
        return web.Response(status=418)

    client = await serve(create_app(stubbed(SERVICES[service], reached), CoreDeps(guard=guard)))
    own = {"Origin": f"http://{client.host}:{client.port}"}
    viewer = guard.tokens.issue_session(guard.tokens.read_code(guard.tokens.issue_code()))
    credentials = {
        "nobody": {},
        WATCH_LINK: {"Cookie": f"{COOKIE}={viewer}", **own},
        ADMINISTRATOR_KEY: BEARER,
        **{role: {"Authorization": f"Bearer {identities.token(sub=role)}"} for role in ROLES},
    }
    table = documented()
    assert set(table) == set(credentials)
    routes = [route for route in SERVICES[service].routes if not route.socket]
    for who, headers in credentials.items():
        for route in routes:
            async with client.request(route.method, path_of(route), headers=headers) as answer:
                admitted = table[who][service, route.name] != ""
                expected = 418 if admitted else 401 if who == "nobody" else 403
                assert answer.status == expected, f"{who}: {route.name}"
                if answer.status == 401:
                    assert "Bearer" in answer.headers["WWW-Authenticate"]
                if answer.status == 403:
                    assert (await answer.json())["permission"] == route.permission
    for route in (route for route in routes if route.permission != PUBLIC):
        wrong = {"Authorization": "Bearer kino_wrong"}
        async with client.request(route.method, path_of(route), headers=wrong) as answer:
            assert answer.status == 401
            assert (await answer.json())["type"] == "urn:kinolog:problem:bad-credential"


def test_the_table_names_every_route() -> None:
    named = {(service, route.name) for service, route in every_route()}
    for cells in documented().values():
        assert set(cells) == named


def test_every_permission_is_asked_for_somewhere_or_stands_for_a_part_of_one() -> None:
    asked = {route.permission for _, route in every_route()}
    assert {name for name in PERMISSIONS if not name.endswith(OWN)} - asked == set()


async def nothing(_: web.Request) -> web.Response:
    return web.Response()


def route(**fields: object) -> Route:
    given = {"method": "GET", "path": "/x", "handler": nothing, "permission": PUBLIC, "summary": "X"}
    return Route(**{**given, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"permission": ""}, "permission '' is unknown"),
        ({"permission": "assets:raed"}, "permission 'assets:raed' is unknown"),
        ({"method": "FETCH"}, "method must be one of"),
        ({"path": "x"}, "must start with '/'"),
        ({"max_body_bytes": -1}, "max_body_bytes"),
        ({"timeout_s": 0}, "timeout_s"),
    ],
)
def test_a_wrong_declaration_is_an_error_that_names_it(fields: dict[str, object], said: str) -> None:
    with pytest.raises(RouteError, match=re.escape(said)):
        check([route(**fields)])


def test_a_route_declared_twice_is_an_error() -> None:
    with pytest.raises(RouteError, match="declared twice"):
        check([route(path="/x/{a:[0-9]+}"), route(path="/x/{a:[a-z]+}")])


def test_a_route_without_permission_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="permission"):
        Route(method="GET", path="/x", handler=nothing, summary="X")  # type: ignore[call-arg]


async def test_a_route_added_past_the_factory_keeps_the_app_from_starting(
    core: CoreDeps, serve: Serve
) -> None:
    app = create_app(Service(name="chat"), core)
    app.router.add_get("/backdoor", nothing)
    with pytest.raises(RouteError, match="/backdoor: no permission is declared"):
        await serve(app)


async def test_get_answers_head_too(gateway: Gateway) -> None:
    assert (await gateway.client.head("/health")).status == 200
    assert (await gateway.client.head("/v1/assets")).status == 401
    assert (await gateway.client.head("/v1/assets", headers=BEARER)).status == 200


async def test_every_service_can_be_built_and_served(core: CoreDeps, serve: Serve) -> None:
    for name, service in SERVICES.items():
        if name != "streaming":
            client = await serve(create_app(service, core))
            assert (await (await client.get("/health")).json())["service"] == name
            assert len(client.app[ROUTES]) == 6 + len(service.routes)


def test_tokens_need_a_secret_worth_the_name() -> None:
    assert not Tokens("").usable
    assert not Tokens("short").usable
