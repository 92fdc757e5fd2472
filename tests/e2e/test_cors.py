"""What a page of another site may read of a service, as a real browser sees it through the gate."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser

from gateways.core.app import Service, create_app
from gateways.core.auth import COOKIE, Guard
from gateways.core.deps import CoreDeps, EdgeConfig
from gateways.core.endpoint import json_response
from gateways.core.permissions import ASSETS_READ, ASSETS_WRITE
from gateways.core.principal import Principal
from gateways.core.routes import Route
from gateways.core.sessions import Tokens
from tests.support.browser import new_context

KEY = "kino_of_the_cors_tests"
TOKENS = Tokens("a secret of the tests, thirty-two bytes at least")
PERMITTED = frozenset({ASSETS_READ, ASSETS_WRITE})
_ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return {status: answer.status, type: answer.type, text: await answer.text(),
            id: answer.headers.get("X-Request-Id")};
  } catch (error) {
    return {refused: error.name};
  }
}"""
REFUSED = {"refused": "TypeError"}


@dataclass
class Sites:
    """A service, a page of the origin that it allows and one of an origin that it does not know."""

    browser: Browser
    service: str = ""
    friend: str = ""
    stranger: str = ""
    cookie: str = TOKENS.issue_session(Principal("administrator", PERMITTED, "session"))
    changed: list[str] = field(default_factory=list)

    async def ask(self, origin: str, path: str, **options: Any) -> dict[str, Any]:
        """What a page of `origin` gets from fetch."""
        context = await new_context(self.browser)
        try:
            # The person at this browser is signed in with the service, as its own pages would have it.
            cookie = {"name": COOKIE, "value": self.cookie, "url": self.service, "sameSite": "Lax"}
            await context.add_cookies([cookie])  # type: ignore[list-item]
            page = await context.new_page()
            await page.goto(origin)
            return dict(await page.evaluate(_ASK, [self.service + path, options]))
        finally:
            await context.close()


@asynccontextmanager
async def running(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def a_page() -> web.Application:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>elsewhere</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    return app


def a_service(allowed: str, changed: list[str]) -> web.Application:
    async def read(_: web.Request) -> web.Response:
        return json_response({"secret": "for friends"})

    async def change(request: web.Request) -> web.Response:
        changed.append(request.headers.get("Origin", ""))
        return json_response({"changed": True})

    given = {"path": "/v1/things", "summary": "things"}
    routes = (
        Route(method="GET", handler=read, permission=ASSETS_READ, **given),  # type: ignore[arg-type]
        Route(method="PATCH", handler=change, permission=ASSETS_WRITE, **given),  # type: ignore[arg-type]
        Route(method="POST", handler=change, permission=ASSETS_WRITE, **given),  # type: ignore[arg-type]
    )
    origins = frozenset({allowed})
    guard = Guard(
        admin_key_sha256=hashlib.sha256(KEY.encode()).hexdigest(),
        tokens=TOKENS,
    )
    config = EdgeConfig(cors_origins=origins, heartbeat_s=0.2, ready_cache_s=0)
    deps = CoreDeps(guard=guard, config=config, probes={}, modules_folder="")
    return create_app(Service(name="streaming", routes=routes), deps)


@pytest_asyncio.fixture(loop_scope="session")
async def sites(browser: Browser) -> AsyncIterator[Sites]:
    found = Sites(browser)
    async with AsyncExitStack() as stack:
        found.friend = await stack.enter_async_context(running(a_page()))
        found.stranger = await stack.enter_async_context(running(a_page()))
        service = a_service(found.friend, found.changed)
        found.service = await stack.enter_async_context(running(service))
        yield found


def bearer(**more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}", **more}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.browser
async def test_a_page_of_an_allowed_origin_reads_and_changes_with_a_credential_of_its_own(
    sites: Sites,
) -> None:
    read = await sites.ask(sites.friend, "/v1/things", headers=bearer())
    assert read["status"] == 200
    assert "for friends" in read["text"]
    assert read["id"]  # exposed
    json_type = bearer(**{"Content-Type": "application/json", "Idempotency-Key": "one"})
    changed = await sites.ask(sites.friend, "/v1/things", method="PATCH", headers=json_type, body="{}")
    assert changed["status"] == 200
    assert sites.changed == [sites.friend]
    refused = await sites.ask(sites.friend, "/v1/things", headers=bearer() | {"Authorization": "Bearer no"})
    assert refused["status"] == 401  # problems can be read as well
    assert await sites.ask(sites.friend, "/v1/things", headers=bearer(**{"X-Unknown": "x"})) == REFUSED


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.browser
async def test_no_page_of_another_origin_reads_or_changes_with_the_browser_s_cookie(sites: Sites) -> None:
    for origin in (sites.friend, sites.stranger):
        for options in ({}, {"headers": {"Idempotency-Key": "one"}}, {"method": "PATCH", "body": "{}"}):
            answer = await sites.ask(origin, "/v1/things", credentials="include", **options)
            assert answer == REFUSED, (origin, options)
    form = {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "{}"}
    assert (await sites.ask(sites.stranger, "/v1/things", **form))["type"] == "opaque"
    assert sites.changed == []
    headers = {"Origin": sites.service, "Cookie": f"{COOKIE}={sites.cookie}"}
    async with aiohttp.ClientSession(sites.service) as http, http.post("/v1/things", headers=headers) as own:
        assert own.status == 200  # the cookie works, for pages of the service's own
    assert sites.changed == [sites.service]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.browser
async def test_a_page_of_an_unknown_origin_reads_nothing(sites: Sites) -> None:
    for options in ({}, {"headers": bearer()}, {"method": "PATCH", "headers": bearer(), "body": "{}"}):
        for path in ("/v1/things", "/health", "/nowhere"):
            assert await sites.ask(sites.stranger, path, **options) == REFUSED, (path, options)
    opaque = await sites.ask(sites.stranger, "/v1/things", mode="no-cors")
    assert (opaque["type"], opaque["text"]) == ("opaque", "")
    assert sites.changed == []


@pytest.mark.asyncio(loop_scope="session")
async def test_every_answer_varies_by_origin_and_none_allows_cookies(sites: Sites) -> None:
    preflight = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    async with aiohttp.ClientSession(sites.service) as http:
        for origin in (None, sites.friend, sites.stranger, "null"):
            headers = {"Origin": origin} if origin else {}
            for method, path in (
                ("GET", "/v1/things"), ("OPTIONS", "/v1/things"), ("DELETE", "/v1/things"),
                ("GET", "/health"), ("GET", "/nowhere"),
            ):  # fmt: skip
                asked = preflight if method == "OPTIONS" else {}
                async with http.request(method, path, headers={**headers, **asked}) as answer:
                    assert "Origin" in answer.headers["Vary"], (method, path, origin)
                    assert "Access-Control-Allow-Credentials" not in answer.headers
                    allowed = answer.headers.get("Access-Control-Allow-Origin")
                    assert allowed == (origin if origin == sites.friend else None)
