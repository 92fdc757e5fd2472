"""How the ClickHouse front understands a request."""

from __future__ import annotations

import pytest

from deploy.local.clickhouse import compression
from deploy.local.clickhouse.statement import BadRequest, parse


@pytest.mark.parametrize(
    ("head", "data_format", "data"),
    [
        ("INSERT INTO t FORMAT JSONEachRow\n", "JSONEachRow", b'{"a":1}'),
        ("INSERT INTO d.t (`a`, `b`) FORMAT Native\n", "Native", b"\x02\x01FORMAT X\n\x00"),
        ("insert into t format RowBinary\r\n", "RowBinary", b"\n\n\x00"),
        ("INSERT INTO t SETTINGS max_threads=1 FORMAT CSV\n", "CSV", b"1,2\n"),
        ("-- why\n/* and\nhow */ INSERT INTO t FORMAT TSV\n", "TSV", b"1\t2\n"),
        ("INSERT INTO t VALUES ", "Values", b"(1, 'a'), (2, 'SELECT')"),
        ("INSERT INTO t FORMAT JSONEachRow ", "JSONEachRow", b'{"a":1}'),
    ],
)
def test_insert_with_data(head: str, data_format: str, data: bytes) -> None:
    for statement in (parse({}, head.encode() + data), parse({"query": head.rstrip("\r\n")}, data)):
        assert statement.insert_format == data_format
        assert statement.data.lstrip() == data.lstrip()
        assert "FORMAT" not in statement.sql.upper()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t SELECT * FROM s FORMAT Null",
        "INSERT INTO t (a, b) SELECT 1, 2",
        "INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x",
    ],
)
def test_insert_select_goes_to_the_engine_whole(sql: str) -> None:
    statement = parse({}, sql.encode())
    assert statement.insert_format is None
    assert statement.sql == sql
    assert not statement.is_read


@pytest.mark.parametrize(
    ("sql", "default", "expected"),
    [
        ("SELECT 1", None, "TabSeparated"),
        ("SELECT 1", "Native", "Native"),
        ("SELECT 1 FORMAT JSON", "Native", "JSON"),
        ("SELECT 1\n format JSONEachRow;\n", None, "JSONEachRow"),
        ("SELECT 'FORMAT x' AS a", None, "TabSeparated"),
        ("SELECT 1 FORMAT JSON SETTINGS max_threads=1", None, "JSON"),
    ],
)
def test_answer_format(sql: str, default: str | None, expected: str) -> None:
    assert parse({"default_format": default} if default else {}, sql.encode()).answer_format == expected


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "  (SELECT 1)", "WITH 1 AS x SELECT x", "SHOW TABLES", "-- a\nDESC t", "EXISTS t"]
)
def test_reads(sql: str) -> None:
    assert parse({"query": sql}, b"", read_only=True).is_read


@pytest.mark.parametrize(
    "sql", ["INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE t (a Int8)", "SET a=1"]
)
def test_writes_are_refused_on_get_and_readonly(sql: str) -> None:
    for url, read_only in (({"query": sql}, True), ({"query": sql, "readonly": "1"}, False)):
        with pytest.raises(BadRequest, match="READONLY"):
            parse(url, b"", read_only=read_only)


def test_settings_and_parameters_are_told_apart() -> None:
    url = {
        "query": "SELECT {a:Int8}",
        "param_a": "1",
        "max_threads": "2",
        "session_id": "s",
        "async_insert": "1",
    }
    statement = parse(url, b"")
    assert statement.settings == {"max_threads": "2"}
    assert statement.parameters == {"a": "1"}


@pytest.mark.parametrize("body", [b"", b"  \n", b"-- only a comment"])
def test_nothing_is_a_syntax_error(body: bytes) -> None:
    with pytest.raises(BadRequest, match="Empty query"):
        parse({}, body)


@pytest.mark.parametrize("coding", ["zstd", "lz4", "gzip", "deflate"])
def test_compression_takes_the_clients_first(coding: str) -> None:
    body, chosen = compression.encode(b"x" * 1000, f"br, {coding};q=1, gzip")
    assert chosen == coding
    assert len(body) < 500


def test_small_or_unasked_answers_stay_plain() -> None:
    assert compression.encode(b"x", "gzip") == (b"x", None)
    assert compression.encode(b"x" * 1000, "br") == (b"x" * 1000, None)


@pytest.mark.parametrize("coding", ["zstd", "lz4", "gzip"])
def test_a_body_of_several_frames_is_read_whole(coding: str) -> None:
    frames = [compression.encode(bytes([number]) * 1000, coding)[0] for number in range(3)]
    assert compression.decode(b"".join(frames), coding) == b"".join(bytes([n]) * 1000 for n in range(3))
    with pytest.raises(BadRequest, match="broken"):
        compression.decode(b"".join(frames)[:-5], coding)


@pytest.mark.parametrize("coding", ["zstd", "lz4", "gzip", "deflate"])
def test_broken_and_unknown_bodies_are_refused(coding: str) -> None:
    encoded, _ = compression.encode(b"x" * 1000, coding)
    assert compression.decode(encoded, coding) == b"x" * 1000
    with pytest.raises(BadRequest, match="broken"):
        compression.decode(b"not compressed", coding)
    with pytest.raises(BadRequest, match="not supported"):
        compression.decode(b"x", "br")
