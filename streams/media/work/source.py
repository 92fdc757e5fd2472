"""Objects in the store as the bytes of one file, for a child that reads by range.

An outage of the store is nobody's fault: reads wait it out. A part that is not there is another matter: it
will not come back, and `missing` names it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from schemas.media.objects import part_key
from streams.core.objects import NoSuchObject, ObjectStoreUnavailable
from streams.media.reasons import MediaProblem
from streams.media.source import Part, PartSource, loop_fetch
from streams.media.work.tools import Objects, Tools

log = structlog.get_logger("kinolog.media.work")

PATIENCE_S: Final = 2.0  # between attempts while the store is away
MOST_PARTS: Final = 200_000  # a list of them is held in memory: 1.6 TB in parts of 8 MiB


class StoredSource(PartSource):
    """Parts in the store. Make it in the event loop; children's reads come from other threads."""

    def __init__(self, key: str, parts: list[Part], objects: Objects) -> None:
        super().__init__(key, parts, loop_fetch(asyncio.get_running_loop(), self._get))
        self._objects = objects
        self._closed = False
        self.missing = ""

    def __enter__(self) -> StoredSource:
        return self

    def __exit__(self, *_: object) -> None:
        """No more waiting: reads that find the store away fail from now on."""
        self._closed = True

    async def _get(self, name: str, start: int, end: int) -> bytes:
        while True:
            try:
                return await self._objects.get(name, start, end)
            except NoSuchObject:
                self.missing = name
                raise OSError(f"{name} is not in the object store") from None
            except ObjectStoreUnavailable as error:
                if self._closed:
                    raise OSError(f"{name} cannot be read: {error}") from error
                log.warning("object store is away, waiting", object_key=name, error=str(error))
                await asyncio.sleep(PATIENCE_S)


def uploaded(asset_id: str, source: dict[str, Any], tools: Tools) -> StoredSource:
    """The upload that a Source record describes. MediaProblem `upload_mismatch` if none can be like that:
    anyone who may write to the log may write anything there, and a list of its parts is made here."""
    size, part_size, count = source["size_bytes"], source["part_size_bytes"], source["part_count"]
    possible = 0 <= size <= tools.max_upload_bytes and part_size >= 1 and 0 <= count <= MOST_PARTS
    if not possible or count != -(-size // part_size):
        raise MediaProblem("upload_mismatch", f"{size} bytes in {count} parts of {part_size}")
    parts = [Part(part_key(asset_id, n), min(part_size, size - n * part_size)) for n in range(count)]
    # The asset is part of the key: a child must not take a deleted asset's bytes for another's.
    return StoredSource(f"{asset_id}:{source['source_hash']}", parts, tools.objects)
