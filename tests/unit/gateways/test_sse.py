"""Streams of events end with what their client stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.core import sse
from gateways.core.accounts import AccountCredentials
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.permissions import ASSETS_READ
from gateways.core.routes import Route
from gateways.core.sessions import Tokens
from gateways.core.sse import EVENT_STREAM, EventStream
from gateways.core.standing import Standing
from tests.unit.gateways.conftest import SECRET, Serve
from tests.unit.gateways.identities import ISSUER, SID, MemoryIdentities

PATIENCE_S = 60


class Stream:
    """One client of a stream that tells when its source was asked for news."""

    def __init__(self) -> None:
        self.identities = MemoryIdentities()
        self.identities.add("analyst")
        self.asked = asyncio.Semaphore(0)
        self.answer: Any = None

    async def serve_events(self, request: web.Request) -> web.StreamResponse:
        async with EventStream(request) as stream:
            while stream.open:
                await stream.pause(self._none)
        return stream.response

    async def _none(self, timeout_s: float) -> None:
        self.asked.release()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), timeout_s)

    async def ends(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.answer.read()


@pytest.fixture
async def stream(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Stream:
    monkeypatch.setattr(sse, "CHECK_S", 0.01)
    monkeypatch.setattr(sse, "UNKNOWN_S", 0.05)
    stream = Stream()
    accounts = AccountCredentials(Standing(stream.identities, fresh_s=0), ISSUER)
    guard = Guard(admin_key_sha256="", tokens=Tokens(SECRET), accounts=accounts)
    route = Route(
        method="GET", path="/events", handler=stream.serve_events, permission=ASSETS_READ, summary="Events",
        response_type=EVENT_STREAM, timeout_s=None,
    )  # fmt: skip
    client = await serve(create_app(Service(name="chat", routes=(route,)), CoreDeps(guard=guard)))
    bearer = {"Authorization": f"Bearer {stream.identities.token()}"}
    stream.answer = await client.get("/events", headers=bearer)
    assert stream.answer.status == 200
    return stream


def sign_out(identities: MemoryIdentities) -> None:
    for account in identities.accounts.values():
        del account["sessions"][SID]


def take_the_role(identities: MemoryIdentities) -> None:
    identities.add("viewer")


def go_away(identities: MemoryIdentities) -> None:
    identities.away = RedisConnectionError("refused")


@pytest.mark.parametrize("change", [sign_out, take_the_role, go_away])
async def test_it_ends_with_what_its_client_stands_on(
    stream: Stream, change: Callable[[MemoryIdentities], None]
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(5):  # nothing has changed: it goes on
            await stream.asked.acquire()
    change(stream.identities)
    await stream.ends()
