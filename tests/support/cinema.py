"""A cinema: a protected film, and its office, which works with policies, rights and switches by the drm
service's HTTP API."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from tests.media_fixtures.numbered import make_clip

DAY_MS = 86_400_000
PATIENCE_S = 300.0  # for a short film to be ready on a busy machine


@dataclass(frozen=True, slots=True)
class ProtectedFilm:
    """Anybody may see it; `kids` are the ids of its keys, hexadecimal."""

    asset_id: str
    kids: list[str]


async def protected_film(stack: Stack, folder: Path) -> ProtectedFilm:
    """A new one of a second, once it is ready."""
    clip = make_clip(folder / "clip.mp4", frame_count=24, width=320, height=180)
    key = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    film: dict[str, Any] = {"state": ""}
    async with aiohttp.ClientSession(stack.url("streaming"), headers=key) as http:
        wish = {"title": "protected", "visibility": "public", "protection": "cenc"}
        async with http.post("/v1/assets", params=wish, data=clip.path.read_bytes()) as answer:
            answer.raise_for_status()
            asset_id = (await answer.json())["id"]
        async with asyncio.timeout(PATIENCE_S):
            while film["state"] != "ready":
                await asyncio.sleep(0.2)
                async with http.get(f"/v1/assets/{asset_id}") as answer:
                    film = await answer.json() if answer.status == 200 else film
    return ProtectedFilm(asset_id, [*film["protection"]["keys"].values()])


class Office:
    """Works with the administrator's key; each call returns once the service shows what it did."""

    def __init__(self, stack: Stack) -> None:
        headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
        self._http = aiohttp.ClientSession(stack.url("drm"), headers=headers)

    async def policy(self, **rules: Any) -> str:
        """Id of a new policy."""
        policy_id = f"p-{secrets.token_hex(6)}"
        await self.change_policy(policy_id, 0, **rules)
        return policy_id

    async def change_policy(self, policy_id: str, version: int, **rules: Any) -> None:
        """In the place of this version; 0: it is a new one."""
        await self._ask("PUT", f"/v1/policies/{policy_id}", {"replaces": version, "rules": rules})

    async def film(
        self, asset_id: str, *, access: str = "free", policy: str = "default", stopped: bool = False
    ) -> None:
        await self._ask("PATCH", f"/v1/films/{asset_id}", {"access": access, "policy_id": policy})
        await self._ask("PUT", f"/v1/films/{asset_id}/stop", {"stopped": stopped, "reason": "a test"})

    async def rent(self, account_id: str, asset_id: str) -> None:
        """For a day."""
        right = {"kind": "rented", "until_ms": int(time.time() * 1000) + DAY_MS, "reference": "order 1"}
        await self._ask("PUT", f"/v1/accounts/{account_id}/rights/{asset_id}", right)

    async def switch(self, account_id: str, device_id: str = "", *, off: bool = True) -> None:
        where = f"/devices/{device_id}" if device_id else ""
        switch = {"stopped": off, "reason": "a test"}
        await self._ask("PUT", f"/v1/accounts/{account_id}{where}/stop", switch)

    async def streams(self, account_id: str) -> list[str]:
        """Ids of what plays on an account."""
        shown = await self._ask("GET", f"/v1/accounts/{account_id}")
        return [stream["stream_id"] for stream in shown["streams"]]

    async def end(self, account_id: str, stream_id: str) -> None:
        await self._ask("DELETE", f"/v1/accounts/{account_id}/streams/{stream_id}")

    async def close(self) -> None:
        await self._http.close()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._http.request(method, path, json=body) as answer:
            assert answer.status < 300, f"{method} {path}: {await answer.text()}"
            return await answer.json()
