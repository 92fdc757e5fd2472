"""Tells how far each agent of this process is behind the end of the log, once a second.

Nobody is asked: the ends come with every answer to a fetch, the fences are those last seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from faust.types import TP

from streams.core import metrics
from streams.engine.acks import Standing
from streams.engine.runners import FencedRunner, Runner

PERIOD_S = 1.0


class Lag:
    """Sets `kinolog_lag_events` for the partitions that are ours, and for no others."""

    def __init__(
        self,
        runners: Mapping[str, Sequence[Runner]],
        standings: Callable[[], Mapping[TP, Standing]],
    ) -> None:
        """`runners` by topic; `standings()` of all assigned partitions whose end is known."""
        self._runners, self._standings = runners, standings
        self._shown: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            self.look()

    def look(self) -> None:
        """Set every series; those of partitions that left are removed, another process has them."""
        found: dict[tuple[str, str], int] = {}
        for tp, standing in self._standings().items():
            for runner in self._runners.get(tp.topic, ()):
                behind = standing.end - _done(runner, tp.partition, standing)
                found[runner.agent, str(tp.partition)] = max(0, behind)
        for labels in self._shown - found.keys():
            metrics.LAG.remove(*labels)
        for labels, behind in found.items():
            metrics.LAG.labels(*labels).set(behind)
        self._shown = set(found)


def _done(runner: Runner, partition: int, standing: Standing) -> int:
    """A fence is an agent's own; what is acknowledged is done by every agent of the app."""
    if isinstance(runner, FencedRunner) and partition in runner.applied:
        return max(standing.done, runner.applied[partition] + 1)
    return standing.done
