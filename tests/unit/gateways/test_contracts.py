"""The fakes keep the promises of what they stand for; the same suites run on the real adapters."""

from __future__ import annotations

from redis.asyncio import Redis

from gateways.core.locks import RedisLocks
from tests.unit.gateways.contracts import locks_contract, objects_contract
from tests.unit.gateways.fakes import MemoryLocks, MemoryObjects


async def test_the_object_store_in_memory() -> None:
    await objects_contract(MemoryObjects(), "contract")


async def test_the_locks_in_memory() -> None:
    await locks_contract(MemoryLocks())


async def test_the_locks_in_redis(redis: Redis) -> None:
    await locks_contract(RedisLocks(redis))
