"""Pages of one service that call another on their visitor's session."""

from __future__ import annotations

import dataclasses

import pytest

from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.origins import origin_of
from gateways.core.signing_in import SESSION_ROUTES
from tests.unit.gateways.conftest import ALLOWED_ORIGIN, KEY, Serve

PLACES = {"streaming": ":3001", "identity": "https://id.example"}
"""The service under test is called from the pages of the first alone."""


@pytest.fixture
def deps(core: CoreDeps) -> CoreDeps:
    return dataclasses.replace(core, places=PLACES)


FRIEND = Service(name="chat", called_from=("streaming", "nowhere"), routes=SESSION_ROUTES)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://{host}:3001", 201),
        ("HTTP://{host}:3001", 201),
        ("http://{host}:3002", 403),
        ("https://{host}:3001", 403),
        ("http://evil.example:3001", 403),
        ("http://{host}.evil.example:3001", 403),
        ("http://{host}:3001/", 403),
        ("https://id.example", 403),
        (ALLOWED_ORIGIN, 403),
        ("null", 403),
    ],
)
async def test_its_pages_may_change_something_on_a_session(
    deps: CoreDeps, serve: Serve, origin: str, status: int
) -> None:
    client = await serve(create_app(FRIEND, deps))
    headers = {"Origin": origin.format(host=client.host)}
    answer = await client.post("/v1/session", json={"api_key": KEY}, headers=headers)
    assert answer.status == status


async def test_its_pages_alone_may_read_answers_to_a_session(deps: CoreDeps, serve: Serve) -> None:
    client = await serve(create_app(FRIEND, deps))
    asked = {"Access-Control-Request-Method": "POST"}
    for origin, credentials in (
        (f"http://{client.host}:3001", "true"),
        (ALLOWED_ORIGIN, None),
        ("https://id.example", None),
    ):
        headers = {"Origin": origin}
        for answer in (
            await client.get("/v1/session", headers=headers),
            await client.options("/v1/session", headers=headers | asked),
        ):
            assert answer.headers.get("Access-Control-Allow-Credentials") == credentials
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (None if origin == "https://id.example" else origin)
            assert "Origin" in answer.headers["Vary"] or "Access-Control-Request" in answer.headers["Vary"]


async def test_behind_a_proxy_that_speaks_https_its_pages_do_too(deps: CoreDeps, serve: Serve) -> None:
    secure = dataclasses.replace(deps, guard=dataclasses.replace(deps.guard, secure=True))
    client = await serve(create_app(FRIEND, secure))
    for scheme, status in (("https", 201), ("http", 403)):
        headers = {"Host": "video.example:3004", "Origin": f"{scheme}://video.example:3001"}
        answer = await client.post("/v1/session", json={"api_key": KEY}, headers=headers)
        assert answer.status == status


async def test_a_service_that_is_called_from_nowhere_trusts_no_other_pages(
    deps: CoreDeps, serve: Serve
) -> None:
    client = await serve(create_app(Service(name="identity", routes=SESSION_ROUTES), deps))
    headers = {"Origin": f"http://{client.host}:3001"}
    assert (await client.post("/v1/session", json={"api_key": KEY}, headers=headers)).status == 403


@pytest.mark.parametrize(
    ("place", "host", "origin"),
    [
        (":3001", "127.0.0.1:3004", "http://127.0.0.1:3001"),
        (":3001", "[::1]:3004", "http://[::1]:3001"),
        (":3001", "video.example", "http://video.example:3001"),
        ("https://video.example:8443/base", "x", "https://video.example:8443"),
        (":3001", "a b", ""),
        (":3001", "evil@video.example", ""),
    ],
)
def test_where_a_place_is(place: str, host: str, origin: str) -> None:
    assert origin_of(place, "http", host) == origin
