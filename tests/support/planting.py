"""Every secret that goes over a test's wire is written down, so that the search at the end knows them all.

No test has to think of it: whatever is sent or answered by aiohttp, requests or a browser's window is looked
through for what lets somebody in (tokens by their shape, passwords by their field), wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import requests
from playwright.async_api import BrowserContext, Error, Request, Response

SECRET_FIELDS: Final = frozenset({"password", "new_password", "current_password"})
BOOK_FILE: Final = "planted-secrets.jsonl"  # in the folder that all workers of a run share
MOST_BYTES: Final = 2**18  # longer bodies are films
_SHAPES: Final = re.compile(
    r"kin[olr]_[0-9a-f]{16,32}_[A-Za-z0-9_-]{43}"  # API keys, links' codes, refresh tokens
    r"|eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{20,}"  # session tokens, cookies, watch codes
)


class Book:
    """A list of secrets that all workers of a run write into; nothing is written down while it is closed."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._known: set[str] = set()

    def open(self, file: Path | None) -> None:
        """From now on write into `file`; None closes it."""
        if file != self._file:
            self._file, self._known = file, set()

    def plant(self, name: str, secret: str) -> None:
        """Write down a secret that must not stand anywhere; short and uniform ones (made up by tests of odd
        values) say nothing and are left out."""
        ours = secret.startswith(("kino_", "kinr_", "kinl_"))
        telling = secret[-43:] if ours else secret.rpartition(".")[2]
        if self._file is None or telling in self._known or len(telling) < 16 or len(set(telling)) < 8:
            return
        self._known.add(telling)
        with self._file.open("a") as file:  # one short line in one write: workers share the file
            file.write(json.dumps([name, telling]) + "\n")

    def look_through(self, raw: str | bytes | None) -> None:
        """Write down all secrets in a body, a header or a store of a browser."""
        if self._file is None or not raw or len(raw) > MOST_BYTES:
            return
        text = raw if isinstance(raw, str) else raw.decode(errors="replace")
        for token in _SHAPES.findall(text):
            self.plant("a token", token)
        if text.lstrip()[:1] == "{" and "password" in text:
            try:
                document = json.loads(text)
            except ValueError:
                return
            for name in SECRET_FIELDS & document.keys():
                if isinstance(document[name], str):
                    self.plant(name, document[name])


BOOK: Final = Book()


def planted(file: Path) -> dict[str, str]:
    """Secret -> what it is, of everything that was written down."""
    lines = file.read_text().splitlines() if file.exists() else []
    return {secret: name for name, secret in map(json.loads, lines)}


def watch_clients() -> None:
    """Look through everything that clients made from now on send and get."""
    _watch_aiohttp()
    _watch_requests()


def _watch_aiohttp() -> None:
    begin = aiohttp.ClientSession.__init__

    def watched(self: aiohttp.ClientSession, *positional: Any, **options: Any) -> None:
        traces = [*(options.pop("trace_configs", None) or ()), _trace()]
        begin(self, *positional, trace_configs=traces, **options)

    aiohttp.ClientSession.__init__ = watched  # type: ignore[method-assign]


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def sent(_: Any, __: Any, what: aiohttp.TraceRequestChunkSentParams) -> None:
        BOOK.look_through(what.chunk)

    async def got(_: Any, __: Any, what: aiohttp.TraceResponseChunkReceivedParams) -> None:
        BOOK.look_through(what.chunk)

    async def answered(_: Any, __: Any, what: aiohttp.TraceRequestEndParams) -> None:
        _look_through_headers(what.headers)
        _look_through_headers(what.response.headers)

    trace.on_request_chunk_sent.append(sent)
    trace.on_response_chunk_received.append(got)
    trace.on_request_end.append(answered)
    return trace


def _watch_requests() -> None:
    send = requests.Session.send

    def watched(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        answer = send(self, request, **options)
        BOOK.look_through(request.body if isinstance(request.body, str | bytes) else None)
        _look_through_headers(request.headers)
        _look_through_headers(answer.headers)
        if not options.get("stream"):
            BOOK.look_through(answer.content)
        return answer

    requests.Session.send = watched  # type: ignore[method-assign]


def _look_through_headers(headers: Mapping[str, str]) -> None:
    for text in headers.values():
        BOOK.look_through(text)


def watch_window(context: BrowserContext) -> None:
    """Look through what a browser's window sends, gets and is given as cookies."""

    async def sent(request: Request) -> None:
        BOOK.look_through(request.post_data_buffer)

    async def got(response: Response) -> None:
        try:
            BOOK.look_through(await response.header_value("set-cookie"))
            if "json" in (await response.header_value("content-type") or ""):
                BOOK.look_through(await response.body())
        except Error:
            return  # the page has gone elsewhere: its cookies are looked at in the end

    context.on("request", sent)
    context.on("response", got)


def betrayed(stores: Mapping[str, Any]) -> Iterator[str]:
    """What a page's own stores (storage -> text) tell to every script: the names of those with a secret."""
    for name, content in stores.items():
        if _SHAPES.search(json.dumps(content)):
            yield f"{name} holds a secret"
