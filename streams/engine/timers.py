"""One agent that reminds all others: TimerSet and TimerCancelled in, TimerDue out, never early.

What is set stands in the agent's own state under its fence. A reminder is emitted first and forgotten
afterwards, so it may arrive twice, with the same `ce_id`; its decider knows it by that. After a FLUSHALL,
timers that were due long ago come once more: rules treat a reminder of nothing outstanding as nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog
from redis.exceptions import RedisError

from schemas.catalog import Agent
from schemas.errors import EncodeError, WireError
from schemas.event import Event, deterministic_id
from schemas.wiring import TIMER_DUE
from streams.core import metrics
from streams.core.producer import Record, now_ms
from streams.engine import agents
from streams.engine.agents import Out
from streams.engine.ops import Op
from streams.engine.outputs import Encoder, Outputs
from streams.engine.store import Effects, RedisStore, Snapshot
from streams.engine.transact import Folded

log = structlog.get_logger("kinolog.engine.timers")

SET: Final = "kinolog.engine.TimerSet"
CANCELLED: Final = "kinolog.engine.TimerCancelled"
PERIOD_S: Final = 0.2
BATCH: Final = 200

# KEYS: state, due. ARGV: timer id, document. A timer that was set anew meanwhile stays.
_FORGET: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
"""


@agents.timer("engine.timer")
def timer(event: Event, topics: frozenset[str]) -> tuple[dict[str, Any] | None, Op]:
    """A timer's document and its place in the order of due times.

    Raises ValueError for one whose reminder could not be sent: to an unknown topic, or under no key.
    """
    timer_id = event.data["timer_id"]
    if event.type != SET:
        return None, Op("ZREM", "due", timer_id)
    if event.data["topic"] not in topics:
        raise ValueError(f"timer {timer_id} names topic {event.data['topic']!r}, which is not on the map")
    if not event.data["key"]:
        raise ValueError(f"timer {timer_id} has an empty key: give the id of the aggregate to remind")
    document = {**event.data, "cause": event.id, "trace": event.trace}
    return document, Op("ZADD", "due", event.data["due_at_ms"], timer_id)


class TimerFold:
    """Keeps each timer's newest document under its id, and the order of due times in `{tag}:due`."""

    windowed = False

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = frozenset(topics)

    def __call__(self, events: Sequence[Event], view: Snapshot) -> Folded:
        states: dict[str, bytes | None] = {}
        ops: list[Op] = []
        failed: dict[int, Exception] = {}
        for event in events:
            try:
                document, op = timer(event, self._topics)
            except (KeyError, ValueError, WireError) as exc:
                failed[event.offset] = exc
                continue
            states[event.data["timer_id"]] = None if document is None else orjson.dumps(document)
            ops.append(op)
        return Folded(Effects(-1, states=states, ops=ops), [], failed)


class Timers:
    """Emits what is due in the partitions that this process reads."""

    def __init__(
        self, agent: Agent, store: RedisStore, client: Any, outputs: Outputs, encoder: Encoder,
        owned: Mapping[int, int],
    ) -> None:  # fmt: skip
        """`owned` has the input partitions as keys; it follows rebalances."""
        self._agent, self._store, self._client = agent, store, client
        self._outputs, self._encoder, self._owned = outputs, encoder, owned

    async def run(self) -> None:
        """Until cancelled. While the store is away nothing is due."""
        while True:
            begun = time.monotonic()
            try:
                for partition in list(self._owned):
                    while await self.fire(partition, now_ms()) == BATCH:
                        pass
                await self._count()
            except (RedisError, OSError) as exc:
                log.warning("store is away, timers wait", why=repr(exc))
            await asyncio.sleep(max(0.0, PERIOD_S - (time.monotonic() - begun)))

    async def fire(self, partition: int, at_ms: int) -> int:
        """Emit what is due at `at_ms`, at most BATCH timers; returns how many."""
        tag = self._store.tag(partition)
        state, due = f"{tag}:state", f"{tag}:due"
        ids = await self._client.zrangebyscore(due, "-inf", at_ms, start=0, num=BATCH)
        if not ids:
            return 0
        documents = await self._client.hmget(state, ids)
        reminders = [self._reminder(orjson.loads(doc), at_ms) for doc in documents if doc is not None]
        self._outputs.send([reminder for reminder in reminders if reminder is not None])
        await self._outputs.flushed()
        for timer_id, document in zip(ids, documents, strict=True):
            if document is None:
                await self._client.zrem(due, timer_id)
            else:
                await self._client.eval(_FORGET, 2, state, due, timer_id, document)
        return len(ids)

    def _reminder(self, document: dict[str, Any], at_ms: int) -> Record | None:
        """None if no such event can be: it is forgotten like one that was sent, or no later one ever were."""
        data = {name: document[name] for name in ("timer_id", "due_at_ms", "note")}
        cause = Event(SET, document["key"], {}, id=document["cause"], trace=document["trace"])
        ce_id = deterministic_id("timer", document["timer_id"], str(document["due_at_ms"]))
        out = Out(document["topic"], document["key"], TIMER_DUE, data)
        try:
            return self._encoder.report(out, cause, ce_id, at_ms)
        except EncodeError as exc:
            log.error("a timer cannot remind anyone, dropped", timer_id=document["timer_id"], why=str(exc))
            return None

    async def _count(self) -> None:
        tags = [self._store.tag(partition) for partition in self._owned]
        metrics.TIMERS_WAITING.set(sum([await self._client.zcard(f"{tag}:due") for tag in tags]))
