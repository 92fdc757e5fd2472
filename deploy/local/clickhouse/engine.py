"""A pool of connections to the embedded engine.

Blocking: every call runs in a thread of the caller's choice. Connections are divided into lanes so that
slow queries can never starve the rest: general work may fill the general lane only, one connection is kept
for queries that promise to be short, one for inserts.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from deploy.local.clickhouse.statement import BadRequest, Statement

GENERAL_CONNECTIONS = 4
# A query with at most this `max_execution_time` may use the reserved connection: the engine ends it in time.
SHORT_QUERY_S = 5.0
DEFAULT_MAX_EXECUTION_S = "60"
WAIT_FOR_CONNECTION_S = 30.0

# As clients of the HTTP interface expect them; a pooled connection always returns to these.
BASE_SETTINGS = {
    "date_time_input_format": "best_effort",
    "cast_string_to_dynamic_use_inference": "1",
    "max_execution_time": DEFAULT_MAX_EXECUTION_S,
    # One insert of a batch becomes one block, hence one part per table partition: atomic.
    "min_insert_block_size_rows": "10000000",
    "min_insert_block_size_bytes": "1073741824",
    "max_insert_block_size": "10000000",
    "async_insert": "0",
}
_NUMBER = re.compile(r"\A-?\d+(\.\d+)?([eE][+-]?\d+)?\Z")
_NUMERIC_TYPES = frozenset(
    {"UInt64", "Int64", "Int32", "NonZeroUInt64", "Float", "Double", "Seconds", "Milliseconds"}
)
_BOOLEANS = frozenset({"0", "1", "true", "false"})


class Engine:
    """Opens the database at `path` and runs statements on it. Close it before the process ends."""

    def __init__(self, path: str) -> None:
        from chdb.state import connect

        self._connect: Callable[[], Any] = lambda: connect(path)
        self._lanes: dict[str, queue.Queue[Any]] = {
            name: queue.Queue() for name in ("general", "short", "insert")
        }
        self._free = threading.Condition()
        for lane, size in (("general", GENERAL_CONNECTIONS), ("short", 1), ("insert", 1)):
            for _ in range(size):
                self._lanes[lane].put(self._open())
        self._types = self._setting_types()

    def run(self, statement: Statement) -> bytes:
        """Execute one statement; an insert is on disk on return. Raises BadRequest or chdb's errors."""
        self._validate(statement.settings)
        with self._connection(statement) as connection:
            if statement.insert_format is not None:
                _insert(connection, statement)
                return b""
            result = connection.query(
                statement.sql, statement.answer_format, params=statement.parameters or None
            )
            return bytes(result.bytes() or b"")

    def close(self) -> None:
        """Close every connection that is not in use."""
        for lane in self._lanes.values():
            with contextlib.suppress(queue.Empty):
                while True:
                    lane.get_nowait().close()

    def _open(self) -> Any:
        connection = self._connect()
        for name, value in BASE_SETTINGS.items():
            connection.query(f"SET {name} = {_quote(value)}")
        return connection

    def _setting_types(self) -> dict[str, str]:
        connection = self._lanes["short"].get()
        try:
            rows = connection.query("SELECT name, type FROM system.settings", "TabSeparated").bytes().decode()
        finally:
            self._lanes["short"].put(connection)
        return dict(line.split("\t") for line in rows.splitlines())

    def _validate(self, settings: dict[str, str]) -> None:
        """Refuse what the engine would refuse, before a connection is taken for it."""
        for name, value in settings.items():
            kind = self._types.get(name)
            if kind is None:
                raise BadRequest(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
            if (kind == "Bool" and value not in _BOOLEANS) or (
                kind in _NUMERIC_TYPES and not _NUMBER.match(value)
            ):
                raise BadRequest(
                    27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", f"Setting {name} is a {kind}: {value!r}"
                )

    @contextlib.contextmanager
    def _connection(self, statement: Statement) -> Iterator[Any]:
        """A connection with the statement's database and settings; goes back clean, or is replaced."""
        lane, connection = self._take(statement)
        clean = False
        try:
            connection.query(f"USE {_identifier(statement.database or 'default')}")
            try:
                for name, value in statement.settings.items():
                    connection.query(f"SET {name} = {_quote(value)}")
                yield connection
            finally:
                for name in statement.settings:
                    base = BASE_SETTINGS.get(name)
                    connection.query(f"SET {name} = {_quote(base) if base is not None else 'DEFAULT'}")
            clean = True
        except Exception:
            clean = _answers(connection, statement.settings)
            raise
        finally:
            if not clean:
                with contextlib.suppress(Exception):
                    connection.close()
                connection = self._open()
            self._put(lane, connection)

    def _take(self, statement: Statement) -> tuple[str, Any]:
        lanes = _lanes_for(statement)
        deadline = time.monotonic() + WAIT_FOR_CONNECTION_S
        with self._free:
            while True:
                for lane in lanes:
                    with contextlib.suppress(queue.Empty):
                        return lane, self._lanes[lane].get_nowait()
                if not self._free.wait(deadline - time.monotonic()):
                    raise BadRequest(
                        202,
                        "TOO_MANY_SIMULTANEOUS_QUERIES",
                        f"No connection became free in {WAIT_FOR_CONNECTION_S:.0f} s: retry, or set a "
                        f"max_execution_time of at most {SHORT_QUERY_S:.0f} to use the reserved connection.",
                    )

    def _put(self, lane: str, connection: Any) -> None:
        with self._free:
            self._lanes[lane].put(connection)
            self._free.notify_all()


def _lanes_for(statement: Statement) -> tuple[str, ...]:
    """Lanes a statement may use, its own first."""
    if statement.insert_format is not None:
        return ("insert", "general")
    if statement.is_lookup:  # clients ask for a table's columns before each insert
        return ("general", "short")
    limit = float(statement.settings.get("max_execution_time", DEFAULT_MAX_EXECUTION_S) or 0)
    if 0 < limit <= SHORT_QUERY_S:
        return ("general", "short")
    return ("general",)


def _insert(connection: Any, statement: Statement) -> None:
    """Stream the rows in; nothing of them stays when a row cannot be read."""
    if statement.parameters:
        raise BadRequest(
            48, "NOT_IMPLEMENTED", "Query parameters of an INSERT with data are not supported here."
        )
    if not statement.data.strip():
        return
    insert = connection.send_insert(statement.sql, statement.insert_format)
    try:
        insert.append(statement.data)
        insert.finish()
    except BaseException:
        with contextlib.suppress(Exception):
            insert.cancel()
        raise


def _answers(connection: Any, settings: dict[str, str]) -> bool:
    """True if a connection survived an error and carries none of the failed statement's settings."""
    try:
        for name in settings:
            base = BASE_SETTINGS.get(name)
            connection.query(f"SET {name} = {_quote(base) if base is not None else 'DEFAULT'}")
        return bytes(connection.query("SELECT 1", "TabSeparated").bytes()) == b"1\n"
    except Exception:
        return False


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
