"""Cutting a stream into parts: sizes, hash, memory."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.media.context import UploadLimits
from gateways.media.parts import PartWriter, UploadTooLarge
from schemas.media.objects import part_key
from tests.unit.gateways.fakes import MemoryObjects

MEGABYTE = 2**20


class Discarding(MemoryObjects):
    """Takes parts and forgets them."""

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        await super().put(key, b"", content_type)
        return str(len(data))


@settings(deadline=None, max_examples=50)
@given(chunks=st.lists(st.binary(max_size=300), max_size=30), part_size=st.integers(1, 200))
async def test_any_chunks_give_the_same_bytes_in_equal_parts(chunks: list[bytes], part_size: int) -> None:
    objects = MemoryObjects()
    writer = PartWriter(objects, "a", UploadLimits(part_size_bytes=part_size))
    for chunk in chunks:
        await writer.write(chunk)
    source = await writer.finish()
    whole = b"".join(chunks)
    parts = [objects.objects[part_key("a", number)] for number in range(source.part_count)]
    assert b"".join(parts) == whole
    assert all(len(part) == part_size for part in parts[:-1])
    assert source.size_bytes == len(whole)
    assert source.part_count == -(-len(whole) // part_size) == len(objects.objects)
    assert source.source_hash == hashlib.sha256(whole).hexdigest()


async def test_memory_does_not_grow_with_the_film() -> None:
    writer = PartWriter(Discarding(), "a", UploadLimits())
    chunk = bytes(256 * 1024)
    tracemalloc.start()
    try:
        for _ in range(128 * MEGABYTE // len(chunk)):
            await writer.write(chunk)
        await writer.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * MEGABYTE


async def test_the_limit_is_exact() -> None:
    writer = PartWriter(MemoryObjects(), "a", UploadLimits(max_bytes=10))
    await writer.write(b"x" * 10)
    with pytest.raises(UploadTooLarge):
        await writer.write(b"x")


async def test_what_the_store_raised_comes_out_and_an_abort_ends_the_rest() -> None:
    objects = MemoryObjects()

    def breaks(key: str) -> None:
        if key.endswith("/1"):
            raise ConnectionError("the store is gone")

    objects.before_put = breaks
    writer = PartWriter(objects, "a", UploadLimits(part_size_bytes=4))
    with pytest.raises(ConnectionError, match="the store is gone"):
        await writer.write(b"1234" * 10)
    await writer.abort()
    assert objects.putting == 0
