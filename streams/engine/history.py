"""A ClickHouse projector: a chunk becomes one insert of one block, which is atomic.

The table itself holds the fence: reading resumes at its own max(offset) + 1 per Kafka partition, so every
table written here has the columns `topic`, `partition` and `offset`. The insert's deduplication token names
the fence it builds on: of two processes that build on the same one, ClickHouse keeps the first block. For
that the table needs `non_replicated_deduplication_window` (or replication).
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
import structlog

from schemas.ddl import create_table, drop_table
from schemas.event import Event
from schemas.wire import Codec
from streams.core import metrics
from streams.core.producer import Record
from streams.engine.agents import TYPES
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.errors import HoleError, TableGone, TableOutdated
from streams.engine.outputs import Outputs

log = structlog.get_logger("kinolog.engine.history")

T = TypeVar("T")
Rows = Callable[[Event], list[dict[str, Any]]]
_SETTINGS = {
    "input_format_parallel_parsing": 0,  # one block per insert
    "max_insert_block_size": 1_048_576,
    "async_insert": 0,
}
# ClickHouse's numbers for: too many queries at once, a socket's time-out, a network error, an aborted query
# (it is stopping), an overloaded server. Without a number somebody in between answered.
_PASSING_CODES: Final = frozenset((202, 209, 210, 236, 745))
_UNKNOWN_TABLE: Final = 60
_NO_SUCH_COLUMN: Final = 16  # of those that an insert names
_PASSING_STATUS: Final = re.compile(r"HTTP driver received HTTP status (429|50[234])\b")


class Table:
    """One ClickHouse table as the fence of what was inserted. Waits out a server that is away.

    Everything raises TableGone where there is no such table, `insert` TableOutdated where it lacks a column.
    """

    def __init__(self, client: Callable[[], Awaitable[Any]], name: str, cluster: str = "") -> None:
        """`client()` gives a connected clickhouse_connect AsyncClient, or raises while the server is away.

        `cluster` names the one whose hosts all have the table; empty for a single server.
        """
        self._connect, self.name, self._cluster = client, name, cluster
        self._client: Any = None

    async def create(self, ddl: str) -> None:
        """Make the table if it is not there. `ddl` has `{table}` where its name goes."""
        await self.command(create_table(ddl, self.name, self._cluster))

    async def drop(self) -> None:
        """Remove the table."""
        await self.command(drop_table(self.name, self._cluster))

    async def command(self, sql: str) -> None:
        """Run a statement that may be run twice."""

        async def run(client: Any) -> None:
            await client.command(sql)

        await self._patient(run)

    async def rows(self, sql: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """A query's rows; `{name:Type}` in its text is bound by the server."""

        async def ask(client: Any) -> Sequence[Sequence[Any]]:
            answer = await client.query(sql, parameters=parameters)
            found: Sequence[Sequence[Any]] = answer.result_rows
            return found

        return await self._patient(ask)

    async def fence(self, topic: str, partition: int) -> int:
        """Highest offset of this Kafka partition in the table, -1 for none."""

        async def ask(client: Any) -> int:
            answer = await client.query(
                f"SELECT max(offset), count() FROM {self.name} "  # noqa: S608  # the map's own table name
                "WHERE topic = {t:String} AND partition = {p:Int32}",
                parameters={"t": topic, "p": partition},
            )
            highest, count = answer.result_rows[0]
            return int(highest) if count else -1

        return await self._patient(ask)

    async def fences(self, topic: str, seen: Mapping[int, int]) -> dict[int, int]:
        """The same for every partition of `seen` in one query: -1 where the table went back behind it.

        Cheap however long the table is: only what stands at or above the fences seen is looked at.
        """
        found = dict.fromkeys(seen, -1)
        reached = " OR ".join(f"(partition = {p} AND offset >= {at})" for p, at in seen.items() if at >= 0)

        async def ask(client: Any) -> dict[int, int]:
            answer = await client.query(
                f"SELECT partition, max(offset) FROM {self.name} "  # noqa: S608  # the map's name, and numbers
                f"WHERE topic = {{t:String}} AND ({reached}) GROUP BY partition",
                parameters={"t": topic},
            )
            return {int(partition): int(highest) for partition, highest in answer.result_rows}

        return found | await self._patient(ask) if reached else found

    async def insert(self, rows: Sequence[dict[str, Any]], token: str) -> None:
        """All rows as one block, or none of them. A second insert with the same token changes nothing."""
        body = b"\n".join(orjson.dumps(row) for row in rows)

        async def put(client: Any) -> None:
            await client.raw_insert(
                self.name, list(rows[0]), body, fmt="JSONEachRow",
                settings={**_SETTINGS, "insert_deduplication_token": token},
            )  # fmt: skip

        await self._patient(put)

    async def _patient(self, call: Callable[[Any], Awaitable[T]]) -> T:
        from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError  # see clients.py

        waited = 0
        while True:
            try:
                if self._client is None:
                    self._client = await self._connect()
                return await call(self._client)
            except (OperationalError, OSError, TimeoutError) as exc:
                why = repr(exc)
            except DatabaseError as exc:
                if exc.code == _UNKNOWN_TABLE:
                    raise TableGone(self.name) from exc
                if exc.code == _NO_SUCH_COLUMN:
                    raise TableOutdated(self.name) from exc
                if not _passes(exc):
                    raise
                why = repr(exc)
            if waited % 20 == 0:
                log.warning("ClickHouse is away, waiting", table=self.name, why=why)
            waited += 1
            await asyncio.sleep(0.2 + random.random() * 0.3)  # jitter


def _passes(error: Any) -> bool:
    """Whether the same call may succeed later: the server is starting, stopping or full of queries.

    Its answer's text does not count: it may quote what was to be inserted.
    """
    if error.code is not None:
        return error.code in _PASSING_CODES
    return _PASSING_STATUS.match(str(error)) is not None


class History:
    """Applies chunks of one agent to its table. Calls must not overlap."""

    def __init__(
        self, agent: str, codec: Codec, table: Table, rows: Rows, outputs: Outputs, letters: DeadLetters
    ) -> None:
        self.agent, self.table = agent, table
        self._codec, self._rows, self._outputs, self._letters = codec, rows, outputs, letters
        self._types: frozenset[str] | None = getattr(rows, TYPES, None)
        self.applied: dict[int, int] = {}
        self._read = metrics.EVENTS_READ.labels(agent)
        self._refused = metrics.FENCE_REFUSED.labels(agent)

    async def apply(self, chunk: Chunk) -> None:
        """Return when the chunk's rows are in the table, now or earlier. Raises as `Transactor.apply`."""
        await self.apply_together([chunk])

    async def apply_together(self, chunks: Sequence[Chunk]) -> None:
        """The same for chunks of several partitions of one topic."""
        blocks = [self._block(chunk) for chunk in chunks]
        left = blocks
        while left:
            fences = await self._fences([block.chunk for block in left])
            for block in left:
                block.fence = fences[block.chunk.partition]
            left = [block for block in left if block.fence < block.highest]
            for block in left:
                self._check_hole(block.chunk, block.fence)
            await asyncio.gather(*(self._insert(block) for block in left))
        if letters := [letter for block in blocks for letter in block.letters]:
            self._outputs.send(letters)
            await self._outputs.flushed()
        for block in blocks:
            partition = block.chunk.partition
            self.applied[partition] = max(self.applied.get(partition, -1), block.fence)

    def _block(self, chunk: Chunk) -> _Block:
        self._read.inc(len(chunk.records))
        events, failed = self._codec.events(chunk.topic, chunk.partition, chunk.records, types=self._types)
        made: list[tuple[int, list[dict[str, Any]]]] = []
        for event in events:
            try:
                made.append((event.offset, self._rows(event)))
            except Exception as exc:
                failed[event.offset] = exc
        letters = [
            self._letters.letter(chunk.topic, chunk.partition, record, failed[record.offset])
            for record in chunk.records
            if record.offset in failed
        ]
        return _Block(chunk, made, letters, max((offset for offset, rows in made if rows), default=-1))

    async def _fences(self, chunks: Sequence[Chunk]) -> dict[int, int]:
        """The table's, now. One look above those that are known finds all that did not go back."""
        topic = chunks[0].topic
        found = await self.table.fences(
            topic, {c.partition: self.applied.get(c.partition, -1) for c in chunks}
        )
        unknown = [partition for partition, fence in found.items() if fence < 0]
        read = await asyncio.gather(*(self.table.fence(topic, partition) for partition in unknown))
        return found | dict(zip(unknown, read, strict=True))

    async def _insert(self, block: _Block) -> None:
        """What lies above the block's fence, as one insert that builds on it."""
        chunk, fence = block.chunk, block.fence
        rows = [row for offset, made_rows in block.made if offset > fence for row in made_rows]
        # A token that did not move the fence was used by a block that is gone: take another.
        block.tries = block.tries + 1 if fence == block.before else 0
        block.before = fence
        await self.table.insert(rows, f"{self.agent}:{chunk.topic}:{chunk.partition}:{fence}:{block.tries}")
        if block.tries:
            self._refused.inc()

    def _check_hole(self, chunk: Chunk, fence: int) -> None:
        """What this process saw in the table must not have gone back."""
        if fence < self.applied.get(chunk.partition, -1):
            raise HoleError(f"{self.agent}[{chunk.partition}]", fence, chunk.start)


@dataclass(slots=True)
class _Block:
    """A chunk on its way into the table."""

    chunk: Chunk
    made: list[tuple[int, list[dict[str, Any]]]]  # offset and rows of each event
    letters: list[Record]  # of what could not be read
    highest: int  # offset of the last event that has rows, -1 for none
    fence: int = -1  # the table's, when last asked
    before: int = -2  # the fence that the last insert built on
    tries: int = 0
