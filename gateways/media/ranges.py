"""HTTP ranges and validators of objects whose bytes never change under their name."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from aiohttp import hdrs, web

from gateways.core.problem import Problem

# No object has a size of more digits; Python refuses to read numbers of thousands of them.
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Range(NamedTuple):
    """Bytes [start, end)."""

    start: int
    end: int


def wanted(request: web.Request, size: int, etag: str) -> Range | None:
    """The one range to send, or None for the whole object. Problem 416 if it lies outside.

    Several ranges, another unit, or an If-Range of another entity mean the whole object (RFC 9110, 14.2).
    """
    header = request.headers.get(hdrs.RANGE)
    if header is None or request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return None
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    else:
        start, end = max(0, size - int(last)), size
    if start >= size or start >= end:
        raise Problem(
            "bad-range",
            f"The object has {size} bytes; ask for a range within them.",
            headers={hdrs.CONTENT_RANGE: f"bytes */{size}"},
        )
    return Range(start, end)


def unchanged(request: web.Request, etag: str) -> bool:
    """Whether If-None-Match says that the client has it."""
    header = request.headers.get(hdrs.IF_NONE_MATCH)
    if header is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in known or "*" in known
