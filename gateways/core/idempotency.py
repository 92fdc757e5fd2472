"""A client's Idempotency-Key becomes a deterministic ce_id, so that a retry is the same request."""

from __future__ import annotations

import uuid
from typing import Final

from aiohttp import web

from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from schemas.event import deterministic_id

HEADER: Final = "Idempotency-Key"
MAX_LENGTH: Final = 200
HEADERS: Final = ((HEADER, f"1 to {MAX_LENGTH} characters; a retry with the same key is the same request"),)
"""What routes that take it declare."""


def idempotency_key(request: web.Request) -> str | None:
    """The key, or None; raises a Problem for one that is empty, too long or not printable."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    key = key.strip()
    if not key or len(key) > MAX_LENGTH or not key.isprintable():
        raise Problem(
            "malformed-request",
            f"{HEADER} must be 1 to {MAX_LENGTH} printable characters; a random UUID is a good one.",
        )
    return key


def scoped_id(request: web.Request, purpose: str) -> str:
    """32 hexadecimal digits: the same for the same key, purpose and caller; random without a key."""
    key = idempotency_key(request)
    if key is None:
        return uuid.uuid4().hex
    return deterministic_id("idempotency", purpose, principal_of(request).subject, key)
