"""Answers that many ask for at once are found once: in this process, and by Redis in all gateways together.

An answer's key is the question and a short stretch of time, so that nothing has to be taken back: what is
newer has another key. Redis away: each process finds its own. No text of a person may be in an answer that
is kept here.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from streams.core.logging import get_logger

_log = get_logger("gateway.analytics.sharing")
FRESH_S: Final = 2
"""Answers are this old at most, seconds (and as old as finding them takes)."""
MAKING_MS: Final = 10_000
LOOK_S: Final = 0.02
MOST_BYTES: Final = 2_000_000
REDIS_S: Final = 0.5
Find = Callable[[], Awaitable[dict[str, Any]]]


class Shared:
    """One a process. `clock` gives seconds since 1970; `redis` is redis.asyncio's client."""

    def __init__(self, redis: Any, clock: Callable[[], float] = time.time, fresh_s: int = FRESH_S) -> None:
        self._redis, self._clock, self._fresh_s = redis, clock, fresh_s
        self._running: dict[str, asyncio.Task[dict[str, Any]]] = {}

    def now_ms(self) -> int:
        """The begin of the stretch of time whose answers are alike, milliseconds since 1970."""
        return int(self._clock()) // self._fresh_s * self._fresh_s * 1000

    async def answer(self, question: Any, find: Find) -> dict[str, Any]:
        """What `find` gives, by whoever asks first; with `as_of_ms`, when that was. Raises what `find` does.

        `question` is JSON and holds everything that the answer depends on. Do not change the answer.
        """
        text = orjson.dumps([question, self.now_ms()], option=orjson.OPT_SORT_KEYS)
        key = f"analytics:answer:{hashlib.blake2b(text, digest_size=16).hexdigest()}"
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._among_gateways(key, find))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # Who gives up waiting must not take the answer from the others.
        return await asyncio.shield(task)

    async def _among_gateways(self, key: str, find: Find) -> dict[str, Any]:
        mine = False
        with suppress(RedisError, OSError, TimeoutError):
            kept, mine = await self._kept_or_mine(key)
            if kept is not None:
                return kept
        raw = b""
        try:
            found = {**await find(), "as_of_ms": int(self._clock() * 1000)}
            raw = orjson.dumps(found)
            return found
        finally:
            if mine:
                await self._let_go(key, raw)

    async def _let_go(self, key: str, raw: bytes) -> None:
        """Give the others the answer; or nothing, so that the next of them looks for it."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(REDIS_S):
                if 0 < len(raw) <= MOST_BYTES:
                    await self._redis.set(key, raw, ex=2 * self._fresh_s)
                await self._redis.delete(f"{key}:making")

    async def _kept_or_mine(self, key: str) -> tuple[dict[str, Any] | None, bool]:
        """The answer of another gateway; or None, and whether this one is to keep what it finds."""
        deadline_s = time.monotonic() + MAKING_MS / 1000
        while True:
            async with asyncio.timeout(REDIS_S):
                raw = await self._redis.get(key)
                if raw is not None:
                    return orjson.loads(raw), False
                if await self._redis.set(f"{key}:making", b"1", nx=True, px=MAKING_MS):
                    return None, True
            if time.monotonic() >= deadline_s:
                return None, False
            await asyncio.sleep(LOOK_S)
