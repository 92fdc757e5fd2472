"""ClickHouse's interface over the embedded engine, as clickhouse-connect and plain HTTP use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aiohttp
import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.clickhouse.engine import GENERAL_CONNECTIONS, SHORT_QUERY_S
from deploy.local.launcher import Stack


@pytest.fixture
def client(stack: Stack) -> Iterator[Any]:
    """clickhouse-connect as the platform makes it."""
    made = clickhouse_connect.get_client(dsn=stack.env["CLICKHOUSE_URL"], autogenerate_session_id=False)
    yield made
    made.close()


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    """An empty table of (a UInt64, s String)."""
    name = f"t_{uuid4().hex}"
    client.command(f"CREATE TABLE {name} (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    yield name
    client.command(f"DROP TABLE {name}")


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """Plain HTTP with the password."""
    url = urlsplit(stack.env["CLICKHOUSE_URL"])
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": url.password or ""}
    async with aiohttp.ClientSession(f"http://{url.hostname}:{url.port}", headers=headers) as session:
        yield session


async def ask(http: aiohttp.ClientSession, sql: str, **query: str) -> tuple[int, str]:
    async with http.post("/", params=query, data=sql.encode()) as answer:
        return answer.status, await answer.text()


def test_every_type_we_use_goes_there_and_back(client: Any) -> None:
    name = f"t_{uuid4().hex}"
    client.command(
        f"CREATE TABLE {name} (u UInt64, i Int32, f Float64, s String, l LowCardinality(String), "
        "n Nullable(String), a Array(String), m Map(String, UInt8), t DateTime64(3, 'UTC'), d Date, x UUID, "
        "e Enum8('a'=1,'b'=2), dec Decimal(10,2), b Bool) ENGINE = MergeTree ORDER BY u"
    )
    at = datetime(2026, 5, 1, 12, 30, 15, 250000, tzinfo=UTC)
    some_id = UUID(int=7)
    row = [2**63, -5, 0.5, "ä'\\\n\t", "low", None, ["x", "y"], {"k": 3}, at, date(2026, 5, 1), some_id, "b"]
    client.insert(name, [[*row, Decimal("1.25"), True]])
    (found,) = client.query(f"SELECT * FROM {name}", tz_mode="aware").result_rows
    assert list(found) == [*row, Decimal("1.25"), True]
    client.command(f"DROP TABLE {name}")


def test_large_inserts_and_answers_are_compressed_and_whole(client: Any, table: str) -> None:
    rows = [[number, f"row {number}"] for number in range(100_000)]
    client.insert(table, rows, column_names=["a", "s"])
    assert client.query(f"SELECT a, s FROM {table} ORDER BY a").result_rows == [tuple(row) for row in rows]


def test_a_batch_becomes_one_part(client: Any, table: str) -> None:
    client.insert(table, [[number, "x" * 20] for number in range(300_000)], column_names=["a", "s"])
    assert client.query(f"SELECT uniqExact(_part), count() FROM {table}").result_rows == [(1, 300_000)]


def test_parameters_are_bound_not_spliced(client: Any) -> None:
    nasty = 'it\'s \\ "quoted"\n\ttab'
    rows = client.query("SELECT {s:String}, {n:UInt64}", parameters={"s": nasty, "n": 2**60}).result_rows
    assert rows == [(nasty, 2**60)]


def test_settings_of_a_query_end_with_it(client: Any) -> None:
    sql = "SELECT getSetting('max_block_size')"
    usual = client.query(sql).result_rows
    assert client.query(sql, settings={"max_block_size": 123}).result_rows == [(123,)]
    for _ in range(2 * GENERAL_CONNECTIONS):
        assert client.query(sql).result_rows == usual


async def test_refused_settings_lose_no_connection(http: aiohttp.ClientSession) -> None:
    for _ in range(4 * GENERAL_CONNECTIONS):
        assert (await ask(http, "SELECT 1", no_such_setting="1"))[0] == 404
        assert (await ask(http, "SELECT 1", max_threads="many"))[0] == 400
        assert (await ask(http, "SELECT 1", max_block_size="none"))[0] == 400
        assert (await ask(http, "SELECT 1", distributed_product_mode="nonsense"))[0] >= 400
    assert await ask(http, "SELECT 1") == (200, "1\n")


async def test_an_error_says_code_and_status(http: aiohttp.ClientSession) -> None:
    async with http.post("/", data=b"SELECT * FROM no_such_table") as answer:
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "60")
        assert (await answer.text()).startswith("Code: 60. DB::Exception: ")
    assert (await ask(http, "SELEC 1"))[0] in (400, 404)
    assert (await ask(http, ""))[0] == 400


@pytest.mark.parametrize(
    ("data_format", "rows"),
    [
        ("JSONEachRow", b'{"a":1,"s":"x"}\n{"a":2,"s":"y"}\n'),
        ("TabSeparated", b"1\tx\n2\ty\n"),
        ("CSV", b'1,"x"\n2,"y"\n'),
        ("RowBinary", b"\x01\0\0\0\0\0\0\0\x01x\x02\0\0\0\0\0\0\0\x01y"),
        ("Values", b"(1,'x'),(2,'y')"),
    ],
)
async def test_formats_in_and_out(
    http: aiohttp.ClientSession, table: str, data_format: str, rows: bytes
) -> None:
    query = {"database": "kinolog", "query": f"INSERT INTO {table} FORMAT {data_format}"}
    # curl's default content type: a body is data whatever it says.
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with http.post("/", params=query, data=rows, headers=headers) as answer:
        assert (answer.status, await answer.text()) == (200, "")
    assert await ask(http, f"SELECT a, s FROM kinolog.{table} ORDER BY a") == (200, "1\tx\n2\ty\n")
    status, text = await ask(http, f"SELECT a, s FROM kinolog.{table} ORDER BY a FORMAT {data_format}")
    assert (status, text.strip().encode()) == (200, rows.strip())


async def test_of_an_insert_that_breaks_nothing_stays(http: aiohttp.ClientSession, table: str) -> None:
    rows = b'{"a":1,"s":"x"}\n' * 1000 + b'{"a":2,'
    status, text = await ask(http, f"INSERT INTO kinolog.{table} FORMAT JSONEachRow\n{rows.decode()}")
    assert status >= 400, text
    assert await ask(http, f"SELECT count() FROM kinolog.{table}") == (200, "0\n")


async def test_get_reads_and_does_not_write(http: aiohttp.ClientSession, table: str) -> None:
    async with http.get("/", params={"query": f"SELECT count() FROM kinolog.{table}"}) as answer:
        assert (answer.status, await answer.text()) == (200, "0\n")
    async with http.get("/", params={"query": f"DROP TABLE kinolog.{table}"}) as answer:
        assert answer.status == 403


async def test_the_password_is_asked_for(stack: Stack) -> None:
    url = urlsplit(stack.env["CLICKHOUSE_URL"])
    async with aiohttp.ClientSession(f"http://{url.hostname}:{url.port}") as nobody:
        for query in ({"query": "SELECT 1"}, {"query": "SELECT 1", "user": "default", "password": "wrong"}):
            async with nobody.post("/", params=query) as answer:
                assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
        async with nobody.get("/ping") as answer:
            assert await answer.text() == "Ok.\n"
        async with nobody.post(
            "/", data=b"SELECT 1", auth=aiohttp.BasicAuth("default", url.password or "")
        ) as answer:
            assert await answer.text() == "1\n"


def test_a_query_beyond_its_time_is_ended(client: Any) -> None:
    with pytest.raises(DatabaseError, match="TIMEOUT_EXCEEDED"):
        client.query("SELECT count() FROM numbers(1000000000000)", settings={"max_execution_time": 0.3})


def test_slow_queries_starve_neither_short_ones_nor_inserts(stack: Stack, client: Any, table: str) -> None:
    """All general connections are busy; short work goes on meanwhile.

    How long they must be busy for depends on the machine: where the short work took longer, all is done
    once more with slower queries. Short work that waits for slow queries is never done before they are.
    """
    assert any(short_work_overtakes(stack, client, table, slow_s) for slow_s in (8, 16, 32, 64))


def short_work_overtakes(stack: Stack, client: Any, table: str, slow_s: int) -> bool:
    """Whether short queries and inserts end while queries of so many seconds hold their connections."""
    started = threading.Barrier(GENERAL_CONNECTIONS + 1)

    def slow() -> None:
        own = clickhouse_connect.get_client(dsn=stack.env["CLICKHOUSE_URL"], autogenerate_session_id=False)
        started.wait()
        settings = {"max_execution_time": 4 * slow_s, "max_block_size": 1}
        own.query(f"SELECT sum(sleep(1)) FROM numbers({slow_s})", settings=settings)
        own.close()

    threads = [threading.Thread(target=slow) for _ in range(GENERAL_CONNECTIONS)]
    for thread in threads:
        thread.start()
    started.wait()
    for number in range(3):
        assert client.query("SELECT 1", settings={"max_execution_time": SHORT_QUERY_S}).result_rows == [(1,)]
        client.insert(table, [[number, "x"]], column_names=["a", "s"])
    overtaken = all(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    return overtaken


async def test_many_clients_at_once(http: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(ask(http, f"SELECT {number}") for number in range(60)))
    assert answers == [(200, f"{number}\n") for number in range(60)]
