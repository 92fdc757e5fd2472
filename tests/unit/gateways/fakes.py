"""Stand-ins for what a gateway talks to. The object store's is held to the real one's contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from streams.core.objects import NoSuchObject, ObjectInfo, RangeNotSatisfiable

FIVE_MEGABYTES = 5 * 2**20


class MemoryObjects:
    """An object store in a dict. `before_put` may raise or wait: that is how a test breaks the store."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.before_put: Callable[[str], Any] = lambda key: None
        self.putting = 0
        self.most_putting = 0

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        self.putting += 1
        self.most_putting = max(self.most_putting, self.putting)
        try:
            waits = self.before_put(key)
            if waits is not None:
                await waits
            await asyncio.sleep(0)
            self.objects[key], self.types[key] = bytes(data), content_type
        finally:
            self.putting -= 1
        return "etag"

    async def get(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        data = self._object(key)
        if start is not None and start >= len(data) and start > 0:
            raise RangeNotSatisfiable(f"{key} has {len(data)} bytes")
        return data[start or 0 : end]

    async def stream(
        self, key: str, start: int | None = None, end: int | None = None
    ) -> AsyncIterator[bytes]:
        data = await self.get(key, start, end)
        for at in range(0, len(data), 64 * 1024):
            yield data[at : at + 64 * 1024]

    async def stat(self, key: str) -> ObjectInfo:
        return ObjectInfo(key=key, size=len(self._object(key)), etag="etag", modified_at_ms=0)

    def _object(self, key: str) -> bytes:
        try:
            return self.objects[key]
        except KeyError:
            raise NoSuchObject(f"no object {key}") from None


class MemoryHistory:
    """The rows a query would give. `answer` maps a word of the SQL text to rows, or to an exception."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.queries: list[tuple[str, Mapping[str, Any]]] = []
        self.failing: Exception | None = None

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        self.queries.append((sql, parameters))
        if self.failing is not None:
            raise self.failing
        if "LIMIT 1" in sql:
            return [row for row in self.rows if row["id"] == parameters["id"]][:1]
        if "id IN" in sql:
            return [row for row in self.rows if row["id"] in parameters["ids"]]
        rows = [row for row in self.rows if row["asset_id"] == parameters["asset_id"]]
        if "names" in parameters:
            after = dict(zip(parameters["names"], parameters["offsets"], strict=True))
            rows = [r for r in rows if r["offset"] > after.get(f"{r['topic']}:{r['partition']}", -1)]
        rows.sort(key=lambda r: (r["at_ms"], r["topic"], r["partition"], r["offset"]))
        return rows[: parameters["limit"]]


class MemoryLocks:
    """Leases in a dict; they say when they end, and do not."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.left: dict[str, float] = {}

    async def acquire(self, name: str, token: str, ttl_s: float) -> bool:
        if self.held.setdefault(name, token) != token:
            return False
        self.left[name] = ttl_s
        return True

    async def renew(self, name: str, token: str, ttl_s: float) -> bool:
        if self.held.get(name) != token:
            return False
        self.left[name] = ttl_s
        return True

    async def left_s(self, name: str) -> float:
        return self.left[name] if name in self.held else 0.0

    async def release(self, name: str, token: str) -> None:
        if self.held.get(name) == token:
            del self.held[name]
