"""The door: whether a request finds room is settled when its head is here, before anything is spent on it.

At three times the load two of three requests are refused. Their answers are bytes made beforehand, the same
that a handler would give, but for its access line: `kinolog_load_shed_total` counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import orjson
from aiohttp import hdrs, web
from aiohttp.http import RawRequestMessage

from gateways.core.adaptive import Load, Priority, Ticket, overloaded
from gateways.core.headers import common_headers
from gateways.core.ids import ids_of
from gateways.core.origins import Friends
from gateways.core.problem import CONTENT_TYPE

_ORIGIN: Final = "o" * 16
_TRACE: Final = "t" * 32
_REQUEST: Final = "r" * 16
Rank = tuple[str, re.Pattern[str], Priority]
"""A method, a path's form, and the priority of what has both."""


class Door:
    """One a service. `ranks` are the requests that are not ORDINARY."""

    def __init__(
        self, load: Load, ranks: Iterable[Rank], allowed_origins: frozenset[str], friends: Friends
    ) -> None:
        self.load, self._friends = load, friends
        self._ranks: dict[str, list[tuple[re.Pattern[str], Priority]]] = {}
        for method, pattern, priority in ranks:
            self._ranks.setdefault(method, []).append((pattern, priority))
        self._refusals = {origin: _refusal(origin) for origin in allowed_origins}
        self._refusal, self._friends_refusal = _refusal(None), _refusal(_ORIGIN, friend=True)

    def arrive(self, message: RawRequestMessage) -> Ticket | bytes | None:
        """A place among those in flight; the whole answer if there is none; None for what is not counted."""
        priority = self.priority(message.method, message.path)
        if priority is Priority.ALWAYS:
            return None
        return self.load.enter(priority) or self._answer(message)

    def priority(self, method: str, target: str) -> Priority:
        """Of a request's method and target, as sent. Preflights are answered from the routes alone."""
        if method == hdrs.METH_OPTIONS:
            return Priority.ALWAYS
        path = target.partition("?")[0]
        for pattern, priority in self._ranks.get(method, ()):
            if pattern.fullmatch(path):
                return priority
        return Priority.ORDINARY

    def _answer(self, message: RawRequestMessage) -> bytes:
        traceparent, request_id = ids_of(message.headers)
        origin = message.headers.get(hdrs.ORIGIN)
        trace_id = traceparent[3:35].encode()
        if origin is not None and self._friends.have(origin, message.headers.get(hdrs.HOST, "")):
            head, body = self._friends_refusal
            head %= (origin.encode(), trace_id, request_id.encode())
        else:
            head, body = self._refusals.get(origin or "", self._refusal)
            head %= (trace_id, request_id.encode())
        return head if message.method == hdrs.METH_HEAD else head + body % trace_id


DOOR = web.AppKey("door", Door)


def _refusal(origin: str | None, *, friend: bool = False) -> tuple[bytes, bytes]:
    """Head and body of a refusal, with places for the trace id, the request id; and the trace id.

    Of a friend's the head has a place for the origin before them.
    """
    problem = overloaded()
    body = orjson.dumps(problem.body(_TRACE))
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        **problem.headers,
        hdrs.CONTENT_TYPE: CONTENT_TYPE,
        hdrs.CONTENT_LENGTH: str(len(body)),
        **common_headers(origin, friend=friend),
        "X-Trace-Id": _TRACE,
        "X-Request-Id": _REQUEST,
    }
    lines = [f"HTTP/1.1 {problem.kind.status} Service Unavailable"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return _form(head), _form(body)


def _form(text: bytes) -> bytes:
    text = text.replace(b"%", b"%%")
    for place in (_ORIGIN, _TRACE, _REQUEST):
        text = text.replace(place.encode(), b"%b")
    return text
