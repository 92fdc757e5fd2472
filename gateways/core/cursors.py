"""Cursors of lists: opaque texts of where a page ended."""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from gateways.core.problem import Problem

LARGEST: Final = 2**53  # of a time in milliseconds


def pack(document: Any) -> str:
    """A JSON document as a text for URLs."""
    return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


def unpack(text: str) -> Any:
    """The document of such a text. Raises ValueError if it is none."""
    return orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encode(at_ms: int, key: str) -> str:
    """The text of a page's last item."""
    return pack([at_ms, key])


def decode(text: str) -> tuple[int, str]:
    """(milliseconds since 1970, key); Problem 422 for a text that is no cursor."""
    try:
        at_ms, key = unpack(text)
        if type(at_ms) is not int or not 0 <= at_ms <= LARGEST or type(key) is not str:
            raise ValueError("not a time and a key")
    except (ValueError, TypeError) as error:
        raise Problem("validation", "cursor: take it from `next_cursor` of the page before.") from error
    return at_ms, key
