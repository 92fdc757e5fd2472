"""How far behind an agent is, and how old its events were when their result was visible."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, NoReturn

from faust.types import TP
from prometheus_client import REGISTRY

from streams.engine.acks import Standing
from streams.engine.chunk import Chunk
from streams.engine.lag import Lag
from streams.engine.runners import FencedRunner


class Applied:
    """An applier that is done at once."""

    def __init__(self, **applied: int) -> None:
        self.applied = {int(partition[1:]): fence for partition, fence in applied.items()}

    async def apply(self, chunk: Chunk) -> None:
        self.applied[chunk.partition] = chunk.last


def end(why: str) -> NoReturn:
    raise AssertionError(why)


def fenced(agent: str, applier: Applied) -> FencedRunner:
    async def fence(_partition: int) -> int:
        return -1

    return FencedRunner(applier, fence, lambda: 0, end, agent)


def lag(agent: str, partition: int) -> float | None:
    labels = {"agent": agent, "partition": str(partition)}
    return REGISTRY.get_sample_value("kinolog_lag_events", labels)


def test_the_lag_of_each_agent_is_to_its_own_fence_or_to_what_is_acknowledged() -> None:
    worker: Any = SimpleNamespace(agent="lag.worker")
    runners = {
        "t": [fenced("lag.quick", Applied(p0=99, p1=4)), fenced("lag.slow", Applied(p0=9))],
        "u": [worker],
    }
    standings = {TP("t", 0): Standing(10, 100), TP("t", 1): Standing(5, 4), TP("u", 0): Standing(7, 9)}
    watch = Lag(runners, lambda: standings)
    watch.look()
    assert [lag("lag.quick", 0), lag("lag.slow", 0), lag("lag.quick", 1)] == [0, 90, 0]
    assert lag("lag.worker", 0) == 2

    del standings[TP("t", 0)]  # another process has it now and tells of it
    watch.look()
    assert [lag("lag.quick", 0), lag("lag.slow", 0)] == [None, None]
    assert lag("lag.worker", 0) == 2


async def test_an_events_age_is_taken_when_its_chunk_is_applied() -> None:
    runner = fenced("lag.aged", Applied())
    acked = asyncio.Event()
    written_at_ms = int((time.time() - 3600) * 1000)
    record: Any = SimpleNamespace(offset=5, timestamp=written_at_ms, value=b"v")
    event: Any = SimpleNamespace(value=Chunk("t", 0, 5, (record,)), ack=acked.set)
    runner.submit(event)
    await runner._tasks[0]
    assert acked.is_set()
    total = REGISTRY.get_sample_value("kinolog_event_age_seconds_sum", {"agent": "lag.aged"})
    assert total is not None
    assert 3600 <= total < 3700
