"""Where each partition is read from after a rebalance: behind the lowest fence of those who read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from faust.types import TP

from streams.engine.errors import End, LogRangeError
from streams.engine.runners import Runner


class Reader(Protocol):
    """What of the lane's consumer is asked."""

    _committed_offset: dict[TP, int | None]

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]: ...

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]: ...


class Positions:
    """Never the group's commit where there is a fence: the commit is only a hint."""

    def __init__(self, runners: Mapping[str, Sequence[Runner]], end: End) -> None:
        """`runners` by topic."""
        self._runners, self._end = runners, end

    async def after_rebalance(self, consumer: Any, assigned: set[TP]) -> dict[TP, int]:
        """Offset to read next, per partition. Ends the process if the log does not hold one."""
        wanted: dict[TP, int] = {}
        by_topic: dict[str, list[TP]] = {}
        for tp in assigned:
            if tp.topic in self._runners:
                by_topic.setdefault(tp.topic, []).append(tp)
        for topic, tps in by_topic.items():
            for runner in self._runners[topic]:
                fences = await runner.fences([tp.partition for tp in tps])
                for tp in tps:
                    fence = fences.get(tp.partition)
                    position = consumer._committed_offset.get(tp) or 0 if fence is None else fence + 1
                    wanted[tp] = min(position, wanted.get(tp, position))
        await self._check(consumer, wanted)
        return wanted

    async def _check(self, consumer: Reader, wanted: dict[TP, int]) -> None:
        if not wanted:
            return
        first = await consumer.earliest_offsets(*wanted)
        end = await consumer.highwaters(*wanted)
        for tp, offset in wanted.items():
            if not first[tp] <= offset <= end[tp]:
                agents = ", ".join(runner.agent for runner in self._runners[tp.topic])
                error = LogRangeError(agents, tp.topic, tp.partition, offset, first[tp], end[tp])
                self._end(str(error))
