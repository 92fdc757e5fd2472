"""The versions of one ClickHouse table: what a replay builds, compares and removes.

A version is a table of its own (`schemas.keys.table_of`), filled from offset 0 by the same row function and
the same blocks as live. Rows at or below a frozen offset never change again, so two tables are compared by
sums of their rows' hashes, which do not depend on order, in ranges of offsets; what differs is looked at
range by range, so that memory is bounded however long the table is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

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
_WHERE: Final = "topic = {t:String} AND partition = {p:UInt32} AND offset <= {last:UInt64}"


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
        found = {}
        for place, last in frozen.items():
            if last < 0:
                found[place] = ("", Differences())
                continue
            one, other = [await self._ranges(version, place, last) for version in (old, new)]
            differences = Differences()
            for begin in sorted(one.keys() | other.keys()):
                if one.get(begin) != other.get(begin):
                    await self._differing(old, new, place, begin * RANGE, last, differences)
            digest = ",".join(f"{begin}:{rows}:{total:x}" for begin, (rows, total) in sorted(other.items()))
            found[place] = (digest, differences)
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
        await self._table(version).command(f"DROP TABLE IF EXISTS {table_of(self.name, version)} SYNC")

    async def _ranges(self, version: int, place: Place, last: int) -> dict[int, tuple[int, int]]:
        """Range of offsets to the number of its rows and the sum of their hashes, modulo 2^64."""
        rows = await self._table(version).rows(
            f"SELECT intDiv(offset, {RANGE}) AS begin, count(), sum({await self._hash(version)}) "  # noqa: S608
            f"FROM {table_of(self.name, version)} WHERE {_WHERE} GROUP BY begin",
            t=place.topic, p=place.partition, last=last,
        )  # fmt: skip
        return {begin: (count, total) for begin, count, total in rows}

    async def _differing(
        self, old: int, new: int, place: Place, begin: int, last: int, found: Differences
    ) -> None:
        """Add the offsets of one range whose rows differ."""
        where = f"{_WHERE} AND offset >= {{begin:UInt64}}"
        last = min(last, begin + RANGE - 1)
        parts = [
            f"SELECT offset, {version} AS version, (count(), sum({await self._hash(version)})) AS sums "  # noqa: S608
            f"FROM {table_of(self.name, version)} WHERE {where} GROUP BY offset"
            for version in (old, new)
        ]
        offsets = await self._table(new).rows(
            f"SELECT offset FROM ({' UNION ALL '.join(parts)}) GROUP BY offset "  # noqa: S608
            "HAVING count() < 2 OR min(sums) != max(sums) ORDER BY offset",
            t=place.topic, p=place.partition, begin=begin, last=last,
        )  # fmt: skip
        for (offset,) in offsets:
            if len(found.sample) == SAMPLE:
                found.count += 1
                continue
            before, after = [await self._rows_at(version, place, offset) for version in (old, new)]
            found.add(f"offset {offset}", before, after)

    async def _rows_at(self, version: int, place: Place, offset: int) -> Any:
        """The rows of one record: a mapping where it is one, None for none."""
        columns = await self._columns(version)
        rows = await self._table(version).rows(
            f"SELECT {', '.join(columns)} FROM {table_of(self.name, version)} "  # noqa: S608
            "WHERE topic = {t:String} AND partition = {p:UInt32} AND offset = {o:UInt64} ORDER BY ALL",
            t=place.topic, p=place.partition, o=offset,
        )  # fmt: skip
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        return found[0] if len(found) == 1 else found or None

    async def _hash(self, version: int) -> str:
        columns = ", ".join(await self._columns(version))
        return f"sipHash64(formatRowNoNewline('JSONCompactEachRow', {columns}))"

    async def _columns(self, version: int) -> list[str]:
        """Those that a row function fills: what the server adds by itself is not of the log."""
        rows = await self._table(version).rows(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {n:String} "
            "AND default_kind = '' ORDER BY name",
            n=table_of(self.name, version),
        )
        return [name for (name,) in rows]

    def _table(self, version: int) -> Table:
        return Table(self._connected, table_of(self.name, version))

    async def _connected(self) -> Any:
        if self._client is None:
            self._client = await clickhouse_client(self._settings)
        return self._client

    async def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            await self._client.close()
