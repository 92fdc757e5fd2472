"""From the lane's events to an agent's chunks: partitions run side by side, each in its own order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from schemas.errors import WireError
from schemas.event import Event
from schemas.wire import Codec
from streams.core import metrics
from streams.engine.chunk import CHUNK_RECORDS, Chunk, joined, parts
from streams.engine.errors import End, EngineError


class LaneEvent(Protocol):
    """Faust's event on the lane."""

    value: Chunk

    def ack(self) -> bool: ...


class Runner(Protocol):
    """How an agent of any kind runs in an app."""

    agent: str

    def submit(self, event: LaneEvent) -> None:
        """Take over an event; it is acknowledged when its chunk is done."""

    async def fences(self, partitions: Iterable[int]) -> dict[int, int]:
        """Last offset applied per partition; partitions left out are read from the group's commit."""


class Applying(Protocol):
    """What applies chunks under a fence."""

    applied: dict[int, int]


class Applier(Applying, Protocol):
    """A Transactor."""

    async def apply(self, chunk: Chunk) -> None: ...


A = TypeVar("A", bound=Applying)


@dataclass(eq=False)
class Fenced(Generic[A]):
    """What runners of fenced agents share: what waits, by partition, and where reading resumes.

    `fence(partition)` is asked for at an assignment. `turn()` is the consumer's count of seeks: chunks of an
    older one are read again, so dropped. Any failure ends the process by `end`: the next life reads again
    from the fence.
    """

    applier: A
    fence: Callable[[int], Any]
    turn: Callable[[], int]
    end: End
    agent: str
    pace_s: float = 0.0
    _waiting: dict[int, deque[LaneEvent]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._seconds = metrics.BATCH_SECONDS.labels(self.agent)
        self._age = metrics.EVENT_AGE_SECONDS.labels(self.agent)

    @property
    def applied(self) -> dict[int, int]:
        return self.applier.applied

    async def fences(self, partitions: Iterable[int]) -> dict[int, int]:
        """Read anew, and from here on watched; partitions that left are no longer."""
        wanted = list(partitions)
        found = await asyncio.gather(*(self.fence(p) for p in wanted))
        self.applied.clear()
        self.applied.update(zip(wanted, found, strict=True))
        return dict(self.applied)

    def _next(self, waiting: deque[LaneEvent]) -> list[LaneEvent]:
        """What waits, up to CHUNK_RECORDS; events of an older turn are dropped."""
        turn, room, found = self.turn(), CHUNK_RECORDS, list[LaneEvent]()
        while waiting and (not found or len(waiting[0].value.records) <= room):
            event = waiting.popleft()
            if event.value.turn == turn:
                found.append(event)
                room -= len(event.value.records)
        return found

    def _done(self, events: Sequence[LaneEvent]) -> None:
        for event in events:
            event.ack()
        self._age.observe(max(0.0, time.time() - events[-1].value.records[-1].timestamp / 1000))

    @contextmanager
    def _ending(self, place: str) -> Iterator[None]:
        """Whatever is raised within ends the process."""
        try:
            yield
        except EngineError as exc:
            self.end(str(exc))
        except Exception as exc:
            self.end(f"{place}: {exc!r}: this is a bug of the engine, please report it")


@dataclass(eq=False)
class FencedRunner(Fenced[Applier]):
    """Deciders and projectors into Redis: each partition for itself.

    What came while a chunk was applied is applied together, and so is what comes within `pace_s` of a
    chunk's begin: the first after a quiet moment never waits.
    """

    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _began_s: dict[int, float] = field(default_factory=dict, init=False)

    def submit(self, event: LaneEvent) -> None:
        partition = event.value.partition
        self._waiting.setdefault(partition, deque()).append(event)
        task = self._tasks.get(partition)
        if task is None or task.done():
            self._tasks[partition] = asyncio.ensure_future(self._drain(partition))

    async def _drain(self, partition: int) -> None:
        waiting = self._waiting[partition]
        with self._ending(f"{self.agent}[{partition}]"):
            while waiting:
                await self._pause(partition)
                events = self._next(waiting)
                if not events:
                    continue
                chunk = joined([event.value for event in events])
                with self._seconds.time():
                    for part in parts(chunk):
                        await self.applier.apply(part)
                self._done(events)

    async def _pause(self, partition: int) -> None:
        if not self.pace_s:
            return
        clock = asyncio.get_running_loop().time
        left_s = self._began_s.get(partition, -self.pace_s) + self.pace_s - clock()
        if left_s > 0:
            await asyncio.sleep(left_s)
        self._began_s[partition] = clock()


class TapRunner:
    """Projectors without a store: each event once or more, nothing kept. For metrics and taps."""

    def __init__(self, codec: Codec, function: Callable[[Any], Any], end: End, agent: str) -> None:
        self._codec, self._function, self._end, self.agent = codec, function, end, agent
        self._read = metrics.EVENTS_READ.labels(agent)

    def submit(self, event: LaneEvent) -> None:
        chunk = event.value
        try:
            # Most taps never ask for a header: they are parsed when one does.
            events, _ = self._codec.events(chunk.topic, chunk.partition, chunk.records, parse=None)
            self._each(events)
        except Exception as exc:
            self._end(f"{self.agent}: {exc!r}: correct the agent's function")
        self._read.inc(len(chunk.records))
        event.ack()

    def _each(self, events: Iterable[Event]) -> None:
        function = self._function
        for event in events:
            try:
                function(event)
            except WireError:  # of a header it asked for: passed over like every unreadable record
                continue

    async def fences(self, partitions: Iterable[int]) -> dict[int, int]:
        return {}
