"""The rest of the platform in one object: a producer whose events are decided and projected at once.

It runs the real rules and projections over a real Redis in the real layout, so that a gateway under test
reads what it would read in production. `pause` keeps events on the log without deciding them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.event import Event
from schemas.keys import partition_of, tag
from schemas.media.views import LIBRARY, PROGRESS
from schemas.wire import codec
from streams.core.producer import LogUnavailable, Position
from streams.engine import Out, Refuse
from streams.engine.projectors import outcome
from streams.media.projections import library, progress
from streams.media.rules import decide

PARTITIONS = 12


class World:
    """A producer for gateways; `say` lets workers report."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.published: list[Event] = []
        self.said: list[Event] = []
        self.now_ms = 1_800_000_000_000
        self.broken = False
        self.paused = False
        self._decided: dict[str, Any] = {}
        self._seen: set[str] = set()
        self._offsets: dict[tuple[str, int], int] = {}

    async def publish(
        self,
        topic: str,
        key: str,
        type: str,
        data: Mapping[str, Any],
        *,
        ce_id: str | None = None,
        cause: str | None = None,
        trace: str | None = None,
        at_ms: int | None = None,
    ) -> Position:
        if self.broken:
            raise LogUnavailable("the broker did not acknowledge")
        codec().encode(type, dict(data))  # an event that does not fit its schema fails here as it would there
        self.now_ms += 1
        event = self._event(topic, key, type, dict(data), ce_id or uuid.uuid4().hex, cause or "")
        self.published.append(event)
        if not self.paused:
            await self._decide(event)
        return Position(topic, event.partition, event.offset)

    async def resume(self) -> None:
        """Decide what was published during the pause."""
        self.paused = False
        decided = {event.id for event in self.said} | self._seen
        for event in [e for e in self.published if e.id not in decided]:
            await self._decide(event)

    def names(self, key: str | None = None) -> list[str]:
        """Short names of what gateways and workers asked, in order."""
        return [e.type.rpartition(".")[2] for e in self.published if key is None or e.key == key]

    async def work(self, key: str, type: str, **data: Any) -> None:
        """A fact on media.work.events."""
        event = self._event("media.work.events", key, f"kinolog.media.{type}", data, uuid.uuid4().hex, "")
        await self._project(PROGRESS, progress, event)

    async def _decide(self, event: Event) -> None:
        repeated = event.id in self._seen
        self._seen.add(event.id)
        if repeated:
            await self._answer(event, "RequestRepeated")
            return
        try:
            state, outs = decide(self._decided.get(event.key), event)
        except Refuse as refusal:
            await self._answer(event, "RequestRefused", code=refusal.code, detail=refusal.detail)
            return
        self._decided[event.key] = state
        await self._tell(event, outs)

    async def _answer(self, event: Event, name: str, **more: str) -> None:
        data = {"request_id": event.id, "request_type": event.type, **more}
        await self._tell(event, [Out("media.asset.events", event.key, f"kinolog.engine.{name}", data)])

    async def _tell(self, cause: Event, outs: list[Out]) -> None:
        for out in outs:
            if out.topic == "media.asset.events":
                said = self._event(out.topic, out.key, out.type, out.data, uuid.uuid4().hex, cause.id)
                self.said.append(said)
                await self._project(LIBRARY, library, said)

    async def _project(self, name: str, fold: Any, event: Event) -> None:
        """As the engine does it: state, ops, fence, outcome and notification of one event."""
        where = tag(name, 1, event.partition)
        raw = await self.redis.hget(f"{where}:state", event.key)
        state, ops = fold(orjson.loads(raw) if raw else None, event)
        if state is None:
            await self.redis.hdel(f"{where}:state", event.key)
        else:
            await self.redis.hset(f"{where}:state", event.key, orjson.dumps(state))
        for op in ops:
            await self.redis.execute_command(op.command, f"{where}:{op.suffix}", *op.args)
        await self.redis.hset(f"{where}:meta", "fence", event.offset)
        if event.cause:
            await self.redis.set(f"{where}:outcome:{event.cause}:{event.key}", outcome(event), ex=600)
        await self.redis.execute_command("SPUBLISH", where, orjson.dumps([event.key]))

    def _event(
        self, topic: str, key: str, type: str, data: dict[str, Any], event_id: str, cause: str
    ) -> Event:
        partition = partition_of(key, PARTITIONS)
        offset = self._offsets.get((topic, partition), -1) + 1
        self._offsets[topic, partition] = offset
        return Event(
            type, key, data, id=event_id, at_ms=self.now_ms, cause=cause, topic=topic, partition=partition,
            offset=offset,
        )  # fmt: skip
