"""A gateway of rooms in a few lines: requests onto the log, documents and streams out of Redis, rows."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from deploy.local.launcher import Stack
from schemas.catalog import Topology, load_topology
from schemas.chat.history import history_sql
from schemas.chat.views import DESK, MESSAGES, REQUESTS, ROOMS, stream_suffix
from schemas.event import Event
from schemas.keys import tag
from streams.core.clients import clickhouse_client, redis_client
from streams.core.producer import EventProducer
from streams.core.settings import Settings
from streams.engine.receipts import Report
from streams.engine.replay import Replay

PATIENCE_S = 240.0  # of a busy machine; a test ends as soon as what it waits for is there
POLL_S = 0.05


@dataclass
class Rooms:
    """Clients of one running platform, and a room of the test's own."""

    settings: Settings
    producer: EventProducer
    redis: Any
    clickhouse: Any
    topology: Topology
    room_id: str

    async def ask(self, *requests: Event) -> list[str]:
        """Publish requests made by `tests.unit.chat.telling` for this room; returns their ce_ids."""
        ids = []
        for each in requests:
            ids.append(secrets.token_hex(16))
            data = {**each.data, "room_id": self.room_id}
            await self.producer.publish(REQUESTS, self.room_id, each.type, data, ce_id=ids[-1])
        return ids

    def tag(self, projection: str) -> str:
        """Of this room's partition."""
        partition = self.topology.topic(REQUESTS).partition_of(self.room_id)
        return tag(projection, 1, partition)

    async def outcome(self, ce_id: str) -> dict[str, Any]:
        """What became of a request."""
        name = f"{self.tag(ROOMS)}:outcome:{ce_id}:{self.room_id}"
        raw = await self.until(lambda: self.redis.get(name), bool)
        found: dict[str, Any] = orjson.loads(raw)
        return found

    async def document(self, projection: str = ROOMS) -> Any:
        raw = await self.redis.hget(f"{self.tag(projection)}:state", self.room_id)
        return None if raw is None else orjson.loads(raw)

    async def desk(self) -> Any:
        return await self.document(DESK)

    async def stream(self) -> list[dict[str, Any]]:
        """The room's deltas, as a gateway recovers them."""
        entries = await self.redis.xrange(f"{self.tag(ROOMS)}:{stream_suffix(self.room_id)}")
        deltas = [orjson.loads(fields[b"d"]) for _, fields in entries]
        assert [entry.decode() for entry, _ in entries] == [f"{delta['id']}-0" for delta in deltas]
        return deltas

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        answer = await self.clickhouse.query(query, parameters={"room": self.room_id})
        return [tuple(row) for row in answer.result_rows]

    async def history(
        self,
        window: str,
        *,
        me: str = "",
        oldest_first: bool = False,
        by_film: bool = False,
        **parameters: Any,
    ) -> list[dict[str, Any]]:
        """A page of what the room shows, out of ClickHouse."""
        sql = history_sql(MESSAGES, window, oldest_first=oldest_first, by_film=by_film)
        named = {"room": self.room_id, "me": me, **parameters}
        return list((await self.clickhouse.query(sql, parameters=named)).named_results())

    async def until(self, look: Callable[[], Awaitable[Any]], what: Callable[[Any], bool]) -> Any:
        """The first thing found for which `what` holds."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = await look()
            if what(found):
                return found
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"still {found} after {PATIENCE_S:.0f} s")

    async def verify(self, name: str) -> Report:
        """Build the projection anew from the log and compare."""
        replay = Replay(self.settings, self.topology, name, self.redis, lambda _: None)
        try:
            return await replay.verify()
        finally:
            await replay.close()


@asynccontextmanager
async def rooms_of(stack: Stack) -> AsyncIterator[Rooms]:
    """Clients for the length of a block."""
    settings = stack.settings.model_copy(update={"publish_timeout_s": 60.0})
    producer, redis = EventProducer(settings, "test"), redis_client(settings)
    clickhouse = await clickhouse_client(settings)
    try:
        room_id = f"r-{secrets.token_hex(16)}"
        yield Rooms(settings, producer, redis, clickhouse, load_topology(), room_id)
    finally:
        await clickhouse.close()
        await redis.aclose()
        await producer.close()
