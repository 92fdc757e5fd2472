"""W3C trace context: the traceparent that everything a task does belongs to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

HEADER: Final = "traceparent"
_FORM: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("kinolog_traceparent", default="")


def new_traceparent() -> str:
    """A new trace with one span, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def accepted(header: str | None) -> str:
    """A client's header if it is a valid version 00 traceparent, else a new one."""
    return header if header and _FORM.fullmatch(header) else new_traceparent()


def current() -> str:
    """The task's traceparent, or ""."""
    return _current.get()


def trace_id() -> str:
    """The 32 hexadecimal digits of the task's trace, or ""."""
    return _current.get()[3:35]


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    """Within the block (and tasks started in it) this is the trace; "" means none."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)
