"""Where an agent's fence, marks and states live together, so that one call reads or moves all of them.

`Store` is the contract; `RedisStore` its only real implementation. The tests' in-memory one is held to the
same suite (`tests/unit/engine/store_contract.py`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
import redis.asyncio as aioredis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from schemas.keys import tag
from schemas.wiring import REPEATED
from streams.engine import scripts
from streams.engine.ops import Arg, Op, merged
from streams.engine.patience import patiently

OUTCOME_TTL_S: Final = 600
_REPEATED: Final = f'{{"type":"{REPEATED}"'
"""How the outcome of a repeated request begins: what became of the request before is added as `first`."""
_SHA: Final = {text: hashlib.sha1(text.encode()).hexdigest() for text in (scripts.READ, scripts.WRITE)}  # noqa: S324  # Redis' own name of a script

RedisClient = aioredis.Redis | RedisCluster


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A chunk's view of one partition, of one moment. `fence` is the last offset applied, -1 for none."""

    fence: int
    marks: dict[bytes, int]  # origin of an agent's outputs -> highest position applied
    states: dict[str, bytes]  # of the keys asked for, those that exist
    seen: frozenset[str] = frozenset()  # of the request ids asked for, those in the window
    floor: float = -1  # newest at_ms that the window has forgotten


@dataclass(slots=True)
class Effects:
    """All that a chunk changes; written whole or not at all."""

    fence: int
    marks: dict[bytes, int] = field(default_factory=dict)
    states: dict[str, bytes | None] = field(default_factory=dict)  # None deletes
    seen: dict[str, int] = field(default_factory=dict)  # request id -> at_ms
    block: int | None = None  # set where a window is kept
    floor: float = -1
    outcomes: dict[str, str] = field(default_factory=dict)  # <request ce_id>:<key> -> JSON document
    ops: list[Op] = field(default_factory=list)
    note: bytes = b""  # published on the partition's channel; b"" publishes nothing


class Store(Protocol):
    """State of one (name, version), by input partition."""

    async def read(
        self, partition: int, keys: Sequence[str], ids: Sequence[str] = (), block: int = 0
    ) -> Snapshot:
        """One moment's view. With a window, `ids` are looked up as of the begin of `block`."""

    async def fence(self, partition: int) -> int:
        """Last offset applied, -1 for none."""

    async def write(self, partition: int, expected: int, effects: Effects) -> bool:
        """Write everything if the fence still is `expected`; False, and nothing written, if not."""


class RedisStore:
    """A store on Redis or Redis Cluster. Waits out a lost server; raises on everything else.

    After a lost connection it is unknown whether a write was applied: it is sent again, and then refused
    by its own fence. The caller reads again and finds its records below the fence.
    """

    def __init__(self, client: RedisClient, name: str, version: int = 1, window: int = 0) -> None:
        """`client` must not decode responses. `window` is the number of request ids kept (0: none)."""
        self.name, self.version, self.window = name, version, window
        self._client = client

    def tag(self, partition: int) -> str:
        return tag(self.name, self.version, partition)

    async def read(
        self, partition: int, keys: Sequence[str], ids: Sequence[str] = (), block: int = 0
    ) -> Snapshot:
        t = self.tag(partition)
        flat, values, known, floor = await self._eval(
            scripts.READ,
            (f"{t}:meta", f"{t}:state", f"{t}:seen"),
            (self.window, block, len(ids), *ids, *keys),
        )
        marks = {flat[i]: flat[i + 1] for i in range(0, len(flat), 2)}
        fence = int(marks.pop(b"fence", -1))
        marks.pop(b"floor", None)
        marks.pop(b"block", None)
        return Snapshot(
            fence,
            {origin: int(position) for origin, position in marks.items()},
            {key: value for key, value in zip(keys, values, strict=False) if value is not None},
            frozenset(ids[i] for i in known),
            float(floor),
        )

    async def fence(self, partition: int) -> int:
        value = await patiently(self.name, lambda: self._client.hget(f"{self.tag(partition)}:meta", "fence"))
        return -1 if value is None else int(value)

    async def write(self, partition: int, expected: int, effects: Effects) -> bool:
        keys, args = written(self.tag(partition), expected, effects)
        return bool(await self._eval(scripts.WRITE, keys, args))

    async def _eval(self, script: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        async def call() -> Any:
            try:
                return await self._client.evalsha(_SHA[script], len(keys), *keys, *args)
            except NoScriptError:
                return await self._client.eval(script, len(keys), *keys, *args)

        return await patiently(self.name, call)


def written(tag_text: str, expected: int, effects: Effects) -> tuple[list[str], list[Arg]]:
    """Keys and arguments of the WRITE script; its comment has the layout."""
    sets = [x for key, doc in effects.states.items() if doc is not None for x in (key, doc)]
    gone = [key for key, doc in effects.states.items() if doc is None]
    keys = [f"{tag_text}:meta", f"{tag_text}:state", f"{tag_text}:seen"]
    requests: defaultdict[str, list[str]] = defaultdict(list)
    for request, outcome in effects.outcomes.items():
        requests[outcome].append(request)
    numbers: dict[str, int] = {}
    ops = merged(effects.ops)
    for _, suffix, _ in ops:
        if suffix not in numbers:
            keys.append(f"{tag_text}:{suffix}")
            numbers[suffix] = len(keys)
    windowed = effects.block is not None
    args: list[Arg] = [
        expected, effects.fence, tag_text if effects.note else "", effects.note, OUTCOME_TTL_S,
        effects.floor if windowed else "", effects.block if effects.block is not None else "",
        len(effects.marks), len(sets) // 2, len(gone), len(effects.seen) if windowed else 0,
        len(requests), len(ops),
    ]  # fmt: skip
    for origin, position in effects.marks.items():
        args += (origin, position)
    args += sets
    args += gone
    if windowed:
        for request, at_ms in effects.seen.items():
            args += (at_ms, request)
    for outcome, ids in requests.items():
        args += (outcome, orjson.dumps(ids), "repeat" if outcome.startswith(_REPEATED) else "")
    for command, suffix, own in ops:
        args += (numbers[suffix], len(own), command)
        args += own
    return keys, args
