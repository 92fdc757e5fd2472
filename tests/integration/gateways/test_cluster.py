"""Projections and notifications on a Redis Cluster of three nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from redis.asyncio.cluster import RedisCluster

from gateways.core.projections import Cursor, Projection, ProjectionReader
from gateways.core.push import Hub
from tests.chaos.servers import Cluster

NAMES = Projection("test.cluster", 12)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
async def redis(nodes: Cluster) -> AsyncIterator[Any]:
    async with RedisCluster(host="127.0.0.1", port=nodes.ports[0]) as client:
        yield client


@pytest.fixture
async def hub(redis: Any) -> AsyncIterator[Hub]:
    hub = Hub(redis)
    await hub.start()
    yield hub
    await hub.stop()


async def test_documents_and_lists_come_from_all_nodes(redis: Any, hub: Hub) -> None:
    view = await ProjectionReader(redis, hub).pin(NAMES)
    keys = [f"key-{number:02d}" for number in range(40)]
    for score, key in enumerate(keys):
        where = view.tag_of(key)
        await redis.hset(f"{where}:state", key, orjson.dumps({"key": key}))
        await redis.zadd(f"{where}:recent", {key: score})
    assert await view.get_many(keys) == [{"key": key} for key in keys]
    seen: list[str] = []
    after: Cursor | None = None
    while page := await view.newest("recent", 7, after):
        seen += [item.key for item in page]
        after = page[-1]
    assert seen == keys[::-1]


async def test_every_partition_is_heard_wherever_it_lives(redis: Any, hub: Hub) -> None:
    view = await ProjectionReader(redis, hub).pin(NAMES)
    tags = [view.tag(partition) for partition in range(NAMES.partitions)]
    assert len({redis.get_node_from_key(where).name for where in tags}) == 3
    async with hub.watch(tags) as watcher:
        await watcher.changed(5.0)
        for where in tags:
            while await watcher.changed(0.2):
                pass  # what the subscriptions themselves marked
            await redis.spublish(where, orjson.dumps(["k"]))
            assert await watcher.changed(60.0), where


async def test_an_outcome_is_awaited_across_nodes(redis: Any, hub: Hub) -> None:
    view = await ProjectionReader(redis, hub).pin(NAMES)
    keys = [f"key-{number}" for number in range(20)]
    waiting = [asyncio.create_task(view.await_outcome(key, f"r-{key}", 60.0)) for key in keys]
    for key in keys:
        where = view.tag_of(key)
        await redis.set(f"{where}:outcome:r-{key}:{key}", orjson.dumps({"for": key}))
        await redis.spublish(where, orjson.dumps([key]))
    assert await asyncio.gather(*waiting) == [{"for": key} for key in keys]
