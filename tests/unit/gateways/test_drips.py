"""Bodies that drip, or are made to hurt, at every route of every service: refused before its handler runs.

Routes are those of `gateways.services`, with short deadlines and open to everybody; a new one is tested by
being there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient

from gateways.core.adaptive import Priority
from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Route
from gateways.services import SERVICES, routes_of
from tests.unit.gateways.conftest import BEARER, NODE_MODULES, Gateway, Serve

DEADLINE_S = 0.3
PATIENCE_S = 60
DRIP_S = 0.02


def taking_bodies() -> Iterator[tuple[str, str]]:
    """(service, route) of all that take a document; each once, however many services have it."""
    for name, service in SERVICES.items():
        for route in routes_of(service):
            if route.body is not None:
                yield name, route.name


TAKING = list(taking_bodies())
READ_BY_THE_GATE = [
    (name, wanted)
    for name, wanted in TAKING
    if not any(route.raw for route in routes_of(SERVICES[name]) if route.name == wanted)
]


@pytest.fixture
async def client(request: pytest.FixtureRequest, core: CoreDeps, serve: Serve) -> TestClient:
    """The app of one service with one route, whose handler must not be reached."""
    name, wanted = request.param

    async def unreached(_: web.Request) -> web.Response:
        raise AssertionError("the handler was called")

    [route] = [route for route in routes_of(SERVICES[name]) if route.name == wanted]
    bare = dataclasses.replace(
        route,
        handler=unreached,
        permission=PUBLIC,
        owned=False,
        timeout_s=DEADLINE_S,
        priority=Priority.ALWAYS,
    )
    deps = dataclasses.replace(core, modules_folder=str(NODE_MODULES))
    client = await serve(create_app(Service(name=name, routes=(bare,)), deps))
    client.route = bare  # type: ignore[attr-defined]
    return client


def url_of(client: TestClient) -> tuple[str, str]:
    route: Route = client.route  # type: ignore[attr-defined]
    path = re.sub(r"{(\w+)}", lambda found: "f" * (16 if found.group(1) == "key_id" else 32), route.template)
    return route.method, str(client.make_url(path))


async def drip(until: asyncio.Event) -> AsyncIterator[bytes]:
    """A document that never ends, byte by byte."""
    yield b'{"'
    while not until.is_set():
        yield b"x"
        try:
            await asyncio.wait_for(until.wait(), DRIP_S)
        except TimeoutError:
            continue


def test_services_take_bodies() -> None:
    assert {name for name, _ in TAKING} >= {"streaming", "identity"}


@pytest.mark.parametrize("client", TAKING, indirect=True, ids=lambda each: " ".join(each))
async def test_a_body_that_drips_is_given_up_and_others_are_served(client: TestClient) -> None:
    method, url = url_of(client)
    over = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), ClientSession() as http:
        slow = asyncio.create_task(
            http.request(method, url, data=drip(over), headers={"Content-Type": "application/json"})
        )
        assert (await client.get("/health")).status == 200
        async with await slow as answer:
            over.set()
            assert answer.status == 504
            assert (await answer.json())["type"] == "urn:kinolog:problem:deadline"


@pytest.mark.parametrize("client", READ_BY_THE_GATE, indirect=True, ids=lambda each: " ".join(each))
async def test_bodies_that_are_made_to_hurt_are_refused(client: TestClient) -> None:
    method, url = url_of(client)
    most = client.route.max_body_bytes  # type: ignore[attr-defined]

    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(most // 4096 + 2):
            yield b" " * 4096

    odd = '{"x": ' * 17 + "1" + "}" * 17
    for body, status in (
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (odd.encode(), 400), (b"[" * min(most, 20_000), 400),
        (b'{"x": NaN}', 400), (b'{"x": "\\ud800"}', 400), (b"null", 422), (b'{"__no_such_field__": 1}', 422),
        (b" " * (most + 1), 413), (in_chunks(), 413),
    ):  # fmt: skip
        kind = {"Content-Type": "application/json"}
        async with ClientSession() as http, http.request(method, url, data=body, headers=kind) as answer:
            assert answer.status == status, (body, await answer.text())
            assert answer.content_type == "application/problem+json"
    async with ClientSession() as http, http.request(method, url, data=b"{}") as answer:
        assert answer.status == 415


@pytest.mark.parametrize("form", [False, True])
async def test_an_upload_that_drips_is_given_up(gateway: Gateway, form: bool) -> None:
    """Each byte comes in time, but all of them would take for ever."""
    limits = dataclasses.replace(gateway.media.limits, idle_timeout_s=DEADLINE_S)
    object.__setattr__(gateway.media, "limits", limits)
    over = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        if form:
            yield b'--here\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        async for piece in drip(over):
            yield piece

    kind = "multipart/form-data; boundary=here" if form else "application/octet-stream"
    async with asyncio.timeout(PATIENCE_S):
        answer = await gateway.client.post(
            "/v1/assets?title=x", data=body(), headers={**BEARER, "Content-Type": kind}
        )
        over.set()
        assert answer.status == 408, await answer.text()
