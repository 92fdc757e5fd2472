"""A gateway in a few lines: parts into the store, requests onto the log, documents out of Redis."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.catalog import load_topology
from schemas.keys import tag
from schemas.media.objects import asset_prefix, part_key, upload_prefix
from schemas.media.views import LIBRARY, PROGRESS
from streams.core.clients import clickhouse_client, redis_client
from streams.core.objects import ObjectStore
from streams.core.producer import EventProducer
from streams.core.settings import Settings

REQUESTS = "media.asset.requests"
PART_BYTES = 256 * 1024  # small, so that short clips have several
PATIENCE_S = 300.0
POLL_S = 0.05
Document = dict[str, Any]


@dataclass
class Platform:
    """Clients of one running platform."""

    settings: Settings
    objects: ObjectStore
    producer: EventProducer
    redis: Any
    clickhouse: Any

    async def ask(self, asset_id: str, name: str, **data: Any) -> str:
        """Publish a request; returns its ce_id."""
        ce_id = uuid.uuid4().hex
        full = {"asset_id": asset_id, **data}
        await self.producer.publish(REQUESTS, asset_id, f"kinolog.media.{name}", full, ce_id=ce_id)
        return ce_id

    async def begin(self, title: str) -> str:
        asset_id = f"test-{uuid.uuid4().hex[:12]}"
        await self.ask(asset_id, "UploadStarted", title=title, file_name=title, declared_size_bytes=None)
        return asset_id

    async def upload(self, title: str, content: bytes) -> str:
        """All that a gateway does for an upload; returns the asset's id."""
        asset_id = await self.begin(title)
        await self.finish(asset_id, content)
        return asset_id

    async def finish(self, asset_id: str, content: bytes) -> None:
        starts = range(0, len(content), PART_BYTES)
        for number, start in enumerate(starts):
            part = content[start : start + PART_BYTES]
            await self.objects.put(part_key(asset_id, number), part, "application/octet-stream")
        source = {
            "size_bytes": len(content),
            "part_size_bytes": PART_BYTES,
            "part_count": len(starts),
            "source_hash": hashlib.sha256(content).hexdigest(),
        }
        await self.ask(asset_id, "UploadCompleted", source=source)

    async def document(self, asset_id: str, projection: str = LIBRARY) -> Document | None:
        map_ = load_topology()
        partition = map_.topic(map_.agent(projection).reads).partition_of(asset_id)
        raw = await self.redis.hget(f"{tag(projection, 1, partition)}:state", asset_id)
        return None if raw is None else orjson.loads(raw)

    async def until(
        self, asset_id: str, what: Callable[[Document], bool], projection: str = LIBRARY
    ) -> Document:
        """The first document for which `what` holds."""
        return await self._until(
            lambda: self.document(asset_id, projection), lambda found: found is not None and what(found)
        )

    async def _until(self, look: Callable[[], Awaitable[Any]], what: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = await look()
            if what(found):
                return found
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"still {found} after {PATIENCE_S:.0f} s")

    async def ended(self, asset_id: str) -> Document:
        """The document of an asset that is ready, storyboard included, or failed."""
        return await self.until(
            asset_id,
            lambda d: d["state"] == "failed" or (d["state"] == "ready" and d["storyboard"] is not None),
        )

    async def working(self, asset_id: str, kind: str) -> Document:
        """The progress document once work of this kind is in hand."""
        return await self.until(asset_id, lambda d: any(work["kind"] == kind for work in d["work"]), PROGRESS)

    async def until_idle(self, asset_id: str) -> None:
        """Return when nobody has work for the asset in hand."""
        await self._until(lambda: self.document(asset_id, PROGRESS), lambda found: found is None)

    async def until_gone(self, asset_id: str) -> None:
        """Return when no object of the asset is left."""
        await self._until(lambda: self.keys(asset_id), lambda found: not found)

    async def stored(self, asset_id: str) -> dict[str, bytes]:
        """Every object that was made of the asset."""
        return {e.key: await self.objects.get(e.key) async for e in self.objects.list(asset_prefix(asset_id))}

    async def keys(self, asset_id: str) -> list[str]:
        """Every object key of the asset, its parts included."""
        prefixes = (upload_prefix(asset_id), asset_prefix(asset_id))
        return [e.key for prefix in prefixes async for e in self.objects.list(prefix)]

    async def log(self, asset_id: str, until: str, times: int = 1) -> list[Document]:
        """The asset's history in order of time, once so many events of type `until` are in it."""
        return await self._logged(asset_id, lambda rows: len(list(chains(rows, until))) >= times)

    async def traced(self, asset_id: str, until: str) -> list[Document]:
        """As `log`, once all that led to that event is in it, too: topics come there each at its own pace."""
        return await self._logged(
            asset_id, lambda rows: any(not chain[-1]["causation_id"] for chain in chains(rows, until))
        )

    async def _logged(self, asset_id: str, what: Callable[[list[Document]], bool]) -> list[Document]:
        return list(await self._until(lambda: self._history(asset_id), what))

    async def _history(self, asset_id: str) -> list[Document]:
        answer = await self.clickhouse.query(
            "SELECT type, id, causation_id, trace_id, topic, source, data FROM log_events "
            "WHERE asset_id = {asset:String} ORDER BY at_ms, topic, offset",
            parameters={"asset": asset_id},
        )
        return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]


def chains(rows: Sequence[Document], until: str) -> Iterator[list[Document]]:
    """Of each event of this type: it, its cause, the cause of that, as far as they are among the rows."""
    by_id = {row["id"]: row for row in rows}
    for last in rows:
        if last["type"].endswith(f".{until}"):
            chain = [last]
            while (cause := by_id.get(chain[-1]["causation_id"])) is not None:
                chain.append(cause)
            yield chain


@asynccontextmanager
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """Clients for the length of a block."""
    producer = EventProducer(settings, "test")
    redis = redis_client(settings)
    clickhouse = await clickhouse_client(settings)
    async with ObjectStore(settings) as objects:
        try:
            yield Platform(settings, objects, producer, redis, clickhouse)
        finally:
            await clickhouse.close()
            await redis.aclose()
            await producer.close()
