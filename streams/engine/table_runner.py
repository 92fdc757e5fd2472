"""From the lane's events to a table in ClickHouse: chunks of all partitions go there in turns, together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, Protocol

from streams.engine.chunk import Chunk, joined, parts
from streams.engine.runners import Applying, Fenced, LaneEvent

PACE_S: Final = 0.5
INSERTS_PER_S: Final = 4
"""Of an agent without a pace of its own. An insert costs ClickHouse as much for one row as for a thousand, on
the embedded engine 11 ms of CPU with its merges: twelve busy partitions have a turn each three seconds."""


class TableApplier(Applying, Protocol):
    """A History."""

    async def apply_together(self, chunks: Sequence[Chunk]) -> None: ...


@dataclass(eq=False)
class TableRunner(Fenced[TableApplier]):
    """Projectors into ClickHouse: all partitions together.

    What came since the last turn goes to the table in one turn: asking it for its fences costs nearly as much
    as an insert, so there is one question for all partitions. `pace_s` lies between the begins of two turns;
    0: by the number of busy partitions. After a quiet moment no turn waits.
    """

    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _next_s: float = field(default=0.0, init=False)

    def submit(self, event: LaneEvent) -> None:
        self._waiting.setdefault(event.value.partition, deque()).append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._turns())

    async def _turns(self) -> None:
        clock = asyncio.get_running_loop().time
        with self._ending(self.agent):
            while any(self._waiting.values()):
                if (left_s := self._next_s - clock()) > 0:
                    await asyncio.sleep(left_s)
                taken = [events for waiting in self._waiting.values() if (events := self._next(waiting))]
                self._next_s = clock() + (self.pace_s or max(PACE_S, len(taken) / INSERTS_PER_S))
                await self._apply(taken)

    async def _apply(self, taken: Sequence[Sequence[LaneEvent]]) -> None:
        chunks = [joined([event.value for event in events]) for events in taken]
        with self._seconds.time():
            # Large chunks in parts: of each partition the first, then of each the second.
            for together in zip_longest(*(parts(chunk) for chunk in chunks)):
                await self.applier.apply_together([part for part in together if part])
        for events in taken:
            self._done(events)
