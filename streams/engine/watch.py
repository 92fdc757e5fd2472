"""Notices a store that lost its last second, also where no records arrive.

Each second the fences of this process' partitions are read; one that went back ends the process, whose
next life seeks to it and applies again what was lost. A projection's pointer that went over to another
version ends it too: the next life feeds that version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from streams.core import metrics
from streams.engine.errors import End

PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """One fenced agent: its fences as this process last saw them, and how to read them."""

    agent: str
    applied: Mapping[int, int]
    fence: Callable[[int], Awaitable[int]]
    version: int
    current_version: Callable[[], Awaitable[int]]


class Watch:
    """Compares what is stored with what was seen."""

    def __init__(self, watched: Sequence[Watched], end: End) -> None:
        self._watched, self._end = watched, end

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            await asyncio.gather(*(self._look(one) for one in self._watched))

    async def _look(self, one: Watched) -> None:
        for partition, seen in list(one.applied.items()):
            stored = await one.fence(partition)
            metrics.FENCE.labels(one.agent, str(partition)).set(stored)
            if stored < seen and partition in one.applied:
                self._end(
                    f"{one.agent}[{partition}]: the fence went back from {seen} to {stored}: the store lost "
                    "data; the process ends and reads again from the fence"
                )
        version = await one.current_version()
        if version != one.version:
            self._end(f"{one.agent}: readers went over from version {one.version} to {version}: so do we")
