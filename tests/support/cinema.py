"""A cinema's office: policies, who may watch a film, rights and switches, by the drm service's HTTP API."""

from __future__ import annotations

import secrets
import time
from typing import Any

import aiohttp

from deploy.local.launcher import Stack

DAY_MS = 86_400_000


class Office:
    """Works with the administrator's key; each call returns once the service shows what it did."""

    def __init__(self, stack: Stack) -> None:
        headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
        self._http = aiohttp.ClientSession(stack.url("drm"), headers=headers)

    async def policy(self, **rules: Any) -> str:
        """Id of a new policy."""
        policy_id = f"p-{secrets.token_hex(6)}"
        await self._ask("PUT", f"/v1/policies/{policy_id}", {"replaces": 0, "rules": rules})
        return policy_id

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
