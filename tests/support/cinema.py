"""A cinema's office on the real log: policies, who may watch a film, rights and switches."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import orjson

from deploy.local.launcher import Stack
from schemas.catalog import load_topology
from schemas.drm.views import ACCOUNTS, FILM_REQUESTS, FILMS, POLICIES, POLICY_REQUESTS, REQUESTS
from schemas.keys import tag
from streams.core.clients import redis_client
from streams.core.producer import EventProducer

PATIENCE_S = 120.0


class Office:
    """Says what is to be, and returns once the projections show it."""

    def __init__(self, stack: Stack) -> None:
        self._producer = EventProducer(stack.settings, "test")
        self._redis, self._topology = redis_client(stack.settings), load_topology()

    async def policy(self, **rules: Any) -> str:
        """Id of a new policy."""
        policy_id = f"p-{secrets.token_hex(6)}"
        data = {"policy_id": policy_id, "rules": orjson.dumps(rules).decode(), "replaces": 0}
        await self._say(POLICY_REQUESTS, POLICIES, policy_id, "PolicyChangeRequested", data)
        return policy_id

    async def film(
        self, asset_id: str, *, access: str = "free", policy: str = "", stopped: bool = False
    ) -> None:
        data = {"asset_id": asset_id, "access": access, "policy_id": policy, "stopped": stopped}
        await self._say(FILM_REQUESTS, FILMS, asset_id, "AccessChangeRequested", data)

    async def right(self, account_id: str, asset_id: str, kind: str) -> None:
        data = {"account_id": account_id, "asset_id": asset_id, "kind": kind}
        more = {"until_ms": None, "reference": "order 1"}
        await self._say(REQUESTS, ACCOUNTS, account_id, "RightChangeRequested", {**data, **more})

    async def switch(self, account_id: str, device_id: str = "", *, off: bool = True) -> None:
        data = {"account_id": account_id, "device_id": device_id, "stopped": off}
        await self._say(REQUESTS, ACCOUNTS, account_id, "StopRequested", data)

    async def streams(self, account_id: str) -> dict[str, Any]:
        """What plays on an account."""
        where = tag(ACCOUNTS, 1, self._topology.topic(REQUESTS).partition_of(account_id))
        raw = await self._redis.hget(f"{where}:state", account_id)
        return dict(orjson.loads(raw)["streams"]) if raw else {}

    async def close(self) -> None:
        await self._redis.aclose()
        await self._producer.close()

    async def _say(self, topic: str, projection: str, key: str, name: str, data: dict[str, Any]) -> None:
        request_id = secrets.token_hex(16)
        told = {**data, "actor": "administrator"}
        await self._producer.publish(topic, key, f"kinolog.drm.{name}", told, ce_id=request_id)
        where = tag(projection, 1, self._topology.topic(topic).partition_of(key))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                raw = await self._redis.get(f"{where}:outcome:{request_id}:{key}")
                if raw is not None:
                    break
                await asyncio.sleep(0.05)
        assert "Refused" not in orjson.loads(raw)["type"], raw
