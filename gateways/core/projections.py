"""Reads projections out of Redis: documents, lists over all partitions, outcomes, and one's own writes.

A request pins a projection's version once (`pin`) and reads that version to its end, so that a pointer that
moves meanwhile never mixes two. Nothing here writes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from redis.exceptions import TimeoutError as RedisTimeout

from gateways.core.deps import Position, RedisReader
from gateways.core.push import Hub
from schemas.keys import partition_of, pointer_key, tag

FENCE_FIELD: Final = "fence"
RECHECK_S: Final = 0.25
"""How often a wait looks for itself, should a notification be lost (a cluster moving slots)."""
READ_S: Final = 5.0
"""For one read, retries of the client included: a frozen store takes connections and never answers."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Projection:
    """A projection's name and the partitions of the one topic that it reads."""

    name: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of a list ended: the last item's score and key."""

    score: float
    key: str


class ProjectionReader:
    """Makes pinned views. One a process; the Redis client may be a single node's or a cluster's."""

    def __init__(self, redis: RedisReader, hub: Hub, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._hub = hub
        self._clock = clock

    async def pin(self, projection: Projection) -> View:
        """A view of the version that is current now."""
        return self._view(projection, await in_time(self._redis.get(pointer_key(projection.name))))

    async def pin_all(self, *projections: Projection) -> list[View]:
        """Views of several in one round trip per Redis node."""
        pipeline = self._redis.pipeline(transaction=False)
        for projection in projections:
            pipeline.get(pointer_key(projection.name))
        found = await in_time(pipeline.execute())
        return [self._view(projection, raw) for projection, raw in zip(projections, found, strict=True)]

    def _view(self, projection: Projection, pointer: bytes | None) -> View:
        return View(self._redis, self._hub, self._clock, projection, _version(pointer))

    async def get_all(self, *wanted: tuple[View, str]) -> list[dict[str, Any] | None]:
        """Documents of several views, each with its key; None for none. One round trip per Redis node."""
        return await _documents(self._redis, wanted)

    async def version(self, name: str) -> int:
        """The version of a projection, or of a ClickHouse table, that is current now."""
        return _version(await in_time(self._redis.get(pointer_key(name))))


@dataclass(frozen=True, slots=True)
class View:
    """One version of one projection."""

    _redis: RedisReader
    _hub: Hub
    _clock: Callable[[], float]
    projection: Projection
    version: int

    def tag_of(self, key: str) -> str:
        """Hash tag of the partition that holds `key`; also the channel of its notifications."""
        return self.tag(partition_of(key, self.projection.partitions))

    def tag(self, partition: int) -> str:
        """Hash tag of one partition."""
        return tag(self.projection.name, self.version, partition)

    async def get(self, key: str) -> dict[str, Any] | None:
        """The document of `key`, or None."""
        raw = await in_time(self._redis.hget(f"{self.tag_of(key)}:state", key))
        return None if raw is None else orjson.loads(raw)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        """Documents in the order of `keys`, None where there is none. One round trip per Redis node."""
        return await _documents(self._redis, [(self, key) for key in keys]) if keys else []

    async def documents(self) -> dict[str, dict[str, Any]]:
        """All documents by key, of a projection that has few."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in range(self.projection.partitions):
            pipeline.hgetall(f"{self.tag(partition)}:state")
        return {
            key.decode() if isinstance(key, bytes) else key: orjson.loads(raw)
            for part in await in_time(pipeline.execute())
            for key, raw in part.items()
        }

    async def newest(self, suffix: str, limit: int, after: Cursor | None = None) -> list[Cursor]:
        """Members of the sorted sets `{tag}:<suffix>` of all partitions: highest score first, up to `limit`.

        Ties are ordered by key, descending, so that a page never repeats or misses one.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for partition in range(self.projection.partitions):
            where = f"{self.tag(partition)}:{suffix}"
            if after is None:
                below = "+inf"
            else:
                below = f"({after.score!r}"
                # All that share the cursor's score, since a limit could end among those already given.
                pipeline.zrevrangebyscore(where, after.score, after.score, withscores=True)
            pipeline.zrevrangebyscore(where, below, "-inf", start=0, num=limit, withscores=True)
        found = [
            Cursor(float(score), member.decode() if isinstance(member, bytes) else member)
            for part in await in_time(pipeline.execute())
            for member, score in part
        ]
        if after is not None:
            found = [item for item in found if (item.score, item.key) < (after.score, after.key)]
        found.sort(key=lambda item: (item.score, item.key), reverse=True)
        return found[:limit]

    async def fence(self, partition: int) -> int:
        """Offset of the last event applied of that input partition; -1 before the first."""
        raw = await in_time(self._redis.hget(f"{self.tag(partition)}:meta", FENCE_FIELD))
        return -1 if raw is None else int(raw)

    async def at_least(self, position: Position, timeout_s: float) -> bool:
        """Wait until the projection has applied `position` of its input topic; False after `timeout_s`."""

        async def applied() -> bool | None:
            return True if await self.fence(position.partition) >= position.offset else None

        return bool(await self._wait(self.tag(position.partition), applied, timeout_s))

    async def await_outcome(
        self, key: str, request_id: str, timeout_s: float, finals: Collection[str] = ()
    ) -> dict[str, Any] | None:
        """What became of the request `request_id` on aggregate `key`; None if not known in time.

        A request may lead to several events, which need not come into the projection together: with `finals`
        only an outcome of one of these types counts.
        """
        where = self.tag_of(key)

        async def outcome() -> dict[str, Any] | None:
            raw = await in_time(self._redis.get(f"{where}:outcome:{request_id}:{key}"))
            found = None if raw is None else _outcome(raw)
            return found if found is None or not finals or found.get("type") in finals else None

        found: dict[str, Any] | None = await self._wait(where, outcome, timeout_s)
        return found

    async def outcomes(self, requests: Sequence[tuple[str, str]]) -> list[dict[str, Any] | None]:
        """What is known now of requests, each (key, request id). One round trip per Redis node."""
        pipeline = self._redis.pipeline(transaction=False)
        for key, request_id in requests:
            pipeline.get(f"{self.tag_of(key)}:outcome:{request_id}:{key}")
        return [None if raw is None else _outcome(raw) for raw in await in_time(pipeline.execute())]

    async def await_document(
        self, key: str, wanted: Callable[[dict[str, Any]], bool], timeout_s: float
    ) -> dict[str, Any] | None:
        """The document of `key` as soon as it is as `wanted`; None if it is not in time."""

        async def look() -> dict[str, Any] | None:
            document = await self.get(key)
            return document if document is not None and wanted(document) else None

        found: dict[str, Any] | None = await self._wait(self.tag_of(key), look, timeout_s)
        return found

    async def _wait(self, channel: str, look: Callable[[], Any], timeout_s: float) -> Any:
        """Subscribe, then look: what lands between the two is seen by the look, what lands after is told."""
        deadline = self._clock() + timeout_s
        async with self._hub.watch([channel]) as subscription:
            while True:
                found = await look()
                if found is not None:
                    return found
                left = deadline - self._clock()
                if left <= 0:
                    return None
                await subscription.changed(min(left, RECHECK_S))


async def _documents(redis: RedisReader, wanted: Sequence[tuple[View, str]]) -> list[dict[str, Any] | None]:
    pipeline = redis.pipeline(transaction=False)
    for view, key in wanted:
        pipeline.hget(f"{view.tag_of(key)}:state", key)
    return [None if raw is None else orjson.loads(raw) for raw in await in_time(pipeline.execute())]


def _version(pointer: bytes | None) -> int:
    return 1 if pointer is None else int(pointer)


async def in_time(reading: Awaitable[Answer]) -> Answer:
    """What was read; the client's own TimeoutError after READ_S."""
    try:
        async with asyncio.timeout(READ_S) as limit:
            return await reading
    except TimeoutError:
        if not limit.expired():
            raise
        raise RedisTimeout(f"no answer within {READ_S:g} s") from None


def _outcome(raw: bytes | str) -> dict[str, Any]:
    document = orjson.loads(raw)
    return document if isinstance(document, dict) else {"value": document}
