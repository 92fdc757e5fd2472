"""The lock that keeps two uploads of one asset apart."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.media import upload
from gateways.media.context import Media


async def test_the_lock_of_an_upload_is_held_over_a_moment_without_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload, "LOCK_TTL_S", 0.0)
    answers: list[bool | Exception] = [RedisConnectionError("away"), False, True]
    told: list[str] = []
    held = asyncio.Event()

    class Locks:
        async def renew(self, name: str, token: str, ttl_s: float) -> bool:
            answer = answers.pop(0) if answers else True
            if not answers:
                held.set()
            if isinstance(answer, Exception):
                raise answer
            return answer

        async def acquire(self, name: str, token: str, ttl_s: float) -> bool:
            told.append(f"{name} {token}")
            return True

    keeper = asyncio.create_task(upload._keep(cast(Media, SimpleNamespace(locks=Locks())), "lock", "token"))
    await held.wait()
    assert told == ["lock token"]
    assert not keeper.done()
    keeper.cancel()
