"""Waiting out a Redis that is away: restarting, loading, failing over, or cut off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.exceptions import (
    ClusterError,
    ConnectionError,
    RedisClusterException,
    ResponseError,
    TimeoutError,
)

log = structlog.get_logger("kinolog.engine.store")

T = TypeVar("T")
# A connection that closes while redis-py greets it ends in its AttributeError or uvloop's RuntimeError.
_AWAY: Final = (
    ConnectionError, TimeoutError, ClusterError, RedisClusterException, OSError, AttributeError, RuntimeError,
)  # fmt: skip
_AWAY_REPLIES: Final = (
    "LOADING", "Redis is loading", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY", "MOVED", "ASK",
)  # fmt: skip
_SAID_EVERY: Final = 50  # waits


async def patiently(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """`call()`'s result, however long the server is away; `what` names the caller in the log.

    A call whose answer was lost is made again: callers are compare-and-sets or do not mind. Every other
    error is raised.
    """
    waits = 0
    while True:
        try:
            return await call()
        except _AWAY as exc:
            why = f"{type(exc).__name__}: {exc}"
        except ResponseError as exc:
            if not str(exc).startswith(_AWAY_REPLIES):
                raise
            why = str(exc)
        if waits % _SAID_EVERY == 0:
            log.warning("Redis is away, waiting", what=what, why=why, waits=waits)
        waits += 1
        await asyncio.sleep(0.05 + random.random() * 0.1)
