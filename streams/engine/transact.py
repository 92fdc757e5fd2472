"""One chunk through a fenced agent, in the only order that neither loses nor doubles:

drop the known -> fold -> emit and flush -> state, marks and fence in one write -> (the caller) ack.

State and fence are read together and written by compare-and-set on the fence. A refused write means that
another process, or our own write whose answer was lost, moved it: read again and trim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import structlog

from schemas.event import Event
from schemas.wire import Codec
from streams.core import metrics
from streams.core.producer import Record
from streams.engine.chunk import Chunk
from streams.engine.chunk import Record as LogRecord
from streams.engine.dead_letters import DeadLetters
from streams.engine.errors import HoleError
from streams.engine.marks import Marks
from streams.engine.outputs import Outputs
from streams.engine.store import Effects, Snapshot, Store

log = structlog.get_logger("kinolog.engine")

WINDOW_BLOCK = 4096  # the request window is cut where offsets pass a multiple of this


class Folded(NamedTuple):
    """What a fold made of a chunk: effects (fence and marks not yet set), outputs, what it failed on."""

    effects: Effects
    outputs: list[Record]
    failed: dict[int, Exception]  # offset -> why


class Fold(Protocol):
    """The agent's own part: pure, and the same however records are chunked."""

    windowed: bool

    def __call__(self, events: Sequence[Event], view: Snapshot) -> Folded: ...


class Part(NamedTuple):
    """Records that are applied in one write."""

    start: int
    last: int
    records: Sequence[LogRecord]
    events: list[Event]
    malformed: dict[int, Exception]


class Transactor:
    """Applies chunks of one agent. Calls for one partition must not overlap; partitions are independent."""

    def __init__(
        self, agent: str, codec: Codec, store: Store, fold: Fold, outputs: Outputs, letters: DeadLetters
    ) -> None:
        self.agent, self.store = agent, store
        self._codec, self._fold, self._outputs, self._letters = codec, fold, outputs, letters
        self.applied: dict[int, int] = {}  # partition -> fence as this process last saw it
        self._dropped_src = metrics.EVENTS_DROPPED.labels(agent, "known_src")
        self._dropped_offset = metrics.EVENTS_DROPPED.labels(agent, "known_offset")
        self._refused = metrics.FENCE_REFUSED.labels(agent)
        self._read = metrics.EVENTS_READ.labels(agent)

    async def apply(self, chunk: Chunk) -> None:
        """Return when every record of the chunk is applied, now or earlier. May wait for store and broker.

        Raises HoleError if the store lost what the chunk builds on, DeadLetterFlood if too much of it is
        unreadable. After either, or a cancellation, nothing of the chunk may be acknowledged.
        """
        self._read.inc(len(chunk.records))
        for part in self._parts(chunk):
            while not await self._applied(chunk, part):
                self._refused.inc()

    async def _applied(self, chunk: Chunk, part: Part) -> bool:
        partition = chunk.partition
        windowed = self._fold.windowed
        view = await self.store.read(
            partition,
            list({event.key: None for event in part.events}),
            [event.id for event in part.events if event.src is None] if windowed else (),
            part.last // WINDOW_BLOCK,
        )
        if part.start > view.fence + 1:
            raise HoleError(f"{self.agent}[{partition}]", view.fence, part.start)
        if part.last <= view.fence:
            self._dropped_offset.inc(len(part.records))
            self.applied[partition] = max(self.applied.get(partition, -1), view.fence)
            return True
        marks = Marks(view.marks)
        fresh = self._fresh(part.events, view.fence, marks)
        effects, outputs, failed = self._fold(fresh, view)
        outputs += self._dead_letters(chunk, part, view.fence, failed)
        if outputs:
            self._outputs.send(outputs)
            await self._outputs.flushed()
        effects.fence = part.last
        effects.marks = marks.moved
        if windowed:
            effects.block = part.last // WINDOW_BLOCK
            effects.floor = view.floor
        if not await self.store.write(partition, view.fence, effects):
            return False
        self.applied[partition] = part.last
        return True

    def _fresh(self, events: Sequence[Event], fence: int, marks: Marks) -> list[Event]:
        fresh: list[Event] = []
        repeats = 0
        for event in events:
            if event.offset <= fence:
                continue
            src = event.src
            if src is None:
                if event.redriven not in ("", self.agent):
                    continue  # a dead letter of another agent, come back: this one had it the first time
            elif marks.is_repeat(src):
                repeats += 1
                continue
            fresh.append(event)
        if repeats:
            self._dropped_src.inc(repeats)
        return fresh

    def _dead_letters(
        self, chunk: Chunk, part: Part, fence: int, failed: dict[int, Exception]
    ) -> list[Record]:
        why = {**part.malformed, **failed}
        if not why:
            return []
        letters = []
        for record in part.records:
            error = why.get(record.offset)
            if error is not None and record.offset > fence:
                log.warning(
                    "dead letter", agent=self.agent, topic=chunk.topic, partition=chunk.partition,
                    offset=record.offset, error=repr(error),
                )  # fmt: skip
                letters.append(self._letters.letter(chunk.topic, chunk.partition, record, error))
        return letters

    def _parts(self, chunk: Chunk) -> Iterator[Part]:
        """The chunk, cut where the request window is cut, so that chunk borders decide nothing."""
        records = chunk.records
        if not self._fold.windowed or chunk.first // WINDOW_BLOCK == chunk.last // WINDOW_BLOCK:
            yield self._part(chunk, chunk.start, records)
            return
        start, begin = chunk.start, 0
        for i in range(1, len(records) + 1):
            if (
                i == len(records)
                or records[i].offset // WINDOW_BLOCK != records[begin].offset // WINDOW_BLOCK
            ):
                yield self._part(chunk, start, records[begin:i])
                start, begin = records[i - 1].offset + 1, i

    def _part(self, chunk: Chunk, start: int, records: Sequence[LogRecord]) -> Part:
        place = chunk.topic, chunk.partition
        events, malformed = self._codec.events(*place, records, Event.read_causes)
        return Part(start, records[-1].offset, records, events, malformed)
