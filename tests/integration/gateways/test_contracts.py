"""The suites that the unit tests' fakes pass, on the real adapters; and queries of the real history."""

from __future__ import annotations

import uuid

from deploy.local.launcher import Stack
from gateways.core.clickhouse import ClickHouseHistory
from gateways.core.locks import RedisLocks
from streams.core.clients import redis_client
from streams.core.objects import ObjectStore
from tests.unit.gateways.contracts import locks_contract, objects_contract


async def test_the_object_store(platform_stack: Stack) -> None:
    prefix = f"contract/{uuid.uuid4().hex}"
    async with ObjectStore(platform_stack.settings) as objects:
        await objects_contract(objects, prefix)
        await objects.delete_prefix(prefix)


async def test_the_locks(platform_stack: Stack) -> None:
    redis = redis_client(platform_stack.settings)
    try:
        await redis.delete("edge:contract")
        await locks_contract(RedisLocks(redis))
        await redis.delete("edge:contract")
    finally:
        await redis.aclose()


async def test_the_history_binds_parameters_in_the_server(platform_stack: Stack) -> None:
    history = ClickHouseHistory(platform_stack.settings)
    try:
        planted = "x' OR '1'='1"
        rows = await history.query(
            "SELECT {text:String} AS text, {numbers:Array(Int64)} AS numbers",
            {"text": planted, "numbers": [1, 2]},
        )
        assert list(rows) == [{"text": planted, "numbers": [1, 2]}]
    finally:
        await history.close()
