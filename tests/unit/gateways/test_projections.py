"""Reading projections and being told of changes, against a real Redis."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import orjson
import pytest
from redis.asyncio import Redis

from gateways.core.locks import RedisLocks
from gateways.core.projections import Cursor, Projection, ProjectionReader, View
from gateways.core.push import Hub
from schemas.keys import partition_of, pointer_key, tag

NAMES = Projection("test.names", 4)


class At(NamedTuple):
    topic: str
    partition: int
    offset: int


@pytest.fixture
def reader(redis: Redis, hub: Hub) -> ProjectionReader:
    return ProjectionReader(redis, hub)


async def put(redis: Redis, key: str, version: int = 1, **document: object) -> str:
    where = tag(NAMES.name, version, partition_of(key, NAMES.partitions))
    await redis.hset(f"{where}:state", key, orjson.dumps(document))
    return where


async def told(redis: Redis, where: str, *keys: str) -> None:
    await redis.execute_command("SPUBLISH", where, orjson.dumps(keys))


async def test_a_view_keeps_its_version_when_the_pointer_moves(
    redis: Redis, reader: ProjectionReader
) -> None:
    await put(redis, "k", version=1, n=1)
    await put(redis, "k", version=2, n=2)
    first = await reader.pin(NAMES)
    await redis.set(pointer_key(NAMES.name), 2)
    assert await first.get("k") == {"n": 1}
    assert await (await reader.pin(NAMES)).get("k") == {"n": 2}


async def test_many_keys_come_in_order_with_holes(redis: Redis, reader: ProjectionReader) -> None:
    for key in "abc":
        await put(redis, key, name=key)
    view = await reader.pin(NAMES)
    assert await view.get_many(["c", "x", "a"]) == [{"name": "c"}, None, {"name": "a"}]
    assert await view.get_many([]) == []


async def test_lists_merge_all_partitions(redis: Redis, reader: ProjectionReader) -> None:
    view = await reader.pin(NAMES)
    for number in range(40):
        await redis.zadd(f"{view.tag_of(str(number))}:recent", {str(number): number // 2})
    seen: list[str] = []
    after: Cursor | None = None
    while page := await view.newest("recent", 7, after):
        seen += [item.key for item in page]
        after = page[-1]
    assert sorted(seen, key=int) == [str(n) for n in range(40)]
    assert [int(key) // 2 for key in seen] == sorted((n // 2 for n in range(40)), reverse=True)


@pytest.mark.parametrize("same_score", [9, 30])
async def test_many_of_one_score_are_paged_through(
    redis: Redis, reader: ProjectionReader, same_score: int
) -> None:
    view = await reader.pin(NAMES)
    for number in range(same_score):
        await redis.zadd(f"{view.tag(0)}:recent", {f"{number:03d}": 5})
    seen: list[str] = []
    after: Cursor | None = None
    while page := await view.newest("recent", 4, after):
        seen += [item.key for item in page]
        after = page[-1]
    assert seen == [f"{n:03d}" for n in reversed(range(same_score))]


async def test_a_write_of_ones_own_is_waited_for(redis: Redis, reader: ProjectionReader) -> None:
    view = await reader.pin(NAMES)
    assert await view.fence(1) == -1
    waiting = asyncio.create_task(view.at_least(At("t", 1, 7), 60.0))
    await redis.hset(f"{view.tag(1)}:meta", "fence", 6)
    await told(redis, view.tag(1), "k")
    assert not waiting.done()
    await redis.hset(f"{view.tag(1)}:meta", "fence", 7)
    await told(redis, view.tag(1), "k")
    assert await waiting is True
    assert await view.at_least(At("t", 1, 8), 0.01) is False


async def test_an_outcome_is_told_or_found(redis: Redis, reader: ProjectionReader) -> None:
    view = await reader.pin(NAMES)
    waiting = asyncio.create_task(view.await_outcome("k", "r1", 60.0))
    await redis.set(f"{view.tag_of('k')}:outcome:r1:k", orjson.dumps({"type": "T"}))
    assert await waiting == {"type": "T"}
    assert await view.await_outcome("k", "r1", 0.0) == {"type": "T"}
    assert await view.await_outcome("k", "r2", 0.01) is None


async def test_only_an_outcome_that_is_final_counts_where_finals_are_named(
    redis: Redis, reader: ProjectionReader
) -> None:
    view = await reader.pin(NAMES)
    name = f"{view.tag_of('k')}:outcome:r:k"
    await redis.set(name, orjson.dumps({"type": "First"}))
    assert await view.await_outcome("k", "r", 0.0, ("Last",)) is None
    waiting = asyncio.create_task(view.await_outcome("k", "r", 60.0, ("Last",)))
    await redis.set(name, orjson.dumps({"type": "Last"}))
    await told(redis, view.tag_of("k"), "k")
    assert await waiting == {"type": "Last"}


async def test_only_watched_keys_wake_a_watcher(redis: Redis, hub: Hub) -> None:
    async with hub.watch(["{n:1:0}"], ["mine"]) as watcher:
        await watcher.changed(5.0)  # the subscription itself counts as a change
        await told(redis, "{n:1:0}", "other")
        assert not await watcher.changed(0.05)
        await told(redis, "{n:1:0}", "other", "mine")
        assert await watcher.changed(60.0)
        await redis.execute_command("SPUBLISH", "{n:1:0}", b"not a list")
        assert await watcher.changed(60.0)


async def test_two_watchers_share_a_subscription_until_both_have_left(redis: Redis, hub: Hub) -> None:
    async with hub.watch(["{n:1:0}"]):
        async with hub.watch(["{n:1:0}", "{n:1:1}"]) as second:
            assert await redis.pubsub_shardnumsub("{n:1:0}") == [(b"{n:1:0}", 1)]
            await second.changed(5.0)
            await told(redis, "{n:1:1}", "k")
            assert await second.changed(5.0)
        assert hub.watched == {"{n:1:0}"}
    assert hub.watched == frozenset()


async def test_a_lost_connection_is_mended_and_counts_as_a_change(redis: Redis, hub: Hub) -> None:
    async with hub.watch(["{n:1:0}"], ["k"]) as watcher:
        await watcher.changed(5.0)
        await redis.execute_command("CLIENT", "KILL", "TYPE", "PUBSUB")
        assert await watcher.changed(60.0)  # something may have been missed: read again
        async with asyncio.timeout(60):
            while await redis.pubsub_shardnumsub("{n:1:0}") != [(b"{n:1:0}", 1)]:  # noqa: ASYNC110
                await asyncio.sleep(0)
        await watcher.changed(0.2)
        await told(redis, "{n:1:0}", "k")
        assert await watcher.changed(60.0)


async def test_locks_are_exclusive_expire_and_end_only_for_their_holder(redis: Redis) -> None:
    locks = RedisLocks(redis)
    assert await locks.acquire("edge:x", "one", 60)
    assert not await locks.acquire("edge:x", "two", 60)
    assert not await locks.renew("edge:x", "two", 60)
    await locks.release("edge:x", "two")
    assert await locks.renew("edge:x", "one", 0.001)
    async with asyncio.timeout(60):
        while not await locks.acquire("edge:x", "two", 60):  # noqa: ASYNC110  # expiry gives no event
            await asyncio.sleep(0)
    await locks.release("edge:x", "two")
    assert await redis.get("edge:x") is None


def test_a_view_names_the_partition_of_a_key() -> None:
    view = View(None, None, lambda: 0.0, NAMES, 3)  # type: ignore[arg-type]
    assert view.tag_of("k") == tag("test.names", 3, partition_of("k", 4))
