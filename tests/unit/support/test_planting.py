"""The search for secrets can fail: what goes over a wire is written down, and found where it leaked."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import aiohttp
import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.leaks import Search
from tests.support.planting import BOOK, betrayed, planted

KEY = "kino_" + "0123456789abcdef" + "_" + "Qw3rTyUiOp-AsDfGhJkLzXcVbNm_1234567890abcde"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWEtc2Vzc2lvbi10b2tlbg"
COOKIE = TOKEN[:-5] + "cookie"
PASSWORD = "eleven green bicycles"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    BOOK.open(tmp_path / "book")
    yield tmp_path / "book"
    BOOK.open(None)


def found(file: Path, leak: str) -> list[str]:
    return list(Search(planted(file)).all_hits([("somewhere", leak.encode())]))


def telling(secret: str) -> str:
    return secret[-43:] if secret.startswith("kin") else secret.rpartition(".")[2]


@pytest.mark.parametrize("leak", [KEY, TOKEN, COOKIE, PASSWORD])
async def test_what_aiohttp_sends_and_gets_is_found(file: Path, leak: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        response = web.json_response({"deep": [{"api_key": KEY}]}, status=201)
        response.set_cookie("kinolog_session", COOKIE)
        return response

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with http.post(server.make_url("/"), json={"password": PASSWORD}, headers=headers) as answered:
            await answered.json()
    text = f"a line before {telling(leak)} and after"
    assert [hit.endswith("in clear") for hit in found(file, text)] == [True]
    encoded = base64.b64encode(f"x{telling(leak)}y".encode()).decode()
    assert [hit.endswith("in base64") for hit in found(file, encoded)] == [True]
    assert found(file, "nothing of the kind") == []


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(KEY)))
        self.end_headers()
        self.wfile.write(KEY.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize("leak", [KEY, TOKEN, PASSWORD])
def test_what_requests_sends_and_gets_is_found(file: Path, leak: str) -> None:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        served = Thread(target=server.handle_request)
        served.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        requests.post(url, json={"new_password": PASSWORD}, headers=headers, timeout=60)
        served.join()
    assert found(file, telling(leak))


def test_odd_values_and_closed_books_are_left_out(file: Path) -> None:
    BOOK.look_through('{"password": "xxxxxxxxxxxxxxxxxxxxxxxx"}')
    BOOK.look_through('{"password": "short"}')
    BOOK.look_through('{"password": ["no text"]}')
    BOOK.look_through("{password")
    BOOK.open(None)
    BOOK.look_through(KEY)
    assert planted(file) == {}


def test_a_pages_own_stores_hold_no_secret() -> None:
    assert list(betrayed({"local": {"theme": "dark"}, "session": {}})) == []
    assert list(betrayed({"local": {"k": f"a {KEY}"}, "session": {"t": TOKEN}})) == [
        "local holds a secret",
        "session holds a secret",
    ]
