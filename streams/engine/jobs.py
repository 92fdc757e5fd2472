"""Jobs of a worker in the order in which slots take them: most urgent first, then first come."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.event import Event
from streams.engine.runners import LaneEvent

DEFAULT_PRIORITY: Final = 5  # of events without a `priority` field; 0 is urgent, 9 can wait


@dataclass(slots=True)
class Job:
    """One request, waiting or running, with every delivery of it that waits for an acknowledgement."""

    event: Event
    arrivals: list[LaneEvent]
    attempt: int = 1

    @property
    def priority(self) -> int:
        return int(self.event.data.get("priority", DEFAULT_PRIORITY))

    @property
    def work_id(self) -> str:
        return str(self.event.data.get("work_id") or self.event.key)


class Jobs:
    """A priority queue with slots that take only what is urgent (priority 0)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._number = 0
        self._waiting: list[tuple[bool, asyncio.Future[Job]]] = []

    def put(self, job: Job) -> None:
        """Hand it to a slot that waits (one reserved for urgent jobs first), or keep it."""
        urgent = job.priority <= 0
        for reserved in (True, False) if urgent else (False,):
            for i, (urgent_only, slot) in enumerate(self._waiting):
                if urgent_only is reserved and not slot.done():
                    del self._waiting[i]
                    slot.set_result(job)
                    return
        self._number += 1
        heapq.heappush(self._heap, (job.priority, self._number, job))

    async def get(self, urgent_only: bool = False) -> Job:
        """The most urgent job, waiting for one if need be."""
        if self._heap and (not urgent_only or self._heap[0][0] <= 0):
            return heapq.heappop(self._heap)[2]
        slot: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        self._waiting.append((urgent_only, slot))
        try:
            return await slot
        except asyncio.CancelledError:
            self._waiting = [entry for entry in self._waiting if entry[1] is not slot]
            raise

    def waiting(self) -> Sequence[Job]:
        """Jobs that no slot has taken yet."""
        return [job for _, _, job in sorted(self._heap, key=lambda entry: entry[:2])]
