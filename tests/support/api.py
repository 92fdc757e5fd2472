"""The platform's HTTP API as a client of it: uploads, waiting by server-sent events, bytes of a film."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp

from deploy.local.launcher import Stack

PATIENCE_S = 300.0  # for a film to end in some state, on a machine that does much else
RECONNECT_S = 0.2


class Refused(AssertionError):
    """An answer that is no success; `status` and `problem` are as the API gave them."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


@dataclass
class Api:
    """One signed-in client. Make it with `connected`."""

    base: str
    key: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> bytes:
        """The body of an answer; Refused for anything but 200."""
        async with self.session.get(urljoin(self.base, path)) as answer:
            await _succeeded(answer)
            return await answer.read()

    async def asset(self, asset_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.get(f"/v1/assets/{asset_id}"))
        return found

    async def upload(self, content: bytes, title: str, file_name: str = "film.mp4", **fields: str) -> str:
        """Upload as a form, like a browser; gives the asset's id."""
        form = aiohttp.FormData({"title": title, **fields})
        form.add_field("file", BytesIO(content), filename=file_name, content_type="application/octet-stream")
        async with self.session.post(urljoin(self.base, "/v1/assets"), data=form) as answer:
            await _succeeded(answer)
            return str((await answer.json())["id"])

    async def upload_file(self, path: Path, **fields: str) -> str:
        return await self.upload(await asyncio.to_thread(path.read_bytes), path.stem, path.name, **fields)

    async def until(self, asset_id: str, *states: str) -> dict[str, Any]:
        """The asset as its event stream first shows it in one of the states; it must not fail before."""
        seen: dict[str, Any] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for asset in self._states(asset_id):
                    seen = asset
                    if asset["state"] in states:
                        return asset
                    if asset["state"] == "failed":
                        break
        except TimeoutError:
            raise AssertionError(
                f"{asset_id} did not get to {states} in {PATIENCE_S:.0f} s: {seen}"
            ) from None
        raise AssertionError(f"{asset_id} ended before it was one of {states}: {seen}")

    async def _states(self, asset_id: str) -> AsyncIterator[dict[str, Any]]:
        """Like a browser, comes back to a stream that ends, and to one that is not there yet."""
        while True:
            try:
                async for asset in self._stream(asset_id):
                    yield asset
            except Refused as refused:
                if refused.status not in (404, 503):
                    raise
            await asyncio.sleep(RECONNECT_S)

    async def _stream(self, asset_id: str) -> AsyncIterator[dict[str, Any]]:
        url = urljoin(self.base, f"/v1/assets/{asset_id}/events")
        async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            await _succeeded(answer)
            event = ""
            async for raw in answer.content:
                field, _, value = raw.decode().rstrip("\n").partition(": ")
                if field == "event":
                    event = value
                elif field == "data" and event == "asset":
                    yield json.loads(value)

    async def rendition(self, asset_id: str, name: str) -> bytes:
        """All of one rendition joined: its init segment and every segment that its HLS playlist names."""
        playlist = f"/v1/assets/{asset_id}/hls/{name}.m3u8"
        lines = (await self.get(playlist)).decode().splitlines()
        inits = [line.split('URI="')[1].rstrip('"') for line in lines if line.startswith("#EXT-X-MAP:")]
        names = [*inits, *(line for line in lines if line and not line.startswith("#"))]
        return b"".join([await self.get(urljoin(playlist, each)) for each in names])


async def _succeeded(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 300:
        kind = answer.headers.get("Content-Type", "")
        raise Refused(answer.status, await answer.json(content_type=None) if "json" in kind else {})


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[Api]:
    """A client with the administrator's key of this stack."""
    key = stack.credentials["admin_api_key"]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        yield Api(stack.url("streaming"), key, session)
