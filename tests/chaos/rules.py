"""Pure rules of the chaos stages, and what the oracle knows of them without any of the engine."""

from __future__ import annotations

from zlib import crc32

KEYS = 200  # distinct keys of the second and third stage, so that paths cross
TOIL_EVERY = 8  # one request in so many asks for work


def _hash(text: str) -> int:
    return crc32(text.encode())


def split_keys(rid: str) -> list[str]:
    """Keys of the 0..3 events that a request leads to."""
    x = _hash(rid)
    return [f"e{(x >> (6 * j + 2)) % KEYS}" for j in range(x % 4)]


def copy_keys(rid: str, j: int) -> list[str]:
    """Keys of the 1..2 copies of the j-th event of a request."""
    x = _hash(f"{rid}/{j}")
    return [f"c{(x >> (9 * i + 2)) % KEYS}" for i in range(1 + x % 2)]


def wants_work(rid: str) -> bool:
    """Whether the first decider asks the worker for something on behalf of this request."""
    return _hash(f"work/{rid}") % TOIL_EVERY == 0
