"""Why an agent's process ends. Every message names the thing, what was expected, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

End = Callable[[str], NoReturn]
VERSIONED: Final = re.compile(r"_v[0-9]+$")  # what `schemas.keys.table_of` adds to a table's name


class EngineError(Exception):
    """The process must not go on: its supervisor starts it again, and it seeks to its fences."""


class HoleError(EngineError):
    """A chunk begins beyond fence + 1: the store lost writes that had been acknowledged to us."""

    def __init__(self, tag: str, fence: int, start: int) -> None:
        super().__init__(
            f"{tag}: the fence is {fence} but the chunk follows offset {start - 1}: the store lost data; "
            "the process ends and reads again from the fence"
        )


class LogRangeError(EngineError):
    """The log does not hold the offset that comes after the fence."""

    def __init__(self, tag: str, topic: str, partition: int, wanted: int, first: int, end: int) -> None:
        lost = (
            f"the log ends at {end}: the broker lost records that this projection has applied; restore the "
            "topic, or delete the projection's keys and rebuild it"
            if wanted > end
            else f"the log starts at {first}: records it needs are gone; restore the topic from a backup, or "
            "bring the projection back from one"
        )
        super().__init__(f"{tag}: expected offset {wanted} in {topic}[{partition}], but {lost}")


class TableGone(EngineError):
    """A table in ClickHouse was dropped, or renamed, while it was written to."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"ClickHouse has no table {table} any more: the process ends; its next life makes the table "
            "again and fills it from the log"
        )


class TableOutdated(EngineError):
    """A table in ClickHouse is of an older form: rows have a column that it has not."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"ClickHouse's table {table} lacks a column of its rows: an older version of Kinolog made it; "
            f"run `kinolog rebuild {VERSIONED.sub('', table)} --accept-differences`, which makes a new one "
            "from the log"
        )


class DeadLetterFlood(EngineError):
    """Too many events failed: stopping loses nothing, dead-lettering them all would."""
