"""Players and the streaming gateway in a few lines: reports onto the log; rows and counts out again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.local.launcher import Stack
from deploy.local.ports import free_ports
from schemas.analytics.views import BEATS, DELIVERY, LIVE, PLAYBACK, VIEWS, WATCHING
from schemas.catalog import Topology, load_topology
from schemas.event import Event
from schemas.keys import tag
from streams.core.clients import clickhouse_client, redis_client
from streams.core.producer import EventProducer
from streams.core.settings import Settings
from tests.unit.analytics.telling import beat, report, segment, served

PATIENCE_S = 240.0  # of a busy machine; a test ends as soon as what it waits for is there
POLL_S = 0.05
PLACE = ("topic", "partition", "offset", "appended_at")


@dataclass
class Sessions:
    """Clients of one running platform, and a film of the test's own."""

    settings: Settings
    producer: EventProducer
    redis: Any
    clickhouse: Any
    topology: Topology
    asset_id: str

    async def report(self, events: Iterable[Event]) -> None:
        """Publish reports made by `tests.unit.analytics.telling`, as of this film."""
        publishing = []
        for event in events:
            data, ce_id = {**event.data, "asset_id": self.asset_id}, event.id or secrets.token_hex(16)
            send = self.producer.publish(PLAYBACK, event.key, event.type, data, ce_id=ce_id)
            publishing.append(asyncio.create_task(send))
            await asyncio.sleep(0)  # it is on its way before the next one
        await asyncio.gather(*publishing)

    async def rows(self, table: str, order: str, final: str = "FINAL") -> list[dict[str, Any]]:
        """What a table holds of this film, without where and when it was put there. No table: nothing."""
        if not int(await self.clickhouse.command(f"EXISTS TABLE {table}")):
            return []
        query = f"SELECT * FROM {table} {final} WHERE asset_id = {{a:String}} ORDER BY {order}"
        answer = await self.clickhouse.query(query, parameters={"a": self.asset_id})
        return [{k: v for k, v in row.items() if k not in PLACE} for row in answer.named_results()]

    async def views(self) -> list[dict[str, Any]]:
        return await self.rows(VIEWS, "view_id")

    async def beats(self) -> list[dict[str, Any]]:
        return await self.rows(BEATS, "view_id, offset", final="")

    async def delivery(self) -> list[dict[str, Any]]:
        return await self.rows(DELIVERY, "id, rendition")

    async def watching(self) -> dict[str, int]:
        """View to until when, of this film."""
        found: dict[str, int] = {}
        for partition in range(self.topology.topic(PLAYBACK).partitions):
            key = f"{tag(LIVE, 1, partition)}:{WATCHING}"
            for member, until in await self.redis.zrange(key, 0, -1, withscores=True):
                name = member.decode()
                if name[32:] == self.asset_id:
                    found[name[:32]] = int(until)
        return found

    async def quiet(self) -> None:
        """Wait until every table has all that was published: what is last in each partition is there."""
        film, self.asset_id = self.asset_id, f"end-{secrets.token_hex(8)}"
        topic, last = self.topology.topic(PLAYBACK), dict[int, str]()
        while len(last) < topic.partitions:
            view_id = secrets.token_hex(16)
            last[topic.partition_of(view_id)] = view_id
        now_ms = time.time_ns() // 1_000_000
        for view_id in last.values():
            at = {"at_ms": now_ms, "ts_ms": now_ms}
            await self.report([report([beat(0, 0, "ended", **at)], view_id)])
            await self.report([served([segment(0, 0, at_ms=now_ms, cmcd=False)], view_id)])
        for rows in (self.views, self.beats, self.delivery):
            await self.until(rows, lambda found: len(found) == topic.partitions)
        self.asset_id = film

    async def until(self, look: Callable[[], Awaitable[Any]], what: Callable[[Any], bool]) -> Any:
        """The first thing found for which `what` holds."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = await look()
            if what(found):
                return found
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"still {found} after {PATIENCE_S:.0f} s")


@asynccontextmanager
async def sessions_of(stack: Stack) -> AsyncIterator[Sessions]:
    """Clients for the length of a block."""
    settings = stack.settings.model_copy(update={"publish_timeout_s": 60.0})
    producer, redis = EventProducer(settings, "test"), redis_client(settings)
    clickhouse = await clickhouse_client(settings)
    try:
        asset_id = f"film-{secrets.token_hex(8)}"
        yield Sessions(settings, producer, redis, clickhouse, load_topology(), asset_id)
    finally:
        await clickhouse.close()
        await redis.aclose()
        await producer.close()


class Door:
    """The way to ClickHouse, which can be shut: who stands before it finds nobody there."""

    def __init__(self, target_url: str) -> None:
        self._target = urlsplit(target_url)
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        [self.port] = free_ports(["door"]).values()

    @property
    def url(self) -> str:
        host, at, _ = self._target.netloc.rpartition("@")
        return self._target._replace(netloc=f"{host}{at}127.0.0.1:{self.port}").geturl()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """In the middle of whatever is said."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _enter(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        answers, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
        for source, to in ((client, to_server), (answers, to_client)):
            task = asyncio.create_task(self._pass(source, to))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                to.write(data)
                await to.drain()
        except OSError:
            pass
        finally:
            to.close()
