"""Rebuild a projection beside the running one, prove that both are equal, and let readers go over.

Version n + 1 is built from the first record to exactly the fences of version n (the frozen vector), by the
same code that runs live. Then digests of both are compared per partition and key range. Going over is one
compare-and-set of the pointer; the live worker sees it, ends, and its next life feeds the new version.
Nothing is emitted while replaying: no outputs, no outcomes.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.catalog import Agent, Topology
from schemas.keys import pointer_key
from schemas.wire import codec
from schemas.wiring import check_functions
from streams.core.producer import EventProducer, now_ms
from streams.core.settings import Settings
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.digests import Digest, differing, digest, drop
from streams.engine.outputs import Encoder, Outputs
from streams.engine.patience import patiently
from streams.engine.projectors import ProjectorFold
from streams.engine.reading import Reading
from streams.engine.store import RedisStore
from streams.engine.transact import Fold, Transactor
from streams.engine.versions import REQUEST_WINDOW, current_version

SCRATCH_VERSION: Final = 1_000_000_000  # of `verify`: read by nobody, deleted afterwards
FOLLOW_S: Final = 20.0  # the new version is fed for so long after going over, until its worker is there
RECEIPTS: Final = "engine.projection.events"
REBUILT: Final = "kinolog.engine.ProjectionRebuilt"
CHUNK: Final = 500
NEVER_MS: Final = 2**62

# KEYS: pointer. ARGV: version before, version after.
_GO_OVER: Final = """
if (redis.call('GET', KEYS[1]) or '1') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class ReplayRefused(Exception):
    """This agent cannot be replayed so, or somebody else went over meanwhile; the text says what to do."""


@dataclass
class Report:
    """What a replay found. Equal when `differing` is empty."""

    name: str
    from_version: int
    to_version: int
    offsets: dict[int, int] = field(default_factory=dict)  # partition -> last offset both applied
    digests: dict[int, str] = field(default_factory=dict)  # partition -> digest of the running version
    differing: dict[int, list[str]] = field(default_factory=dict)  # partition -> keys, at most twenty
    ranges: dict[int, list[int]] = field(default_factory=dict)  # partition -> key ranges that differ
    records: int = 0
    started_at_ms: int = field(default_factory=now_ms)

    @property
    def equal(self) -> bool:
        return not self.differing


class _Silence:
    """A producer that drops everything: replaying must not speak."""

    def produce_many(self, records: Any) -> int:
        return sum(1 for _ in records)

    async def flush(self) -> None:
        return None


class Replay:
    """One rebuild or verification of one agent whose state is in Redis."""

    def __init__(
        self, settings: Settings, topology: Topology, name: str, client: Any, say: Callable[[str], None]
    ) -> None:
        """Raises ReplayRefused for agents without state in Redis, ContractError for unknown ones."""
        self._settings, self._topology, self._client, self._say = settings, topology, client, say
        self.agent: Agent = topology.agent(name)
        if not (
            self.agent.kind == "decider" or (self.agent.kind == "projector" and self.agent.store == "redis")
        ):
            raise ReplayRefused(
                f"{name} keeps no state in Redis: replay works for deciders and Redis projectors; a "
                "ClickHouse table is rebuilt by dropping it, its agent fills it again from the log"
            )
        self._function = check_functions(topology, [self.agent])[name]
        self._reading = Reading(settings, self.agent.reads)

    async def verify(self) -> Report:
        """Build a scratch version, compare, delete it."""
        version = await current_version(self._client, self.agent.name)
        report = Report(self.agent.name, version, SCRATCH_VERSION)
        await self._drop(SCRATCH_VERSION)
        try:
            await self._compare(report)
        finally:
            await self._drop(SCRATCH_VERSION)
        return report

    async def rebuild(self) -> Report:
        """Build the next version, compare, and if equal go over and follow; an unequal one is kept."""
        if self.agent.kind != "projector":
            raise ReplayRefused(
                f"{self.agent.name} is a decider: its state has no versions; `verify` compares it, and "
                "deleting its keys lets it build itself anew"
            )
        version = await current_version(self._client, self.agent.name)
        report = Report(self.agent.name, version, version + 1)
        await self._drop(version + 1)
        transactor = await self._compare(report)
        if report.equal:
            await self._go_over(report)
            await self._follow(transactor, report)
        return report

    async def _compare(self, report: Report) -> Transactor:
        """Partition by partition: freeze the running version's fence, build up to it, compare."""
        transactor = self._transactor(report.to_version)
        old = RedisStore(self._client, report.name, report.from_version)
        new = RedisStore(self._client, report.name, report.to_version)
        for partition in range(self._topology.topic(self.agent.reads).partitions):
            frozen = await digest(self._client, old.tag(partition))
            await self._build(transactor, partition, frozen.fence, report)
            built = await digest(self._client, new.tag(partition))
            report.offsets[partition] = frozen.fence
            report.digests[partition] = hashlib.sha256(frozen.text.encode()).hexdigest()
            self._note(report, partition, frozen, built)
            if partition in report.differing:
                report.differing[partition] = await differing(
                    self._client, old.tag(partition), new.tag(partition)
                )
            state = "differs" if partition in report.differing else "equal"
            self._say(f"{report.name}[{partition}] to offset {frozen.fence}: {state}")
        return transactor

    def _note(self, report: Report, partition: int, old: Digest, new: Digest) -> None:
        unequal = [n for n, pair in enumerate(zip(old.ranges, new.ranges, strict=True)) if pair[0] != pair[1]]
        if unequal or old.own != new.own or old.fence != new.fence:
            report.ranges[partition] = unequal
            report.differing[partition] = []

    async def _build(self, transactor: Transactor, partition: int, until: int, report: Report) -> None:
        """Apply the log up to and including offset `until`."""
        position = await transactor.store.fence(partition) + 1
        if position > until:
            return
        async for records in self._reading.chunks(partition, position, until, CHUNK):
            await transactor.apply(Chunk(self.agent.reads, partition, position, records))
            position = records[-1].offset + 1
            report.records += len(records)

    async def _go_over(self, report: Report) -> None:
        key = pointer_key(report.name)
        args = (str(report.from_version), str(report.to_version))
        if not await patiently("pointer", lambda: self._client.eval(_GO_OVER, 1, key, *args)):
            raise ReplayRefused(
                f"{report.name}: readers went over meanwhile, by another rebuild: start again"
            )
        producer = EventProducer(self._settings, "rebuild")
        data = {
            "name": report.name,
            "from_version": report.from_version,
            "to_version": report.to_version,
            "offsets": {str(p): offset for p, offset in report.offsets.items()},
            "digests": {str(p): text for p, text in report.digests.items()},
            "code_hash": code_hash(self._function),
            "schema_ids": sorted(self._reading.schema_ids),
            "records": report.records,
            "started_at_ms": report.started_at_ms,
            "finished_at_ms": now_ms(),
        }
        await producer.publish(RECEIPTS, report.name, REBUILT, data)
        await producer.close()

    async def _follow(self, transactor: Transactor, report: Report) -> None:
        """Feed the new version until its worker does: a fence that another process moved, or FOLLOW_S."""
        deadline = time.monotonic() + FOLLOW_S
        while time.monotonic() < deadline:
            for partition, end in (await self._reading.ends()).items():
                seen = transactor.applied.get(partition, -1)
                if await transactor.store.fence(partition) > seen:
                    return
                await self._build(transactor, partition, end - 1, report)
            await asyncio.sleep(0.2)

    async def _drop(self, version: int) -> None:
        store = RedisStore(self._client, self.agent.name, version)
        for partition in range(self._topology.topic(self.agent.reads).partitions):
            await drop(self._client, store.tag(partition))

    def _transactor(self, version: int) -> Transactor:
        window = REQUEST_WINDOW if self.agent.kind == "decider" else 0
        store = RedisStore(self._client, self.agent.name, version, window)
        letters = DeadLetters(self.agent.name, "replay", limit=sys.maxsize)
        return Transactor(self.agent.name, codec(), store, self._fold(), Outputs(_Silence()), letters)

    def _fold(self) -> Fold:
        if self.agent.kind == "projector":
            return ProjectorFold(self._function, clock_ms=lambda: NEVER_MS)
        encoder = Encoder(codec(), self.agent.name, self.agent.writes, self._settings.event_max_bytes)
        answers = self._topology.outcome_topic(self.agent).name
        return DeciderFold(self.agent.name, self.agent.reads, answers, self._function, encoder)


def code_hash(function: Callable[..., Any]) -> str:
    """Hash of the modules of the function's domain: what built the version."""
    package = function.__module__.rpartition(".")[0]
    texts = []
    for name in sorted(sys.modules):
        if name == function.__module__ or name.rpartition(".")[0] == package:
            try:
                texts.append(inspect.getsource(sys.modules[name]))
            except (OSError, TypeError):
                continue
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
