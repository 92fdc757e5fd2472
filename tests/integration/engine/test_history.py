"""The history on a real ClickHouse: each record's rows once, whatever is lost on the way."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import OperationalError

from deploy.local.launcher import Stack
from schemas.event import Event
from schemas.headers import request_headers
from schemas.wire import codec
from schemas.wiring import TIMER_DUE
from streams.core.clients import clickhouse_client
from streams.core.producer import Record
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.errors import HoleError, TableGone, TableOutdated
from streams.engine.history import History, Table
from tests.unit.engine.model import LogRecord

TOPIC = "test.said.events"
DDL = """
CREATE TABLE {table} (topic String, partition UInt32, offset UInt64, copy UInt8)
ENGINE = MergeTree ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000
"""


class Flaky:
    """A client on which chosen calls fail: before they reach the server, or when their answer is lost."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.refused: list[str] = []  # calls that will not reach the server
        self.lost: list[str] = []  # calls that will, and whose answer will not come back
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            if name in self.refused:
                self.refused.remove(name)
                raise OperationalError("Connection refused")
            answer = await getattr(self.client, name)(*args, **kwargs)
            if name in self.lost:
                self.lost.remove(name)
                raise OperationalError("Connection reset by peer")
            return answer

        return call


class Letters:
    """What went to the dead-letter topic."""

    def __init__(self) -> None:
        self.sent: list[Record] = []

    def send(self, records: Sequence[Record]) -> None:
        self.sent += records

    async def flushed(self) -> None:
        return None


def two_rows(event: Event) -> list[dict[str, Any]]:
    """Two rows for each event but every fifth, which has none."""
    if event.offset % 5 == 4:
        return []
    where = {"topic": event.topic, "partition": event.partition, "offset": event.offset}
    return [{**where, "copy": copy} for copy in range(2)]


def chunk(first: int, last: int, partition: int = 0, value: bytes | None = None) -> Chunk:
    """Records of these offsets, both included."""
    body = (
        codec().encode(TIMER_DUE, {"timer_id": "t", "due_at_ms": 1, "note": ""}) if value is None else value
    )
    records = tuple(
        LogRecord(n, 1, b"k", body, request_headers(TIMER_DUE, "test", f"c{n}", 1, "", ""))
        for n in range(first, last + 1)
    )
    return Chunk(TOPIC, partition, first, records)


def places(*ranges: tuple[int, int]) -> list[tuple[int, int]]:
    """(offset, copy) that the table must hold of these offset ranges."""
    offsets = [n for first, last in ranges for n in range(first, last + 1) if n % 5 != 4]
    return [(n, copy) for n in offsets for copy in range(2)]


class World:
    """One table; `life()` is a process that writes to it."""

    def __init__(self, flaky: Flaky, connect: Callable[[], Any]) -> None:
        self.flaky, self._connect = flaky, connect
        self.name = f"t{secrets.token_hex(6)}"
        self.letters = Letters()

    def life(self) -> History:
        outputs: Any = self.letters
        table = Table(self._connect, self.name)
        return History("log.test", codec(), table, two_rows, outputs, DeadLetters("log.test", "test"))

    async def held(self, partition: int = 0) -> list[tuple[int, int]]:
        answer = await self.flaky.client.query(
            f"SELECT offset, copy FROM {self.name} WHERE partition = {partition} ORDER BY offset, copy"
        )
        return list(answer.result_rows)


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    flaky = Flaky(await clickhouse_client(stack.settings))

    async def connect() -> Flaky:
        return flaky

    made = World(flaky, connect)
    await made.life().table.create(DDL)
    yield made
    await flaky.client.command(f"DROP TABLE {made.name}")
    await flaky.client.close()


async def test_a_life_resumes_behind_what_the_table_holds(world: World) -> None:
    first = world.life()
    await first.apply(chunk(0, 6))
    await first.apply(chunk(0, 2, partition=1))
    second = world.life()
    assert [await second.table.fence(TOPIC, p) for p in (0, 1, 2)] == [6, 2, -1]
    await second.apply(chunk(3, 12))  # read again from further back, in other chunks
    await second.apply(chunk(3, 3, partition=1))
    assert await world.held() == places((0, 12))
    assert await world.held(1) == places((0, 3))
    assert second.applied == {0: 12, 1: 3}


async def test_an_insert_whose_answer_was_lost_is_made_again_and_changes_nothing(world: World) -> None:
    world.flaky.lost = ["raw_insert"]
    await world.life().apply(chunk(0, 6))
    assert world.flaky.calls["raw_insert"] == 2
    assert await world.held() == places((0, 6))


async def test_of_two_processes_on_the_same_fence_one_block_stays(world: World) -> None:
    """A zombie read the fence, slept, and inserts what its successor has inserted meanwhile."""
    zombie, successor = world.life(), world.life()
    read = zombie.table.fence

    async def slept(topic: str, partition: int) -> int:
        fence = await read(topic, partition)
        zombie.table.fence = read  # type: ignore[method-assign]  # once
        await successor.apply(chunk(0, 8))
        return fence

    zombie.table.fence = slept  # type: ignore[method-assign]
    await zombie.apply(chunk(0, 6))
    assert await world.held() == places((0, 8))
    assert zombie.applied == {0: 8}


async def test_a_server_that_is_away_is_waited_for(world: World) -> None:
    world.flaky.refused = ["query", "query", "raw_insert", "query"]
    await world.life().apply(chunk(0, 6))
    assert world.flaky.refused == []
    assert await world.held() == places((0, 6))


async def test_a_process_that_starts_before_the_server_waits(world: World) -> None:
    failures = iter([ConnectionRefusedError(), OperationalError("Connection refused")])

    async def connect() -> Flaky:
        for failure in failures:
            raise failure
        return world.flaky

    history = world.life()
    history.table._connect = connect
    await history.apply(chunk(0, 3))
    assert await world.held() == places((0, 3))


async def test_a_wrong_statement_is_raised_at_once(world: World) -> None:
    with pytest.raises(Exception, match=r"(?i)unknown.*identifier"):
        await world.life().table.rows(f"SELECT nonsense FROM {world.name}")


async def test_a_table_that_is_dropped_is_made_and_filled_again_by_the_next_life(world: World) -> None:
    history = world.life()
    await history.apply(chunk(0, 6))
    await world.flaky.client.command(f"DROP TABLE {world.name} SYNC")
    table = history.table
    for look in (table.fences(TOPIC, {0: 6}), table.fence(TOPIC, 0), history.apply(chunk(7, 8))):
        with pytest.raises(TableGone, match=f"{world.name} any more: the process ends; its next life"):
            await look
    following = world.life()
    await following.table.create(DDL)
    assert await following.table.fence(TOPIC, 0) == -1
    await following.apply(chunk(0, 8))
    assert await world.held() == places((0, 8))


async def test_a_table_of_an_older_form_is_told_with_what_to_do(world: World) -> None:
    await world.flaky.client.command(f"ALTER TABLE {world.name} DROP COLUMN copy")
    with pytest.raises(TableOutdated, match=f"kinolog rebuild {world.name} --accept-differences"):
        await world.life().apply(chunk(0, 6))


async def test_fences_of_all_partitions_are_one_question(world: World) -> None:
    history = world.life()
    await history.apply(chunk(0, 6))
    await history.apply(chunk(0, 2, partition=1))
    asked = world.flaky.calls["query"]
    assert await history.table.fences(TOPIC, {0: 6, 1: 1, 2: -1}) == {0: 6, 1: 2, 2: -1}
    assert world.flaky.calls["query"] == asked + 1


async def test_a_table_that_lost_its_end_is_seen_by_the_watch_and_by_the_next_chunk(world: World) -> None:
    history = world.life()
    await history.apply(chunk(0, 6))
    await world.flaky.client.command(
        f"ALTER TABLE {world.name} DELETE WHERE offset > 2 SETTINGS mutations_sync = 1"
    )
    assert await history.table.fences(TOPIC, history.applied) == {0: -1}
    with pytest.raises(HoleError):
        await history.apply(chunk(7, 8))
    await world.life().apply(chunk(3, 8))  # the next life reads again from the fence
    assert await world.held() == places((0, 8))


async def test_what_cannot_be_read_is_dead_lettered_and_the_rest_kept(world: World) -> None:
    broken = chunk(2, 2, value=b"not an event")
    good = chunk(0, 3)
    mixed = Chunk(TOPIC, 0, 0, (*good.records[:2], *broken.records, good.records[3]))
    await world.life().apply(mixed)
    assert await world.held() == places((0, 1), (3, 3))
    (letter,) = world.letters.sent
    assert dict(letter.headers)["dlq_offset"] == b"2"
