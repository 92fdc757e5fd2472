"""Reads the log's history (ClickHouse, log_events): an asset's events in causal order, causes, effects.

A cursor is a vector: the last offset seen of each topic and partition. Rows of different topics arrive in
any order, rows of one partition in theirs, so nothing that arrives late is ever skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from gateways.core import cursors
from gateways.core.deps import History
from gateways.core.problem import Problem
from gateways.core.projections import ProjectionReader
from gateways.media.models import LogEntry
from schemas.keys import table_of

Cursor = dict[str, int]
_COLUMNS: Final = "topic, partition, offset, key, id, type, at_ms, source, causation_id, trace_id, data"
_TABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
MAX_CAUSES: Final = 64
MAX_EFFECTS: Final = 200
MAX_LINKS: Final = 100_000


class LogHistory:
    """Queries of one table."""

    def __init__(self, history: History, projections: ProjectionReader, name: str) -> None:
        """`name`: the table's in the map; each question looks up which version of it is current."""
        if not _TABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not a table name: use letters, digits and underscores")
        self._history, self._projections, self._name = history, projections, name

    async def _table(self) -> str:
        return table_of(self._name, await self._projections.version(self._name))

    async def page(self, asset_id: str, after: Cursor, limit: int) -> tuple[list[LogEntry], Cursor]:
        """Up to `limit` events after the cursor, causes before effects, and the cursor behind them.

        Ordered by a time that never runs backwards within a partition, so that a page always holds a
        gap-free stretch of each.
        """
        newer = (
            "AND offset > transform(concat(topic, ':', toString(partition)), {names:Array(String)}, "
            "{offsets:Array(Int64)}, toInt64(-1)) "
            if after
            else ""
        )
        rows = await self._history.query(
            f"SELECT {_COLUMNS} FROM (SELECT *, max(at_ms) OVER (PARTITION BY topic, partition "  # noqa: S608  # a checked name
            "ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS seen_ms "
            f"FROM {await self._table()} WHERE asset_id = {{asset_id:String}} {newer}) "
            "ORDER BY seen_ms, topic, partition, offset LIMIT {limit:UInt32}",
            {"asset_id": asset_id, "names": list(after), "offsets": list(after.values()), "limit": limit},
        )
        seen = dict(after)
        for row in rows:
            where = f"{row['topic']}:{row['partition']}"
            seen[where] = max(seen.get(where, -1), int(row["offset"]))
        return causes_first([_entry(row) for row in rows]), seen

    async def one(self, ce_id: str) -> tuple[LogEntry, str] | None:
        """The event with that id and its asset's id; None if it is not (yet) in the history."""
        rows = await self._history.query(
            f"SELECT {_COLUMNS}, asset_id FROM {await self._table()} WHERE id = {{id:String}} "  # noqa: S608
            "ORDER BY topic, partition, offset LIMIT 1",
            {"id": ce_id},
        )
        return (_entry(rows[0]), str(rows[0]["asset_id"])) if rows else None

    async def chain(self, entry: LogEntry, asset_id: str) -> tuple[list[LogEntry], list[LogEntry]]:
        """Causes, nearest first, and direct effects, oldest first; of the same asset."""
        links = await self._history.query(
            f"SELECT id, causation_id FROM {await self._table()} WHERE asset_id = {{asset_id:String}} "  # noqa: S608
            "ORDER BY at_ms LIMIT {limit:UInt32}",
            {"asset_id": asset_id, "limit": MAX_LINKS},
        )
        parents = {str(row["id"]): str(row["causation_id"] or "") for row in links}
        causes: list[str] = []
        cause = entry.causation_id
        while cause and cause not in causes and len(causes) < MAX_CAUSES:
            causes.append(cause)
            cause = parents.get(cause)
        effects = [child for child, parent in parents.items() if parent == entry.id][:MAX_EFFECTS]
        found = await self._by_id([*causes, *effects])
        return [found[i] for i in causes if i in found], [found[i] for i in effects if i in found]

    async def _by_id(self, ids: Sequence[str]) -> dict[str, LogEntry]:
        if not ids:
            return {}
        rows = await self._history.query(
            f"SELECT {_COLUMNS} FROM {await self._table()} WHERE id IN {{ids:Array(String)}} "  # noqa: S608
            "ORDER BY topic DESC, partition DESC, offset DESC",
            {"ids": list(ids)},
        )
        return {str(row["id"]): _entry(row) for row in rows}


def _entry(row: Mapping[str, Any]) -> LogEntry:
    return LogEntry(
        id=str(row["id"]),
        type=str(row["type"]),
        topic=str(row["topic"]),
        partition=int(row["partition"]),
        offset=int(row["offset"]),
        key=str(row["key"]),
        at_ms=int(row["at_ms"]),
        source=str(row["source"]),
        causation_id=str(row["causation_id"]) if row["causation_id"] else None,
        trace_id=str(row["trace_id"]) if row["trace_id"] else None,
        data=_json(row["data"]),
    )


def _json(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return text


def causes_first(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """The same entries with every cause before its effects, otherwise in their order.

    An agent's output carries the time of its input, so time alone leaves them side by side.
    """
    here = {entry.id: entry for entry in entries}
    placed: dict[str, LogEntry] = {}
    for entry in entries:
        pending = [entry]
        # Walk up to the first cause that is placed or elsewhere; `pending` cannot grow past the page.
        while (cause := here.get(pending[-1].causation_id or "")) is not None:
            if cause.id in placed or cause in pending:
                break
            pending.append(cause)
        for item in reversed(pending):
            placed.setdefault(item.id, item)
    return list(placed.values())


def encode_cursor(cursor: Cursor) -> str:
    """Opaque text of a cursor."""
    return cursors.pack(cursor)


def decode_cursor(text: str | None) -> Cursor:
    """The cursor of that text, empty for None; Problem 422 for anything else."""
    if not text:
        return {}
    try:
        raw = cursors.unpack(text)
        if type(raw) is not dict or not all(type(at) is int and -1 <= at < 2**63 for at in raw.values()):
            raise ValueError("not a vector of offsets")
    except ValueError as error:
        raise Problem("validation", "after: take it from `next_cursor` of the page before.") from error
    return raw
