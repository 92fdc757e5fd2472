"""The versions of one ClickHouse table: what a replay builds, compares and removes.

A version is a table of its own (`schemas.keys.table_of`), filled from offset 0 by the same row function and
the same blocks as live. Rows at or below a frozen offset never change again, so two tables are compared by
sums of their rows' hashes, which do not depend on order, in ranges of offsets; what differs is looked at
range by range, so that memory is bounded however long the table is.

A ReplacingMergeTree is read with FINAL: what merges have removed by now is not of the log. What the running
table has replaced since it was frozen is left out on both sides, as it cannot be seen there any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.catalog import Agent, Topology
from schemas.keys import table_of
from schemas.wire import codec
from streams.core.clients import clickhouse_client
from streams.core.settings import Settings
from streams.engine.agents import TABLES
from streams.engine.chunk import Chunk
from streams.engine.differences import SAMPLE, Differences
from streams.engine.history import History, Table
from streams.engine.kept import Advance, Apply, Compared, Silence, unlimited
from streams.engine.outputs import Outputs
from streams.engine.reading import Place

RANGE: Final = 65_536  # offsets compared at once


class TableVersions:
    """Of a table, with all agents that write to it: they go over together."""

    def __init__(
        self, settings: Settings, topology: Topology, agents: Sequence[Agent], functions: Mapping[str, Any]
    ) -> None:
        self.name = agents[0].table
        self._settings, self._agents, self._functions = settings, agents, functions
        self._client: Any = None
        self.places = tuple(
            Place(topic, partition)
            for topic in dict.fromkeys(agent.reads for agent in agents)
            for partition in range(topology.topic(topic).partitions)
        )

    def label(self, place: Place) -> str:
        return f"{place.topic}:{place.partition}"

    async def fences(self, version: int) -> dict[Place, int]:
        found = dict.fromkeys(self.places, -1)
        if version in await self.kept():
            rows = await self._table(version).rows(
                f"SELECT topic, partition, max(offset) FROM {table_of(self.name, version)} "  # noqa: S608  # the map's own name
                "GROUP BY topic, partition"
            )
            found.update((Place(topic, partition), offset) for topic, partition, offset in rows)
        return found

    async def open(self, version: int) -> Apply:
        table = self._table(version)
        histories: dict[str, list[History]] = {}
        for agent in self._agents:
            function = self._functions[agent.name]
            await table.create(getattr(function, TABLES)[agent.name])
            history = History(agent.name, codec(), table, function, Outputs(Silence()), unlimited(agent.name))
            histories.setdefault(agent.reads, []).append(history)

        async def apply(chunk: Chunk) -> None:
            for history in histories[chunk.topic]:
                await history.apply(chunk)

        return apply

    async def compare(
        self, old: int, new: int, frozen: Mapping[Place, int], advance: Advance
    ) -> dict[Place, Compared]:
        found = {place: ("", Differences()) for place in frozen}
        filled = {place: last for place, last in frozen.items() if last >= 0}
        if not filled:
            return found
        since = await self._replaced_since(old, filled)
        left, right = [
            _Side(table_of(self.name, v), await self._columns(v), self._table(v), since) for v in (old, new)
        ]
        one, other = await left.ranges(filled), await right.ranges(filled)
        for place, last in filled.items():
            mine, theirs = one.get(place, {}), other.get(place, {})
            for begin in sorted(mine.keys() | theirs.keys()):
                if mine.get(begin) != theirs.get(begin):
                    await _differing(left, right, place, begin * RANGE, last, found[place][1])
            digest = ",".join(f"{begin}:{rows}:{total:x}" for begin, (rows, total) in sorted(theirs.items()))
            found[place] = (digest, found[place][1])
        return found

    async def kept(self) -> set[int]:
        rows = await self._table(1).rows(
            "SELECT name FROM system.tables "
            "WHERE database = currentDatabase() AND startsWith(name, {n:String})",
            n=self.name,
        )
        matches = (re.fullmatch(rf"{self.name}(?:_v([0-9]+))?", name) for (name,) in rows)
        return {int(match[1] or 1) for match in matches if match}

    async def drop(self, version: int) -> None:
        await self._table(version).drop()

    async def _replaced_since(self, version: int, frozen: Mapping[Place, int]) -> str | None:
        """A condition on rows that the running table has not replaced since; None: it replaces none."""
        name = table_of(self.name, version)
        [(engine, key)] = await self._table(version).rows(
            "SELECT engine, sorting_key FROM system.tables "
            "WHERE database = currentDatabase() AND name = {n:String}",
            n=name,
        )
        if "Replacing" not in engine:
            return None
        newer = " OR ".join(
            f"(topic = '{place.topic}' AND partition = {place.partition} AND offset > {last})"
            for place, last in frozen.items()
        )
        return f"({key}) NOT IN (SELECT {key} FROM {name} WHERE {newer})"  # noqa: S608  # the map's names

    async def _columns(self, version: int) -> list[str]:
        """Those that a row function fills: what the server adds by itself is not of the log."""
        rows = await self._table(version).rows(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {n:String} "
            "AND default_kind = '' ORDER BY name",
            n=table_of(self.name, version),
        )
        return [name for (name,) in rows]

    def _table(self, version: int) -> Table:
        return Table(self._connected, table_of(self.name, version), self._settings.clickhouse_cluster)

    async def _connected(self) -> Any:
        if self._client is None:
            self._client = await clickhouse_client(self._settings)
        return self._client

    async def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            await self._client.close()


class _Side(NamedTuple):
    """One of two tables that are compared."""

    name: str
    columns: Sequence[str]
    table: Table
    lasting: str | None  # condition on the rows of a table that replaces rows

    @property
    def source(self) -> str:
        """What rows are read from."""
        if self.lasting is None:
            return self.name
        return f"(SELECT * FROM {self.name} FINAL WHERE {self.lasting})"  # noqa: S608

    @property
    def sums(self) -> str:
        return f"count(), sum(sipHash64(formatRowNoNewline('JSONCompactEachRow', {', '.join(self.columns)})))"

    async def ranges(self, frozen: Mapping[Place, int]) -> dict[Place, dict[int, tuple[int, int]]]:
        """By place, range of offsets to the number of its rows and the sum of their hashes modulo 2^64."""
        rows = await self.table.rows(
            f"SELECT topic, partition, intDiv(offset, {RANGE}) AS begin, {self.sums} FROM {self.source} "  # noqa: S608
            "WHERE offset <= transform(concat(topic, ':', toString(partition)), {names:Array(String)}, "
            "{offsets:Array(Int64)}, toInt64(-1)) GROUP BY topic, partition, begin",
            names=[f"{topic}:{partition}" for topic, partition in frozen],
            offsets=list(frozen.values()),
        )
        found: dict[Place, dict[int, tuple[int, int]]] = {}
        for topic, partition, begin, count, total in rows:
            found.setdefault(Place(topic, partition), {})[begin] = (count, total)
        return found

    async def rows_at(self, place: Place, offset: int) -> Any:
        """The rows of one record: a mapping where it is one, None for none."""
        rows = await self.table.rows(
            f"SELECT {', '.join(self.columns)} FROM {self.source} "  # noqa: S608
            "WHERE topic = {t:String} AND partition = {p:UInt32} AND offset = {o:UInt64} ORDER BY ALL",
            t=place.topic, p=place.partition, o=offset,
        )  # fmt: skip
        found = [dict(zip(self.columns, row, strict=True)) for row in rows]
        return found[0] if len(found) == 1 else found or None


async def _differing(old: _Side, new: _Side, place: Place, begin: int, last: int, found: Differences) -> None:
    """Add the offsets of one range whose rows differ."""
    parts = [
        f"SELECT offset, ({side.sums}) AS sums FROM {side.source} "  # noqa: S608
        "WHERE topic = {t:String} AND partition = {p:UInt32} "
        "AND offset BETWEEN {begin:UInt64} AND {last:UInt64} GROUP BY offset"
        for side in (old, new)
    ]
    offsets = await new.table.rows(
        f"SELECT offset FROM ({' UNION ALL '.join(parts)}) GROUP BY offset "  # noqa: S608
        "HAVING count() < 2 OR min(sums) != max(sums) ORDER BY offset",
        t=place.topic, p=place.partition, begin=begin, last=min(last, begin + RANGE - 1),
    )  # fmt: skip
    for (offset,) in offsets:
        if len(found.sample) == SAMPLE:
            found.count += 1
            continue
        found.add(f"offset {offset}", await old.rows_at(place, offset), await new.rows_at(place, offset))
