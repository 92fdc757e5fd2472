"""What every answer has in common: problems, headers, limits, CORS, trace ids, logs without secrets."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from pydantic import BaseModel
from structlog.testing import capture_logs

from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.endpoint import body_of, json_response
from gateways.core.permissions import PUBLIC
from gateways.core.problem import KINDS, Problem
from gateways.core.routes import Route
from tests.unit.gateways.conftest import ALLOWED_ORIGIN, BEARER, Gateway, Serve


class Body(BaseModel):
    word: str


async def echo(request: web.Request) -> web.Response:
    return json_response(body_of(request, Body))


async def crash(_: web.Request) -> web.Response:
    raise ZeroDivisionError("a secret detail")


async def forever(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 100
    await response.prepare(request)
    await response.write(b"x" * 50)
    raise RuntimeError("broke off")


class Lost(Exception):
    """An adapter's own error."""


async def lost(_: web.Request) -> web.Response:
    raise Lost("10.0.0.5 refused")


def route(method: str, path: str, handler: object, **fields: object) -> Route:
    given = {"permission": PUBLIC, "summary": path, **fields}
    return Route(method=method, path=path, handler=handler, **given)  # type: ignore[arg-type]


SERVICE = Service(
    name="chat",
    routes=(
        route("POST", "/echo", echo, body=Body, max_body_bytes=100),
        route("GET", "/crash", crash),
        route("GET", "/forever", forever, timeout_s=0.01),
        route("GET", "/half", half),
        route("GET", "/lost", lost),
    ),
    errors={Lost: ("unavailable", "The far end does not answer; try again.")},
)


@pytest.fixture
async def client(core: CoreDeps, serve: Serve):  # type: ignore[no-untyped-def]
    return await serve(create_app(SERVICE, core))


async def test_a_problem_has_all_of_rfc_9457_and_the_trace_id(client) -> None:  # type: ignore[no-untyped-def]
    sent = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    answer = await client.get("/nowhere", headers={"traceparent": sent})
    body = await answer.json()
    assert answer.status == 404
    assert answer.content_type == "application/problem+json"
    assert body["type"] == "urn:kinolog:problem:not-found"
    assert body["status"] == 404
    assert body["title"] == KINDS["not-found"].title
    assert "/docs" in body["detail"]
    assert body["trace_id"] == "ab" * 16 == answer.headers["X-Trace-Id"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/crash", "internal"), ("/forever", "deadline"), ("/lost", "unavailable")],
)
async def test_what_goes_wrong_inside_is_a_problem_without_its_details(client, path: str, kind: str) -> None:  # type: ignore[no-untyped-def]
    answer = await client.get(path)
    text = await answer.text()
    assert answer.status == KINDS[kind].status
    assert f"urn:kinolog:problem:{kind}" in text
    assert "secret" not in text
    assert "10.0.0.5" not in text
    assert ("Retry-After" in answer.headers) == (kind != "internal")


async def test_an_answer_that_breaks_off_is_cut_not_completed(client) -> None:  # type: ignore[no-untyped-def]
    answer = await client.get("/half")
    with pytest.raises(Exception, match=r"(?i)payload|connection|closed"):
        await answer.read()


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (b'{"word": "x"}', {"Content-Type": "application/json"}, 200, ""),
        (b"{", {"Content-Type": "application/json"}, 400, "malformed-request"),
        (b'{"word": 5}', {"Content-Type": "application/json"}, 422, "validation"),
        (b'{"word": "x"}', {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (b'{"word": "' + b"x" * 100 + b'"}', {"Content-Type": "application/json"}, 413, "too-large"),
        (b"[" * 49 + b"]" * 49, {"Content-Type": "application/json"}, 400, "nested too deeply"),
        (b"[" * 16 + b"]" * 16, {"Content-Type": "application/json"}, 422, "validation"),
    ],
)
async def test_bodies_are_bounded_and_checked(client, body, headers, status: int, kind: str) -> None:  # type: ignore[no-untyped-def]
    answer = await client.post("/echo", data=body, headers=headers)
    assert answer.status == status
    assert kind in await answer.text()


async def test_a_body_without_a_length_is_bounded_as_well(client) -> None:  # type: ignore[no-untyped-def]
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(1000):
            yield b"x" * 100

    answer = await client.post("/echo", data=endless(), headers={"Content-Type": "application/json"})
    assert answer.status == 413


async def test_a_wrong_method_names_the_right_ones(client) -> None:  # type: ignore[no-untyped-def]
    answer = await client.delete("/echo")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


async def test_every_answer_carries_the_security_headers(client) -> None:  # type: ignore[no-untyped-def]
    for path in ("/health", "/nowhere", "/crash", "/docs", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "unsafe-eval" not in policy


async def test_cors_is_for_configured_origins_and_never_with_cookies(client) -> None:  # type: ignore[no-untyped-def]
    asked = {"Access-Control-Request-Method": "POST"}
    good = await client.options("/echo", headers={"Origin": ALLOWED_ORIGIN, **asked})
    evil = await client.options("/echo", headers={"Origin": "https://evil.example", **asked})
    assert good.status == evil.status == 204
    assert good.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
    assert "Idempotency-Key" in good.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in good.headers
    assert "Access-Control-Allow-Origin" not in evil.headers
    for answer in (good, evil, await client.get("/health")):
        assert "Origin" in answer.headers["Vary"]
    simple = await client.get("/crash", headers={"Origin": ALLOWED_ORIGIN})
    assert simple.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN


async def test_a_request_id_is_taken_over_if_it_is_harmless(client) -> None:  # type: ignore[no-untyped-def]
    kept = await client.get("/health", headers={"X-Request-Id": "abc-123"})
    made = await client.get("/health", headers={"X-Request-Id": "x" * 65})
    assert kept.headers["X-Request-Id"] == "abc-123"
    assert len(made.headers["X-Request-Id"]) == 16


async def test_the_access_line_names_the_route_and_no_query(gateway: Gateway) -> None:
    with capture_logs() as lines:
        await gateway.client.get("/v1/assets/abc?code=planted-secret", headers=BEARER)
    line = next(line for line in lines if line["event"] == "request")
    assert line["route"] == "/v1/assets/{asset_id}"
    assert line["method"] == "GET"
    assert line["via"] == "key"
    assert "planted-secret" not in repr(lines)
    assert BEARER["Authorization"] not in repr(lines)


async def test_an_unknown_query_parameter_is_named(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/assets?limits=3")
    body = await answer.json()
    assert answer.status == 422
    assert body["errors"][0]["field"] == "limits"


def test_every_kind_of_problem_is_known_by_its_slug() -> None:
    for slug, kind in KINDS.items():
        assert slug == kind.slug
        assert 400 <= kind.status < 600
    with pytest.raises(KeyError):
        Problem("no-such-kind", "x")


async def test_a_body_that_is_not_encoded_as_it_says_is_the_client_s_fault(gateway: Gateway) -> None:
    headers = {**BEARER, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    for path in ("/v1/session", "/v1/assets?title=x"):
        answer = await gateway.client.post(path, data=b"no gzip", headers=headers)
        assert answer.status == 400
        assert (await answer.json())["type"].endswith("malformed-request")
    assert gateway.world.published == []  # it shows before an asset is made
