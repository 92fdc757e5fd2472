"""Which answers of ClickHouse are waited out: told from errors that its client really raises."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from streams.core.clients import clickhouse_client
from streams.core.settings import Settings
from streams.engine.history import _passes


async def error_of(status: int, code: str, text: str) -> DatabaseError:
    """What the client raises where every query is answered so."""

    async def answer(_: web.Request) -> web.Response:
        headers = {"X-ClickHouse-Exception-Code": code} if code else {}
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestServer(app) as server:
        with pytest.raises(DatabaseError) as caught:
            await clickhouse_client(Settings(clickhouse_url=f"http://default:@127.0.0.1:{server.port}/x"))
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "text", "waited_out"),
    [
        (503, "", "the proxy has no server", True),
        (502, "", "bad gateway", True),
        (503, "202", "Code: 202. DB::Exception: Too many simultaneous queries", True),
        (500, "236", "Code: 236. DB::Exception: Aborted: the server is shutting down", True),
        (500, "26", 'Code: 26. DB::Exception: Cannot parse {"at_ms": 1503, "note": "Connection"}', False),
        (404, "60", "Code: 60. DB::Exception: Table x.log_502 does not exist", False),
        (403, "", "the proxy of page 503 forbids it", False),
    ],
)
async def test_what_a_row_or_a_name_says_is_no_reason_to_wait(
    status: int, code: str, text: str, waited_out: bool
) -> None:
    error = await error_of(status, code, text)
    assert (isinstance(error, OperationalError) or _passes(error)) is waited_out, repr(error)
