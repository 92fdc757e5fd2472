"""Sings when aiohttp changes what `gateways.core.heads` stands on: internals that no version of it promises.

When one differs: read the new source beside GuardedHandler, mend that, run the tests of heads and doors and
`make bench ARGS=gate.overload_goodput`, then write the new hash.
"""

from __future__ import annotations

import hashlib
import inspect

import aiohttp
import pytest
from aiohttp import web
from aiohttp.http import HttpRequestParser

PINS = {
    "__init__": "46c577d1f419158f",
    "connection_made": "44d50b5763b2c7e4",
    "connection_lost": "df2fe6e95fd04c7c",
    "data_received": "1ee57ebe052e6c80",
    "force_close": "38d0e1e798e4d3b7",
    "log_exception": "cece6fbeb4835022",
    "start": "2e565fd40c8e04fb",
    "_handle_request": "a88a34ee65a2714c",
    "_process_keepalive": "b472e0fb8445ce42",
}


@pytest.mark.parametrize("name", PINS)
def test_what_a_guarded_connection_stands_on_is_unchanged(name: str) -> None:
    source = inspect.getsource(getattr(web.RequestHandler, name))
    found = hashlib.sha256(source.encode()).hexdigest()[:16]
    assert found == PINS[name], (
        f"RequestHandler.{name} changed (aiohttp {aiohttp.__version__}): gateways/core/heads.py stands "
        f"on it. Compare both, mend it, then pin {found}"
    )


def test_a_request_that_the_door_answers_frees_its_place_in_the_parser() -> None:
    assert hasattr(HttpRequestParser, "message_consumed"), "see GuardedHandler._turned_away"
