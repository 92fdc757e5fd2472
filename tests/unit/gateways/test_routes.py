"""Every declared route of every service: who is let in, what is described, what refuses to start."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from aiohttp import web

from gateways.core.app import ROUTES, Service, all_routes, create_app
from gateways.core.deps import CoreDeps
from gateways.core.health import Health
from gateways.core.permissions import PERMISSIONS, PUBLIC, SESSION
from gateways.core.principal import Principal
from gateways.core.reference import Reference
from gateways.core.routes import Route, RouteError, check
from gateways.core.sessions import Tokens
from gateways.services import SERVICES
from schemas.catalog import load_topology
from tests.unit.gateways.conftest import BEARER, Gateway, Serve

EXAMPLES = {
    "asset_id": "abc123", "ce_id": "abc123", "rendition": "720p", "profile_hash": "abc123", "number": "3",
    "path": "nothing.js", "file": "start.js",
}  # fmt: skip


def every_route() -> Iterator[tuple[str, Route]]:
    for name, service in SERVICES.items():
        for route in all_routes(service, Health(name, {}), Reference(name, "1", "")):
            yield name, route


def path_of(route: Route) -> str:
    return re.sub(r"{(\w+)}", lambda m: EXAMPLES[m.group(1)], route.template)


PROTECTED = [
    pytest.param(name, route, id=f"{name} {route.name}")
    for name, route in every_route()
    if route.permission != PUBLIC
]


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
    pages = {
        "GET /", "GET /watch/{asset_id}", "GET /assets/{asset_id}/log", "GET /web/{path}",
        "GET /modules/{path}", "GET /favicon.ico", "POST /v1/session", "DELETE /v1/session",
    }  # fmt: skip
    for service in SERVICES:
        found = {r.name for name, r in every_route() if name == service and r.permission == PUBLIC}
        assert found == (common | pages if service == "streaming" else common)


@pytest.mark.parametrize(("service", "route"), PROTECTED)
async def test_without_a_credential_it_is_401(service: str, route: Route, gateway: Gateway) -> None:
    answer = await gateway.client.request(route.method, path_of(route))
    body = await answer.json()
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    assert body["type"] == "urn:kinolog:problem:unauthenticated"
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("service", "route"), PROTECTED)
async def test_with_a_wrong_key_it_is_401(service: str, route: Route, gateway: Gateway) -> None:
    answer = await gateway.client.request(
        route.method, path_of(route), headers={"Authorization": "Bearer kino_wrong"}
    )
    assert answer.status == 401
    assert (await answer.json())["type"] == "urn:kinolog:problem:bad-credential"


@pytest.mark.parametrize(
    ("service", "route"),
    # Any session may call these: there is no wrong permission.
    [case for case in PROTECTED if case.values[1].permission != SESSION],
)
async def test_with_every_permission_but_its_own_it_is_403(
    service: str, route: Route, gateway: Gateway
) -> None:
    others = frozenset(PERMISSIONS) - {route.permission}
    token = gateway.tokens.issue_session(Principal("somebody", others, "session"))
    answer = await gateway.client.request(
        route.method, path_of(route), cookies={"kinolog_session": token},
        headers={"Origin": f"http://{gateway.client.host}:{gateway.client.port}"},
    )  # fmt: skip
    body = await answer.json()
    assert answer.status == 403
    assert body["type"] == "urn:kinolog:problem:forbidden"
    assert body["permission"] == route.permission


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
            assert len(client.app[ROUTES]) == 6


def test_tokens_need_a_secret_worth_the_name() -> None:
    assert not Tokens("").usable
    assert not Tokens("short").usable
