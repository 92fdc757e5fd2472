"""Chunks of a partition are applied in order; what comes meanwhile, or within a pace, is applied together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

from streams.engine.chunk import CHUNK_RECORDS, PART_BYTES, Chunk
from streams.engine.runners import FencedRunner
from streams.engine.table_runner import TableRunner
from tests.support.played import played


class Applier:
    """Takes `took_s` for each chunk, and notes when it began."""

    def __init__(self, took_s: float) -> None:
        self.applied: dict[int, int] = {}
        self.took_s = took_s
        self.seen: list[tuple[float, int, list[int]]] = []

    async def apply(self, chunk: Chunk) -> None:
        at_s = round(asyncio.get_running_loop().time(), 3)
        self.seen.append((at_s, chunk.start, [record.offset for record in chunk.records]))
        await asyncio.sleep(self.took_s)


class Given:
    """The lane's event."""

    def __init__(
        self, first: int, count: int = 1, turn: int = 0, value: bytes = b"v", partition: int = 0
    ) -> None:
        records = tuple(SimpleNamespace(offset=first + n, timestamp=0, value=value) for n in range(count))
        self.value = Chunk("t", partition, first, records, turn)  # type: ignore[arg-type]
        self.acked = False

    def ack(self) -> bool:
        self.acked = True
        return True


def end(why: str) -> NoReturn:
    raise AssertionError(why)


def runner_of(applier: Applier, pace_s: float = 0.0) -> FencedRunner:
    async def fence(_partition: int) -> int:
        return -1

    return FencedRunner(applier, fence, lambda: 0, end, "runner", pace_s)


def test_what_comes_while_a_chunk_is_applied_is_applied_together() -> None:
    async def scene() -> None:
        applier = Applier(1.0)
        runner, events = runner_of(applier), [Given(number) for number in range(4)]
        runner.submit(events[0])
        await asyncio.sleep(0.5)
        for event in events[1:]:
            runner.submit(event)
        await asyncio.sleep(1.0)
        assert [event.acked for event in events] == [True, False, False, False]
        await asyncio.sleep(1.0)
        assert [seen[1:] for seen in applier.seen] == [(0, [0]), (1, [1, 2, 3])]
        assert all(event.acked for event in events)

    played(scene)


def test_large_records_are_applied_in_parts() -> None:
    """Of which the next begins where the last one ended, and that are acknowledged together."""

    async def scene() -> None:
        applier = Applier(1.0)
        runner, event = runner_of(applier), Given(5, 5, value=bytes(PART_BYTES // 2))
        runner.submit(event)
        await asyncio.sleep(2.5)
        assert [seen[1:] for seen in applier.seen] == [(5, [5, 6]), (7, [7, 8]), (9, [9])]
        assert not event.acked
        await asyncio.sleep(1.0)
        assert event.acked

    played(scene)


def test_no_more_at_once_than_a_chunk_may_hold_and_nothing_of_an_older_turn() -> None:
    async def scene() -> None:
        applier = Applier(1.0)
        runner, half = runner_of(applier), CHUNK_RECORDS // 2
        for event in (
            Given(0),
            Given(1, half),
            Given(1, 9, turn=-1),
            Given(1 + half, half),
            Given(1 + 2 * half),
        ):
            runner.submit(event)
        await asyncio.sleep(5.0)
        assert [(start, len(offsets)) for _, start, offsets in applier.seen] == [
            (0, 1 + half), (1 + half, 1 + half),
        ]  # fmt: skip

    played(scene)


def test_while_it_is_busy_chunks_begin_a_pace_apart_and_the_first_does_not_wait() -> None:
    async def scene() -> None:
        clock: Any = asyncio.get_running_loop().time
        applier = Applier(0.0)
        runner, began_s = runner_of(applier, 1.0), clock()
        for number in range(25):
            runner.submit(Given(number))
            await asyncio.sleep(0.1)
        await asyncio.sleep(10.0)
        runner.submit(Given(25))
        await asyncio.sleep(0)
        seen = [(round(at_s - began_s, 1), len(offsets)) for at_s, _, offsets in applier.seen]
        assert [at_s for at_s, _ in seen] == [0.0, 1.0, 2.0, 3.0, 12.5]
        assert sum(count for _, count in seen) == 26

    played(scene)


class Table:
    """Takes no time; notes when chunks came together, each as partition and offsets."""

    def __init__(self) -> None:
        self.applied: dict[int, int] = {}
        self.seen: list[tuple[float, list[tuple[int, list[int]]]]] = []

    async def apply_together(self, chunks: Sequence[Chunk]) -> None:
        at_s = round(asyncio.get_running_loop().time(), 1)
        self.seen.append((at_s, [(c.partition, [record.offset for record in c.records]) for c in chunks]))


def table_runner_of(table: Table, pace_s: float = 0.0) -> TableRunner:
    async def fence(_partition: int) -> int:
        return -1

    return TableRunner(table, fence, lambda: 0, end, "table", pace_s)


def test_a_table_takes_all_partitions_in_turns_and_the_first_does_not_wait() -> None:
    async def scene() -> None:
        table = Table()
        runner, began_s = table_runner_of(table, 1.0), asyncio.get_running_loop().time()
        events = [Given(0), Given(1), Given(7, partition=1), Given(9, turn=-1, partition=2)]
        for event in events:
            runner.submit(event)
            await asyncio.sleep(0.1)
        await asyncio.sleep(5.0)
        late = Given(2)
        runner.submit(late)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [(round(at_s - began_s, 1), chunks) for at_s, chunks in table.seen] == [
            (0.0, [(0, [0])]), (1.0, [(0, [1]), (1, [7])]), (5.4, [(0, [2])]),
        ]  # fmt: skip
        assert [event.acked for event in [*events, late]] == [True, True, True, False, True]

    played(scene)


def test_the_more_partitions_are_busy_the_rarer_are_the_turns_of_a_table() -> None:
    async def scene() -> None:
        table = Table()
        runner = table_runner_of(table)
        for turn in range(3):
            for partition in range(12):
                runner.submit(Given(turn, partition=partition))
            await asyncio.sleep(0.01)
        await asyncio.sleep(60.0)
        begun = [at_s for at_s, _ in table.seen]
        assert [len(chunks) for _, chunks in table.seen] == [12, 12]
        assert begun[1] - begun[0] == 3.0
        for quiet in range(3, 6):
            runner.submit(Given(quiet))
            await asyncio.sleep(0.01)
        await asyncio.sleep(60.0)
        assert round(table.seen[-1][0] - table.seen[-2][0], 1) == 0.5

    played(scene)


def test_of_large_chunks_each_partition_s_first_parts_go_together() -> None:
    async def scene() -> None:
        table = Table()
        runner = table_runner_of(table)
        runner.submit(Given(5, 3, value=bytes(PART_BYTES // 2)))
        runner.submit(Given(9, 1, partition=1))
        await asyncio.sleep(1.0)
        assert [chunks for _, chunks in table.seen] == [[(0, [5, 6]), (1, [9])], [(0, [7])]]

    played(scene)
