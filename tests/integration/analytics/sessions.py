"""Players and the streaming gateway in a few lines: reports onto the log; rows and counts out again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT
from schemas.analytics.views import BEATS, DELIVERY, LIVE, PLAYBACK, VIEWS, WATCHING
from schemas.catalog import Topology, load_topology
from schemas.event import Event
from schemas.keys import tag
from streams.core.clients import clickhouse_client, redis_client
from streams.core.producer import EventProducer
from streams.core.settings import Settings

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

    async def report(self, events: Iterable[Event], ce_id: str | None = None) -> None:
        """Publish reports made by `tests.unit.analytics.telling`, as of this film."""
        publishing = []
        for event in events:
            data = {**event.data, "asset_id": self.asset_id}
            send = self.producer.publish(
                PLAYBACK, event.key, event.type, data, ce_id=ce_id or event.id or secrets.token_hex(16)
            )
            publishing.append(asyncio.create_task(send))
            await asyncio.sleep(0)  # it is on its way before the next one
        await asyncio.gather(*publishing)

    async def rows(self, table: str, order: str, final: str = "FINAL") -> list[dict[str, Any]]:
        """What a table holds of this film, without where and when it was put there."""
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


class Worker:
    """A process of a domain's own, to be killed."""

    def __init__(self, stack: Stack, folder: Path, domain: str) -> None:
        self._env = {**os.environ, **stack.env}
        self._log, self._domain = folder / f"worker-{domain}.log", domain
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "worker", self._domain],
                cwd=CHECKOUT, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """At once, whatever it is doing."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
