"""By which ids a request and its answer are found again: in logs, in events, in what a user quotes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

from streams.core import tracing

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def ids_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """(traceparent, request id): what the client sent, where it is valid, else new ones.

    The traceparent is a child span of the caller's trace: events published for this request are its children.
    """
    parent = tracing.accepted(headers.get(tracing.HEADER))
    sent = headers.get("X-Request-Id", "")
    request_id = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
    return f"{parent[:36]}{secrets.token_hex(8)}-01", request_id
