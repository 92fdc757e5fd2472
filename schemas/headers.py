"""The Kafka headers of an event as we write them; `schemas.event` reads them, by these places first.

They follow CloudEvents' binary mode (`ce_*`), W3C trace context (`traceparent`), and two of our own:
`causation_id` (the `ce_id` of what caused it) and, on an agent's outputs, `src`.
"""

from __future__ import annotations

import time
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from schemas.event import deterministic_id

Headers = list[tuple[str, bytes]]

CONTENT_TYPE: Final = b"application/avro"
_hashed: Final = blake2b(digest_size=16).copy  # a third cheaper than making one


def src_origin(agent: str, topic: str, partition: int) -> str:
    """The part of `src` that all outputs of one agent and input partition share."""
    return f"{agent}|{topic}|{partition}"


def request_headers(
    type_name: str, source: str, ce_id: str, at_ms: int, cause: str = "", trace: str = ""
) -> Headers:
    """Headers of an event that is no agent's output: a gateway's request, a worker's report, a timer."""
    headers = [
        ("ce_id", ce_id.encode()),
        *_constant(type_name, source),
        ("ce_time", _rfc3339(at_ms)),
        ("traceparent", _traceparent(trace, ce_id, ce_id).encode()),
    ]
    if cause:
        headers.append(("causation_id", cause.encode()))
    return headers


def output_headers(
    type_name: str, agent: str, origin: str, offset: int, index: int, at_ms: int, cause: str, trace: str
) -> Headers:
    """Headers of output number `index` (0..65535) of the input at `offset`; equal for equal arguments.

    `origin` is `src_origin(...)`, `cause` the input's ce_id, `trace` its traceparent. `ce_id` is a hash
    of `src`, so a repeated output has the same id.
    """
    src = f"{origin}|{offset}|{index}".encode()
    hashed = _hashed()
    hashed.update(src)
    ce_id = hashed.hexdigest()
    parent = f"{trace[:36]}{ce_id[:16]}-01" if trace else _traceparent("", cause, ce_id)
    version, type_, source, content = _constant(type_name, agent)
    return [
        ("ce_id", ce_id.encode()),
        version,
        type_,
        source,
        content,
        ("ce_time", _rfc3339(at_ms)),
        ("traceparent", parent.encode()),
        ("causation_id", cause.encode()),
        ("src", src),
    ]


def _traceparent(parent: str, root: str, ce_id: str) -> str:
    """A child of `parent` whose span is named by the event; without one, a trace named by `root`."""
    if parent:
        return f"{parent[:36]}{_hex32(ce_id)[:16]}-01"
    return f"00-{_hex32(root)}-{_hex32(ce_id)[:16]}-01"


@lru_cache(maxsize=4096)
def _hex32(text: str) -> str:
    if len(text) == 32 and not text.strip("0123456789abcdef"):
        return text
    return deterministic_id(text)


@lru_cache(maxsize=4096)
def _constant(type_name: str, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", type_name.encode()),
        ("ce_source", f"kinolog/{source}".encode()),
        ("content-type", CONTENT_TYPE),
    )


@lru_cache(maxsize=1024)
def _rfc3339(at_ms: int) -> bytes:
    """Formatting costs about as much as encoding: events of one batch often share their millisecond."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03d}Z".encode()


@lru_cache(maxsize=64)
def _second(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s))
