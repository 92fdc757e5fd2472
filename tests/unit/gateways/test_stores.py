"""The stores' clients under more callers than they have connections."""

from __future__ import annotations

import asyncio

import pytest

from streams.core import clients
from streams.core.clients import MOST_CONNECTIONS, redis_client
from streams.core.settings import Settings


async def test_more_readers_than_connections_wait_instead_of_failing(
    redis_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "POOL_PATIENCE_S", 60.0)
    client = redis_client(Settings(redis_url=f"redis://127.0.0.1:{redis_port}"))
    try:
        # Each holds its connection for a moment, so that all but the first hundred find none free.
        reads = [client.blpop(["nothing"], timeout=0.05) for _ in range(3 * MOST_CONNECTIONS)]
        assert await asyncio.gather(*reads) == [None] * len(reads)
    finally:
        await client.aclose()


async def test_a_task_in_the_middle_of_a_command_can_be_cancelled(redis_port: int) -> None:
    client = redis_client(Settings(redis_url=f"redis://127.0.0.1:{redis_port}"))

    async def many() -> None:
        for _ in range(20):
            await client.ping()

    try:
        await client.ping()
        # After any number of turns of the loop: one of them is the moment in which a write has just ended.
        for turns in range(30):
            task = asyncio.ensure_future(many())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled(), f"ran on when cancelled after {turns} turns"
    finally:
        await client.aclose()
