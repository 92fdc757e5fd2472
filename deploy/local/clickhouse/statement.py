"""One HTTP request understood: its SQL, its data, its settings and how it wants its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Parameters of the HTTP interface itself: everything else in the URL is a setting of the query.
_INTERFACE_PARAMETERS = frozenset(
    {
        "query",
        "database",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "enable_http_compression",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "user",
        "password",
        "role",
        "close_session",
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
        "http_response_buffer_size",
        "max_http_headers_size",
    }
)
# Settings that the front enforces itself. Handing `readonly` to a pooled connection would lock it for good;
# an asynchronous insert would be acknowledged before it is on disk.
_OWN_SETTINGS = frozenset({"readonly", "allow_ddl", "async_insert", "wait_for_async_insert"})

_LEADING_NOISE = re.compile(rb"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.S)
_INSERT = re.compile(
    rb"\A(INSERT\s+INTO\s+.+?)\s+(?:FORMAT\s+(\w+)|(VALUES))[ \t]*;?(?:\r?\n|(?=\s*\()|\s*\Z|[ \t]+)",
    re.I | re.S,
)
_INSERT_SELECT = re.compile(
    rb"\A[^'\"`(]*?(?:\([^)]*\)\s*)?(?:SETTINGS[^'(]*?)?\b(?:SELECT|WITH)\b", re.I | re.S
)
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b.*)?;?\s*\Z", re.I | re.S)
_READS = re.compile(rb"\A\(*\s*(?:SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN|CHECK|VALUES)\b", re.I)
_LOOKS_UP = re.compile(r"\A\s*(?:SHOW|DESCRIBE|DESC|EXISTS)\b", re.I)


class BadRequest(Exception):
    """The request is refused before it reaches the engine; `code` is ClickHouse's error code."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text} ({name})")
        self.code = code


@dataclass
class Statement:
    """What the engine is asked to do.

    `insert_format` is set for an INSERT that carries data; `sql` is then its head without FORMAT, and
    `data` the rows exactly as sent. Otherwise `sql` is the whole text and `answer_format` how to answer.
    """

    sql: str
    data: bytes = b""
    insert_format: str | None = None
    answer_format: str = "TabSeparated"
    database: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        """True for statements that change nothing and answer with rows."""
        return self.insert_format is None and _READS.match(self.sql.encode()) is not None

    @property
    def is_lookup(self) -> bool:
        """True for statements that only look into the catalogue: short by nature."""
        return _LOOKS_UP.match(self.sql) is not None


def parse(url: Mapping[str, str], body: bytes, *, read_only: bool = False) -> Statement:
    """Understand a request: SQL is `query` of the URL followed by the body.

    Raises BadRequest for an empty query, and for a write where only reads are allowed (GET, `readonly`).
    """
    query = url.get("query", "").encode()
    text = query + b"\n" + body if query and body else query or body
    text = _LEADING_NOISE.sub(b"", text)
    if not text.strip():
        raise BadRequest(62, "SYNTAX_ERROR", "Empty query: send SQL in the body or in the parameter `query`.")
    settings = {
        name: value
        for name, value in url.items()
        if name not in _INTERFACE_PARAMETERS and name not in _OWN_SETTINGS and not name.startswith("param_")
    }
    statement = Statement(
        sql="",
        database=url.get("database") or None,
        settings=settings,
        parameters={name[6:]: value for name, value in url.items() if name.startswith("param_")},
    )
    insert = _INSERT.match(text)
    if insert and not _INSERT_SELECT.match(insert[1][11:]):
        statement.sql = insert[1].decode()
        statement.insert_format = insert[2].decode() if insert[2] else "Values"
        statement.data = text[insert.end() :]
    else:
        try:
            statement.sql = text.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(62, "SYNTAX_ERROR", f"The query is not UTF-8 ({error}).") from error
        named = _FORMAT.search(text)
        statement.answer_format = named[1].decode() if named else url.get("default_format", "TabSeparated")
    if (read_only or url.get("readonly", "0") != "0") and not statement.is_read:
        raise BadRequest(164, "READONLY", "Cannot execute query in readonly mode: GET only reads, use POST.")
    return statement
