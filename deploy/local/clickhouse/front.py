"""The HTTP side: aiohttp handlers that turn requests into statements and results into answers."""

from __future__ import annotations

import asyncio
import hmac
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

from aiohttp import BasicAuth, web

from deploy.local.clickhouse import compression
from deploy.local.clickhouse.engine import GENERAL_CONNECTIONS, Engine
from deploy.local.clickhouse.statement import BadRequest, Statement, parse

LARGEST_BODY_BYTES = 256 * 1024 * 1024
# More threads than connections: waiting for a connection must not keep an insert from its own lane.
_THREADS = 8 * (GENERAL_CONNECTIONS + 2)
_CODE = re.compile(r"Code: (\d+)")
# HTTP status of ClickHouse's own server for the codes that clients tell apart; 500 otherwise.
_STATUS = {
    **dict.fromkeys((6, 26, 27, 38, 41, 62, 69, 72, 73, 117, 386, 457), 400),
    **dict.fromkeys((46, 47, 50, 60, 81, 115), 404),
    **dict.fromkeys((497, 164), 403),
    159: 408,
    202: 503,
    48: 501,
    516: 403,
}


class Front:
    """Handlers over one engine; `password` of the user `default` is required on every query."""

    def __init__(self, engine: Engine, password: str) -> None:
        self._engine = engine
        self._password = password
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="query")

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        app.router.add_get("/ping", self.ping)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/", self.query)
        return app

    async def ping(self, _request: web.Request) -> web.Response:
        """Alive; asks nothing of the engine, as with ClickHouse itself."""
        return web.Response(text="Ok.\n")

    async def query(self, request: web.Request) -> web.Response:
        """Run one query. Errors are text with ClickHouse's code in a header, as its clients expect."""
        query_id = request.query.get("query_id") or str(uuid.uuid4())
        try:
            self._authenticate(request)
            statement = await self._read(request)
            result = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._engine.run, statement
            )
        except BadRequest as refused:
            return _error(str(refused), query_id)
        except web.HTTPException:
            raise
        except Exception as failed:
            return _error(str(failed), query_id)
        headers = {
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": "{}",
            "X-ClickHouse-Query-Id": query_id,
        }
        if statement.is_read:
            headers["X-ClickHouse-Format"] = statement.answer_format
            if request.query.get("enable_http_compression") in ("1", "true"):
                accepted = request.headers.get("Accept-Encoding", "")
                result, coding = await asyncio.to_thread(compression.encode, result, accepted)
                if coding:
                    headers["Content-Encoding"] = coding
        return web.Response(body=result, headers=headers)

    async def _read(self, request: web.Request) -> Statement:
        if request.content_type == "multipart/form-data":
            raise BadRequest(
                48, "NOT_IMPLEMENTED", "External data (multipart/form-data) is not supported here."
            )
        # Whatever its content type says (curl says form-encoded), a body is SQL and data.
        body = compression.decode(await request.read(), request.headers.get("Content-Encoding", ""))
        return parse(request.query, body, read_only=request.method == "GET")

    def _authenticate(self, request: web.Request) -> None:
        user = request.headers.get("X-ClickHouse-User") or request.query.get("user")
        password = request.headers.get("X-ClickHouse-Key") or request.query.get("password")
        if "Authorization" in request.headers:
            try:
                basic = BasicAuth.decode(request.headers["Authorization"])
            except ValueError as error:
                raise BadRequest(
                    516, "AUTHENTICATION_FAILED", "Only Basic authorization is supported."
                ) from error
            user, password = basic.login, basic.password
        if (user or "default") != "default" or not hmac.compare_digest(
            (password or "").encode(), self._password.encode()
        ):
            raise BadRequest(516, "AUTHENTICATION_FAILED", f"{user or 'default'}: Authentication failed.")


def _error(text: str, query_id: str) -> web.Response:
    found = _CODE.search(text)
    code = int(found[1]) if found else 1002  # ClickHouse's UNKNOWN_EXCEPTION
    headers = {"X-ClickHouse-Exception-Code": str(code), "X-ClickHouse-Query-Id": query_id}
    text = text[found.start() :] if found else f"Code: {code}. DB::Exception: {text}"
    return web.Response(status=_STATUS.get(code, 500), text=text + "\n", headers=headers)
