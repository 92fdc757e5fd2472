"""A protected film on the real stack: from the upload to the keys of its licence, and to the stop."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local.launcher import Stack
from gateways.drm.playback_tokens import TOKEN_S, TYPE, Playback, PlaybackTokens
from gateways.drm.requesting import HEADER
from schemas.drm import pssh
from streams.core.content_keys import ContentKeys
from streams.core.vault import Vault, open_vault
from tests.media_fixtures.numbered import make_clip
from tests.support.challenges import widevine_request
from tests.support.clearkey import challenge_of
from tests.support.planting import BOOK

PATIENCE_S = 240  # of a busy machine; a test ends as soon as what it waits for is there


async def protected(
    stack: Stack, http: aiohttp.ClientSession, clip: bytes
) -> tuple[str, dict[str, str], set[str]]:
    """Id of a protected film, its KIDs by label, and the command lines of all that ran until it was ready."""
    headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    url, query = f"{stack.url('streaming')}/v1/assets", {"title": "Protected", "protection": "cenc"}
    query["systems"] = "clearkey,widevine,playready"
    async with http.post(url, params=query, data=clip, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        asset_id = str((await answer.json())["id"])
    seen: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with http.get(f"{url}/{asset_id}", headers=headers) as answer:
                film = await answer.json() if answer.status == 200 else {"state": ""}
            seen |= await asyncio.to_thread(commands)
            if film["state"] == "ready":
                return asset_id, film["protection"]["keys"], seen
            await asyncio.sleep(0.05)


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@asynccontextmanager
async def vault_of(stack: Stack) -> AsyncIterator[Vault]:
    opened = open_vault(stack.settings)
    try:
        yield opened
    finally:
        await opened.aclose()


async def spoilt(stack: Stack, token: str, headers: dict[str, str]) -> list[str]:
    """Tokens that open nothing: of before, with the service's own key; of another issuer; for another use."""
    claims = jwt.decode(token, options={"verify_signature": False})
    said = Playback(claims["sub"], claims["asset"], claims["device"], claims["stream"], claims["privileged"])
    async with vault_of(stack) as vault:
        expired, _ = await PlaybackTokens(vault, lambda: time.time() - 2 * TOKEN_S).issue(said)
        pair = await PlaybackTokens(vault)._pair()
    made = [
        {**claims, "iss": "kinolog-identity"},
        {**claims, "aud": "playback"},
        {**claims, "asset": "film-2"},
    ]
    others = [jwt.encode(each, pair, algorithm="ES256", headers={"typ": TYPE}) for each in made[:2]]
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(made[2], stranger, algorithm="ES256", headers={"typ": TYPE})
    return [expired, *others, forged, headers["Authorization"].removeprefix("Bearer ")]


def commands() -> set[str]:
    """Command lines of all processes of this machine."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


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

        asset_id, kids, seen = await protected(stack, http, clip)
        device_id = secrets.token_hex(8)
        wanted = {"asset_id": asset_id, "device_id": device_id}
        token = await ask("POST", "/v1/tokens", 201, json=wanted, headers=headers)
        challenge = challenge_of(kids.values())
        named = {HEADER: token["token"], "Content-Type": "application/json"}
        path = "/v1/licences/clearkey"
        for wrong in await spoilt(stack, token["token"], headers):
            refused = await ask("POST", path, 401, data=challenge, headers={**named, HEADER: wrong})
            assert refused["type"].endswith("bad-credential")
        licence = await ask("POST", path, 200, data=challenge, headers=named)
        given = {raw(key["kid"]).hex(): raw(key["k"]) for key in licence["keys"]}
        for key in licence["keys"]:
            BOOK.plant("a content key", key["k"])
            BOOK.plant("a content key", raw(key["k"]).hex())
        async with vault_of(stack) as vault:
            assert given == await ContentKeys(vault).get(asset_id, "cenc", 1, list(kids.values()))
        assert len(set(given.values())) == len(kids)
        secret_words = [key.hex() for key in given.values()]
        assert [
            command for command in seen | commands() if any(word in command for word in secret_words)
        ] == []
        assert await ask("POST", path, 200, data=challenge, headers=named) == licence
        other = challenge_of([next(iter(kids.values())), "ab" * 16])
        assert (await ask("POST", path, 403, data=other, headers=named))["code"] == "token_used"
        # Widevine's manifests are there; its licences need a provider's server, which no setting names.
        bare = {"Authorization": headers["Authorization"]}
        for folder, named in (("dash", pssh.WIDEVINE), ("dash-clearkey", pssh.CLEAR_KEY)):
            url = f"{stack.url('streaming')}/v1/assets/{asset_id}/{folder}/manifest.mpd"
            async with http.get(url, headers=bare) as answer:
                found = await answer.text()
            spoken = {system for system in (pssh.WIDEVINE, pssh.PLAYREADY, pssh.CLEAR_KEY) if system in found}
            assert (named in spoken, len(spoken)) == (True, 2 if folder == "dash" else 1)
        wish = {"data": widevine_request(kids.values()), "headers": {HEADER: token["token"]}}
        refused = await ask("POST", "/v1/licences/widevine", 503, **wish)
        assert (refused["code"], "WIDEVINE_LICENCES" in refused["detail"]) == ("not_configured", True)
        stream = {"stream_id": token["stream_id"], "device_id": device_id}
        await ask("POST", "/v1/beats", 200, json=stream)
        await ask("DELETE", f"/v1/streams/{token['stream_id']}?device_id={device_id}", 200)
        assert (await ask("POST", "/v1/beats", 409, json=stream))["code"] == "stream_ended"
