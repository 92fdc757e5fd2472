"""Cuts a stream into part objects while it arrives: constant memory, hash included.

Parts have the keys of `schemas.media.objects`; all but the last have the same size. They are never joined:
workers read ranges of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateways.media.context import ObjectStore, UploadLimits
from schemas.media.objects import part_key
from streams.core import metrics


@dataclass(frozen=True, slots=True)
class Source:
    """What was stored; the record `Source` of UploadCompleted."""

    size_bytes: int
    part_size_bytes: int
    part_count: int
    source_hash: str

    def as_record(self) -> dict[str, Any]:
        """As the event carries it."""
        return {
            "size_bytes": self.size_bytes,
            "part_size_bytes": self.part_size_bytes,
            "part_count": self.part_count,
            "source_hash": self.source_hash,
        }


class UploadTooLarge(Exception):
    """The stream exceeds the limit; nothing more was stored."""


class PartWriter:
    """`write` chunks, then `finish`; `abort` instead ends what is under way.

    Holds the part being filled and at most `parts_in_flight` being stored. `write` and `finish` raise what
    the store raised for any part.
    """

    def __init__(
        self, objects: ObjectStore, asset_id: str, limits: UploadLimits, *, store: bool = True
    ) -> None:
        """With `store=False` it only counts and hashes: to compare a repeated upload with the first."""
        self._objects = objects
        self._asset_id = asset_id
        self._limits = limits
        self._store = store
        self._hash = hashlib.sha256()
        self._filling = bytearray()
        self._running: set[asyncio.Task[None]] = set()
        self._parts = 0
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        """Take a chunk of any size; waits while the store is behind."""
        self.size_bytes += len(chunk)
        if self.size_bytes > self._limits.max_bytes:
            raise UploadTooLarge(f"more than {self._limits.max_bytes} bytes")
        metrics.UPLOAD_BYTES.inc(len(chunk))
        rest = memoryview(chunk)
        while rest:
            room = self._limits.part_size_bytes - len(self._filling)
            self._filling += rest[:room]
            rest = rest[room:]
            if len(self._filling) == self._limits.part_size_bytes:
                await self._cut()

    async def finish(self) -> Source:
        """Store the rest and wait for every part: after this the whole source can be read."""
        if self._filling:
            await self._cut()
        while self._running:
            await self._wait()
        return Source(self.size_bytes, self._limits.part_size_bytes, self._parts, self._hash.hexdigest())

    async def abort(self) -> None:
        """Stop what is being stored. What is stored already goes with the asset's erasure."""
        for task in self._running:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        self._filling.clear()

    async def _cut(self) -> None:
        part, self._filling = bytes(self._filling), bytearray()
        # In a thread: eight megabytes take up to 20 ms, in which nobody else would be served.
        await asyncio.to_thread(self._hash.update, part)
        number, self._parts = self._parts, self._parts + 1
        if not self._store:
            return
        while len(self._running) >= self._limits.parts_in_flight:
            await self._wait()
        self._running.add(asyncio.create_task(self._put(number, part), name=f"part-{number}"))

    async def _put(self, number: int, part: bytes) -> None:
        await self._objects.put(part_key(self._asset_id, number), part, "application/octet-stream")

    async def _wait(self) -> None:
        done, self._running = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        failed: BaseException | None = None
        for task in done:
            failed = task.exception() or failed
        if failed is not None:
            raise failed
