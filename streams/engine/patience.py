"""Waiting out a Redis that is away: restarting, loading, failing over, or cut off."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.exceptions import (
    AskError,
    ClusterError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

log = structlog.get_logger("kinolog.engine.store")

T = TypeVar("T")
_AWAY: Final = (ConnectionError, TimeoutError, ClusterError, RedisClusterException, OSError)
# Where the AttributeError of a connection that closed under redis-py is raised.
_CLIENT_MODULES: Final = ("redis.", "asyncio.", "uvloop.")
# Replies of a server that will take the same command later. redis-py cuts the code off those it has a class
# for; the others begin with it, after a preface where they come from within a pipeline. MISCONF: its disk is
# full or its log cannot be written. NOREPLICAS: too few replicas. BUSY: a long script runs.
_AWAY_KINDS: Final = (OutOfMemoryError, ReadOnlyError, TryAgainError, AskError)
_AWAY_REPLIES: Final = re.compile(
    r"(.* caused error: )?(LOADING|Redis is loading|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|READONLY|MOVED|ASK|OOM|"
    r"MISCONF|NOREPLICAS|BUSY) ",
    re.DOTALL,
)
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
            if not isinstance(exc, _AWAY_KINDS) and not _AWAY_REPLIES.match(str(exc)):
                raise
            why = str(exc)
        except (AttributeError, RuntimeError) as exc:
            if not closed_under_us(exc):
                raise
            why = f"{type(exc).__name__}: {exc}"
        if waits % _SAID_EVERY == 0:
            log.warning("Redis is away, waiting", what=what, why=why, waits=waits)
        waits += 1
        await asyncio.sleep(0.05 + random.random() * 0.1)


def closed_under_us(exc: BaseException) -> bool:
    """Whether this is how a connection that closes in mid-greeting shows, and not a bug of somebody's.

    redis-py reaches for a part of the connection that is None by then; uvloop refuses a closed transport.
    """
    if isinstance(exc, AttributeError):
        return exc.obj is None and _raised_in(exc).startswith(_CLIENT_MODULES)
    text = str(exc)
    return type(exc) is RuntimeError and ("handler is closed" in text or "Transport closed" in text)


def _raised_in(exc: BaseException) -> str:
    """Name of the module whose code raised."""
    frame = exc.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f"{frame.tb_frame.f_globals.get('__name__', '')}."
