"""What worker bodies are given, in memory. Held to the real ones by `tests/integration/media`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.media.grid import chunk_segments
from schemas.media.plan import Plan
from streams.core.content_keys import KeyUnknown, kid_of
from streams.core.objects import NoSuchObject, ObjectStoreUnavailable
from streams.core.vault import VaultUnavailable
from streams.engine import Out
from streams.media.answers import ChunkResult
from streams.media.source import ByteSource
from streams.media.work.tools import Tools


@dataclass
class Entry:
    key: str
    size: int


class FakeObjects:
    """A bucket as a dict. `away` makes that many calls fail as an outage does, after `sound` that do not."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.away = self.sound = 0

    def _check(self) -> None:
        if self.sound > 0:
            self.sound -= 1
        elif self.away > 0:
            self.away -= 1
            raise ObjectStoreUnavailable("the store is away")

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        self._check()
        self.puts.append(key)
        self.held[key] = data

    async def get(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        self._check()
        if key not in self.held:
            raise NoSuchObject(key)
        return self.held[key][start:end]

    async def list(self, prefix: str) -> AsyncIterator[Entry]:
        self._check()
        for key in sorted(self.held):
            if key.startswith(prefix):
                yield Entry(key, len(self.held[key]))

    async def delete_prefix(self, prefix: str) -> int:
        self._check()
        gone = [key for key in self.held if key.startswith(prefix)]
        for key in gone:
            del self.held[key]
        return len(gone)


class FakeVault:
    """Remembers who was forgotten. `away` makes that many calls fail as an outage does."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.away = 0

    async def forget(self, subject: str) -> int:
        if self.away > 0:
            self.away -= 1
            raise VaultUnavailable("the vault is away")
        self.forgotten.append(subject)
        return 1


class FakeContentKeys:
    """One key a KID, made of it. `forgotten` films have none."""

    def __init__(self) -> None:
        self.forgotten = False

    async def ensure(
        self, asset_id: str, scheme: str, version: int, labels: Iterable[str], *, film_known: bool = False
    ) -> dict[str, str]:
        if self.forgotten:
            raise KeyUnknown("forgotten")
        return {label: kid_of(asset_id, label, version) for label in labels}

    async def get(self, asset_id: str, scheme: str, version: int, kids: Sequence[str]) -> dict[str, bytes]:
        if self.forgotten:
            raise KeyUnknown("forgotten")
        return {kid: bytes.fromhex(kid)[::-1] for kid in kids}


class FakeEncoders:
    """Reads the source as a child would and gives made-up bytes; `fails` raises instead, `hold` waits."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.began = asyncio.Event()
        self.fails: list[Exception] = []
        self.hold: asyncio.Event | None = None
        self.found: Any = None

    async def _run(self, name: str, source: ByteSource) -> None:
        self.runs.append(name)
        self.began.set()
        await asyncio.to_thread(source.read, 0, source.size)
        if self.hold is not None:
            await self.hold.wait()
        if self.fails:
            raise self.fails.pop(0)

    async def probe(self, source: ByteSource, *, priority: int) -> Any:
        await self._run("probe", source)
        return self.found

    async def run_chunk(
        self,
        plan: Plan,
        chunk_index: int,
        source: ByteSource,
        *,
        priority: int,
        on_progress: Callable[[int], None],
    ) -> ChunkResult:
        on_progress(5)
        await self._run(f"chunk {chunk_index}", source)
        span = chunk_segments(plan, chunk_index)
        names = [*(r["name"] for r in plan["renditions"]), "audio"]
        return {
            "chunk_index": chunk_index,
            "first_segment_number": span.start,
            "renditions": {
                name: {
                    "name": name,
                    "codecs": f"codec of {name}",
                    "init": f"init {name}".encode(),
                    "segments": [f"{name} {n}".encode() for n in range(span.start, span.end)],
                }
                for name in names
            },
            "poster": b"poster" if chunk_index == 0 else None,
            "timings": {},
        }

    async def sheets(
        self, plan: Plan, rung: ByteSource, *, priority: int, key: bytes | None = None
    ) -> tuple[list[bytes], int]:
        await self._run("sheets", rung)
        return [b"sheet 0"], 1

    async def poster(self, rung: ByteSource, *, priority: int, key: bytes | None = None) -> bytes:
        await self._run("poster", rung)
        return b"later poster"


class FakeLibrary:
    """States by asset id."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    async def state_of(self, asset_id: str) -> str | None:
        return self.states.get(asset_id)


@dataclass
class FakeWork:
    """`Work` of the engine as a body sees it; `reported` keeps what was emitted on the way."""

    resources: Tools
    token: int = 1
    attempt: int = 1
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    reported: list[Out] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def report(self, out: Out) -> None:
        self.reported.append(out)
        self.told.set()
