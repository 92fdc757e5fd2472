"""An HTTP client of the shared platform's streaming service, and a small clip to give it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from deploy.local.launcher import Stack
from tests.media_fixtures.numbered import make_clip

PATIENCE_S = 180  # of a busy machine; a test ends as soon as what it waits for is there


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds: a ramp and one short chunk."""
    path: Path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(path, frame_count=72, fps=Fraction(24), width=640, height=360)
    return path.read_bytes()


@dataclass
class Api:
    """The streaming service as a program with the administrator's key sees it."""

    http: aiohttp.ClientSession
    stack: Stack

    async def upload(self, data: Any, title: str = "clip", key: str | None = None) -> dict[str, Any]:
        """Upload a raw body; the accepted answer."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        async with self.http.post(
            "/v1/assets", params={"title": title}, data=data, headers=headers
        ) as answer:
            assert answer.status == 202, await answer.text()
            return await answer.json()  # type: ignore[no-any-return]

    async def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The JSON document at `path`."""
        async with self.http.get(path, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def state(self, asset_id: str, *wanted: str) -> dict[str, Any]:
        """Follow the asset's events until it is in one of the states `wanted`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:  # like a browser, it comes back to a stream that ends
                async for name, data in self.events(f"/v1/assets/{asset_id}/events"):
                    if name == "asset" and data["state"] in wanted:
                        return data  # type: ignore[no-any-return]

    async def events(self, path: str, **headers: str) -> AsyncIterator[tuple[str, Any]]:
        """Server-sent events as (name, data); none where there is no such stream yet."""
        async with self.http.get(path, headers=headers) as answer:
            if answer.status == 410:
                yield "asset", {"state": "deleted"}
                return
            if answer.status == 404:
                await asyncio.sleep(0.2)
                return
            assert answer.status == 200, await answer.text()
            name = ""
            async for raw in answer.content:
                field, _, value = raw.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, orjson.loads(value)


@pytest.fixture
async def api(platform_stack: Stack) -> AsyncIterator[Api]:
    async with api_of(platform_stack) as found:
        yield found


@asynccontextmanager
async def api_of(stack: Stack) -> AsyncIterator[Api]:
    """The administrator's API of a stack."""
    headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_S)
    async with aiohttp.ClientSession(
        stack.url("streaming"), headers=headers, timeout=timeout, read_bufsize=2**20
    ) as http:
        yield Api(http, stack)
