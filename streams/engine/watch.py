"""Notices a store that lost its last second, also where no records arrive.

Each second the fences of this process' partitions are read, those in ClickHouse each few seconds; one that
went back ends the process, whose next life seeks to it and applies again what was lost. A projection's
pointer that went over to another version ends it too: the next life feeds that version. While a store is
away its agents' looks wait, so the first one after a reconnect compares; the other agents' go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from streams.core import metrics
from streams.engine.errors import End

PERIOD_S = 1.0
TABLE_PERIOD_S = 5.0  # of fences in ClickHouse: a query each

Fences = Mapping[int, int]  # partition -> last offset applied, -1 for none


@dataclass(frozen=True, slots=True)
class Watched:
    """One fenced agent: its fences as this process last saw them, and how to read them."""

    agent: str
    applied: Fences
    fences: Callable[[Fences], Awaitable[Fences]]  # of the partitions given, with what was seen of each
    version: int
    current_version: Callable[[], Awaitable[int]]
    period_s: float = PERIOD_S


class Watch:
    """Compares what is stored with what was seen."""

    def __init__(self, watched: Sequence[Watched], end: End) -> None:
        self._watched, self._end = watched, end

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.gather(*(self._keep_looking(one) for one in self._watched))

    async def _keep_looking(self, one: Watched) -> None:
        while True:
            await asyncio.sleep(one.period_s)
            await self._look(one)

    async def _look(self, one: Watched) -> None:
        seen = dict(one.applied)
        for partition, stored in (await one.fences(seen)).items():
            metrics.FENCE.labels(one.agent, str(partition)).set(stored)
            # A partition that left meanwhile is another process' to watch.
            if stored < seen[partition] and partition in one.applied:
                self._end(
                    f"{one.agent}[{partition}]: the fence went back from {seen[partition]} to {stored}: the "
                    "store lost data; the process ends and reads again from the fence"
                )
        version = await one.current_version()
        if version != one.version:
            self._end(f"{one.agent}: readers went over from version {one.version} to {version}: so do we")
