"""What the gateway relies on, as suites that its fakes and the real adapters must pass alike."""

from __future__ import annotations

import asyncio

import pytest

from gateways.media.context import Locks, ObjectStore
from streams.core.objects import NoSuchObject, RangeNotSatisfiable


async def objects_contract(objects: ObjectStore, prefix: str) -> None:
    """Whole objects, ranges with an exclusive end, sizes, and what is not there."""
    data = bytes(range(256)) * 2000
    await objects.put(f"{prefix}/a", data, "video/mp4")
    assert await objects.get(f"{prefix}/a") == data
    assert await objects.get(f"{prefix}/a", 10, 20) == data[10:20]
    assert await objects.get(f"{prefix}/a", len(data) - 5, len(data) + 100) == data[-5:]
    assert b"".join([chunk async for chunk in objects.stream(f"{prefix}/a")]) == data
    assert b"".join([c async for c in objects.stream(f"{prefix}/a", 1000, 300_000)]) == data[1000:300_000]
    assert (await objects.stat(f"{prefix}/a")).size == len(data)
    await objects.put(f"{prefix}/a", b"other", "video/mp4")
    assert await objects.get(f"{prefix}/a") == b"other"
    with pytest.raises(NoSuchObject):
        await objects.get(f"{prefix}/nothing")
    with pytest.raises(NoSuchObject):
        await objects.stat(f"{prefix}/nothing")
    with pytest.raises(NoSuchObject):
        await anext(aiter(objects.stream(f"{prefix}/nothing")))
    with pytest.raises(RangeNotSatisfiable):
        await objects.get(f"{prefix}/a", 5, 6)


async def locks_contract(locks: Locks) -> None:
    """Exclusive until released, and only by the holder; they say how long they last."""
    assert await locks.left_s("edge:contract") == 0
    assert await locks.acquire("edge:contract", "one", 60)
    assert 0 < await locks.left_s("edge:contract") <= 60
    assert not await locks.acquire("edge:contract", "two", 60)
    assert await locks.renew("edge:contract", "one", 60)
    assert not await locks.renew("edge:contract", "two", 60)
    await locks.release("edge:contract", "two")
    assert not await locks.acquire("edge:contract", "two", 60)
    await locks.release("edge:contract", "one")
    assert await locks.acquire("edge:contract", "two", 60)
    await locks.release("edge:contract", "two")
    won = await asyncio.gather(*(locks.acquire("edge:contract", str(n), 60) for n in range(10)))
    assert won.count(True) == 1
