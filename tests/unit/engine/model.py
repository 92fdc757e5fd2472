"""Models of what the engine stands on: a store, a log, records. Held to the real store's contract suite."""

from __future__ import annotations

import copy
import types
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from schemas.keys import partition_of
from schemas.wire import Codec, load_codec
from schemas.wiring import REPEATED
from streams.core.producer import Record
from streams.engine.ops import Op
from streams.engine.store import Effects, Snapshot
from tests.chaos.servers import HERE as CHAOS


@lru_cache(maxsize=1)
def chaos_codec() -> Codec:
    """The packaged schemas and those of the chaos stages."""
    from schemas.roots import PACKAGE

    return load_codec([PACKAGE, CHAOS / "schemas"])


class LogRecord(NamedTuple):
    """A Kafka record as the lane's chunks carry it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass
class Partition:
    """One partition's keys in the model store."""

    fence: int = -1
    marks: dict[bytes, int] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    floor: float = -1
    block: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    notes: list[bytes] = field(default_factory=list)


@types.coroutine
def switch() -> Generator[None, None, None]:
    """Where the simulation may go on with another life."""
    yield


class ModelStore:
    """The store's contract in memory. `switching`: each call is a place where lives may interleave."""

    def __init__(self, window: int = 0, switching: bool = False) -> None:
        self.window, self._switching = window, switching
        self.partitions: dict[int, Partition] = defaultdict(Partition)

    async def read(
        self, partition: int, keys: Sequence[str], ids: Sequence[str] = (), block: int = 0
    ) -> Snapshot:
        await self._pause()
        held = self.partitions[partition]
        floor = self._floor(held, block)
        return Snapshot(
            held.fence,
            dict(held.marks),
            {key: held.states[key] for key in keys if key in held.states},
            frozenset(i for i in ids if held.seen.get(i, -1) > floor) if self.window else frozenset(),
            floor,
        )

    async def fence(self, partition: int) -> int:
        await self._pause()
        return self.partitions[partition].fence

    async def write(self, partition: int, expected: int, effects: Effects) -> bool:
        await self._pause()
        held = self.partitions[partition]
        if held.fence != expected:
            return False
        held.fence = effects.fence
        held.marks |= effects.marks
        for key, document in effects.states.items():
            if document is None:
                held.states.pop(key, None)
            else:
                held.states[key] = document
        if effects.block is not None:
            if effects.block > held.block:
                held.seen = {i: at for i, at in held.seen.items() if at > effects.floor}
            held.floor, held.block = effects.floor, effects.block
            held.seen |= effects.seen
        for request, outcome in effects.outcomes.items():
            if request in held.outcomes and f'"{REPEATED}"' in outcome:
                before = orjson.loads(held.outcomes[request])
                first = {"first": before.get("first", before["type"])}
                held.outcomes[request] = orjson.dumps(orjson.loads(outcome) | first).decode()
            else:
                held.outcomes[request] = outcome
        for op in effects.ops:
            _apply(held.own, op)
        if effects.note:
            held.notes.append(effects.note)
        return True

    def _floor(self, held: Partition, block: int) -> float:
        over = len(held.seen) - self.window
        if not self.window or block <= held.block or over <= 0:
            return held.floor
        return max(held.floor, sorted(held.seen.values())[over - 1])

    async def _pause(self) -> None:
        if self._switching:
            await switch()

    def saved(self) -> dict[int, Partition]:
        return copy.deepcopy(dict(self.partitions))

    def restore(self, saved: dict[int, Partition]) -> None:
        self.partitions.clear()
        self.partitions.update(copy.deepcopy(saved))


def _apply(own: dict[str, Any], op: Op) -> None:
    kinds: dict[str, Callable[..., Any]] = {
        "HINCRBY": lambda k, f, n: own.setdefault(k, defaultdict(int)).__setitem__(f, own[k][f] + int(n)),
        "RPUSH": lambda k, *v: own.setdefault(k, []).extend(v),
        "ZADD": lambda k, score, m: own.setdefault(k, {}).__setitem__(m, score),
        "ZREM": lambda k, m: own.setdefault(k, {}).pop(m, None),
    }
    kinds[op.command](op.suffix, *op.args)


class ModelLog:
    """Topics as lists of records by partition, and a producer that a killed process leaves half done."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self.topics: dict[str, list[list[LogRecord]]] = defaultdict(lambda: [[] for _ in range(partitions)])

    def append(self, record: Record) -> None:
        target = self.topics[record.topic][partition_of(record.key, self._partitions)]
        target.append(LogRecord(len(target), record.at_ms, record.key.encode(), record.value, record.headers))


class ModelProducer:
    """One life's producer: queued records reach the log one by one while it flushes, if it lives."""

    def __init__(self, log: ModelLog) -> None:
        self._log = log
        self._queue: list[Record] = []

    def produce_many(self, records: Iterable[Record]) -> int:
        self._queue += records
        return len(self._queue)

    async def flush(self) -> None:
        while self._queue:
            await switch()
            self._log.append(self._queue.pop(0))


class DirectOutputs:
    """`Outputs` without asyncio's futures, so that a simulation can drive it step by step."""

    def __init__(self, producer: ModelProducer) -> None:
        self._producer = producer

    def send(self, records: Sequence[Record]) -> None:
        self._producer.produce_many(records)

    async def flushed(self) -> None:
        await self._producer.flush()
