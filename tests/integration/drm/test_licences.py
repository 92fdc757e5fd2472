"""A protected film on the real stack: from the upload to the keys of its licence, and to the stop."""

from __future__ import annotations

import asyncio
import base64
import secrets
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from gateways.drm.requesting import HEADER
from tests.media_fixtures.numbered import make_clip
from tests.support.clearkey import challenge_of
from tests.support.planting import BOOK

PATIENCE_S = 240  # of a busy machine; a test ends as soon as what it waits for is there


async def protected(stack: Stack, http: aiohttp.ClientSession, clip: bytes) -> tuple[str, dict[str, str]]:
    """Id of a protected film, and its KIDs by label, which are known once it is planned."""
    headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    url, query = f"{stack.url('streaming')}/v1/assets", {"title": "Protected", "protection": "cenc"}
    async with http.post(url, params=query, data=clip, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        asset_id = str((await answer.json())["id"])
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with http.get(f"{url}/{asset_id}", headers=headers) as answer:
                shown = (await answer.json()).get("protection") if answer.status == 200 else None
            if shown and shown["keys"]:
                return asset_id, shown["keys"]
            await asyncio.sleep(0.2)


async def test_a_player_gets_a_films_keys_beats_and_stops(platform_stack: Stack, tmp_path: Path) -> None:
    stack = platform_stack
    made = make_clip(tmp_path / "clip.mp4", frame_count=48, width=320, height=180)
    clip = await asyncio.to_thread(made.path.read_bytes)
    headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    async with aiohttp.ClientSession() as http:

        async def ask(method: str, path: str, status: int, **more: Any) -> Any:
            async with http.request(method, f"{stack.url('drm')}{path}", **more) as answer:
                assert answer.status == status, f"{method} {path}: {await answer.text()}"
                return await answer.json()

        asset_id, kids = await protected(stack, http, clip)
        device_id = secrets.token_hex(8)
        wanted = {"asset_id": asset_id, "device_id": device_id}
        token = await ask("POST", "/v1/tokens", 201, json=wanted, headers=headers)
        challenge = challenge_of(kids.values())
        named = {HEADER: token["token"], "Content-Type": "application/json"}
        path = "/v1/licences/clearkey"
        licence = await ask("POST", path, 200, data=challenge, headers=named)
        assert len({key["k"] for key in licence["keys"]}) == len(kids)
        for key in licence["keys"]:
            BOOK.plant("a content key", key["k"])
            BOOK.plant("a content key", base64.urlsafe_b64decode(key["k"] + "==").hex())
        assert await ask("POST", path, 200, data=challenge, headers=named) == licence
        other = challenge_of([next(iter(kids.values())), "ab" * 16])
        assert (await ask("POST", path, 403, data=other, headers=named))["code"] == "token_used"
        stream = {"stream_id": token["stream_id"], "device_id": device_id}
        await ask("POST", "/v1/beats", 200, json=stream)
        await ask("DELETE", f"/v1/streams/{token['stream_id']}?device_id={device_id}", 200)
        assert (await ask("POST", "/v1/beats", 409, json=stream))["code"] == "stream_ended"
