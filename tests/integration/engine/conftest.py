"""What the engine's tests on real servers share: a Redis client, a cluster, topics of their own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis.asyncio as aioredis
from redis.asyncio.cluster import RedisCluster

from deploy.local.launcher import Stack
from streams.engine.store import RedisStore
from tests.chaos.servers import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three Valkey nodes as a Redis Cluster."""
    nodes = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.stop()


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Any]:
    """The stack's Redis."""
    async with aioredis.Redis(port=stack.ports["redis"]) as connected:
        yield connected


@pytest.fixture
async def cluster_client(cluster: Cluster) -> AsyncIterator[Any]:
    async with RedisCluster(host="127.0.0.1", port=cluster.ports[0]) as connected:
        yield connected


@pytest.fixture
def store_of() -> Callable[..., RedisStore]:
    """Stores with keys that no other test has."""

    def make(connected: Any, window: int = 0) -> RedisStore:
        return RedisStore(connected, f"t{secrets.token_hex(6)}", 1, window)

    return make
