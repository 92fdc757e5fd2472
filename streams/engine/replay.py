"""Rebuild a projection beside the running one, prove that both are equal, and let readers go over.

Version n + 1 is built from the first record to exactly the fences of version n (the frozen vector), by the
same code that runs live. Then digests of both are compared per partition and key range. Right before readers
go over, the new version catches up with the log in all partitions, so that none of them reads the past; going
over is one compare-and-set of the pointer. The live worker sees it, ends, and its next life feeds the new
version; until then it is fed from here. Nothing is emitted while replaying: no outputs, no outcomes.

The version that readers left stays, to go back to; the ones before it are deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from schemas.catalog import Agent, Topology
from schemas.keys import pointer_key
from schemas.wire import codec
from schemas.wiring import check_functions
from streams.core.settings import Settings
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.digests import Digest, differing, digest, drop
from streams.engine.outputs import Encoder, Outputs
from streams.engine.patience import patiently
from streams.engine.projectors import ProjectorFold
from streams.engine.reading import Reading
from streams.engine.receipts import Report, receipt
from streams.engine.store import RedisStore
from streams.engine.transact import Fold, Transactor
from streams.engine.versions import REQUEST_WINDOW, current_version

SCRATCH_VERSION: Final = 1_000_000_000  # of `verify`: read by nobody, deleted afterwards
FOLLOW_S: Final = 20.0  # the new version is fed for so long after going over, until its worker is there
STRICT_ROUNDS: Final = 20  # of catching up, in which no partition may be behind
ROUNDS: Final = 100  # of catching up, before it is clear that the log grows faster than it is read
FOLLOW_PERIOD_S: Final = 0.2
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


class _Silence:
    """A producer that drops everything: replaying must not speak."""

    def produce_many(self, records: Any) -> int:
        return sum(1 for _ in records)

    async def flush(self) -> None:
        return None


class Replay:
    """One rebuild or verification of one agent whose state is in Redis."""

    def __init__(
        self, settings: Settings, topology: Topology, name: str, client: Any, say: Callable[[str], None],
        follow_s: float = FOLLOW_S,
    ) -> None:  # fmt: skip
        """Raises ReplayRefused for agents without state in Redis, ContractError for unknown ones."""
        self._follow_s = follow_s
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

    def close(self) -> None:
        """Leave the broker; nothing can be replayed afterwards."""
        self._reading.close()

    async def verify(self) -> Report:
        """Build a scratch version, compare, delete it."""
        version = await current_version(self._client, self.agent.name)
        report = Report(self.agent.name, version, SCRATCH_VERSION)
        await self._drop(lambda it: it == SCRATCH_VERSION)
        try:
            await self._compare(self._transactor(SCRATCH_VERSION), report)
        finally:
            await self._drop(lambda it: it == SCRATCH_VERSION)
        return report

    async def rebuild(self) -> Report:
        """Build the next version, compare, and if equal go over and follow; an unequal one is kept.

        Raises ReplayRefused for deciders, and when another rebuild went over meanwhile.
        """
        if self.agent.kind != "projector":
            raise ReplayRefused(
                f"{self.agent.name} is a decider: its state has no versions; `verify` compares it, and "
                "deleting its keys lets it build itself anew"
            )
        version = await current_version(self._client, self.agent.name)
        report = Report(self.agent.name, version, version + 1)
        await self._drop(lambda it: it == version + 1)
        transactor = self._transactor(version + 1)
        await self._compare(transactor, report)
        if report.equal:
            await self._catch_up(transactor, report)
            await self._go_over(report)
            # Readers are there already: whatever becomes of the receipt, the version must be fed.
            _, report.receipt_missing = await asyncio.gather(
                self._follow(transactor, report),
                receipt(self._settings, report, self._function, self._reading.schema_ids),
            )
            await self._drop(lambda it: it < version)
        return report

    async def _compare(self, transactor: Transactor, report: Report) -> None:
        """Partition by partition: freeze the running version's fence, build up to it, compare."""
        old = self._store(report.from_version)
        for partition in self._partitions():
            changed = partial(self._changed, partition)
            frozen = await digest(self._client, old.tag(partition), changed)
            await self._build(transactor, partition, frozen.fence, report)
            tag = self._store(report.to_version).tag(partition)
            built = await digest(self._client, tag, changed)
            report.offsets[partition] = frozen.fence
            report.digests[partition] = hashlib.sha256(frozen.text.encode()).hexdigest()
            self._note(report, partition, frozen, built)
            if partition in report.differing:
                own = sorted(frozen.own.keys() | built.own.keys())
                suspects = [suffix for suffix in own if frozen.own.get(suffix) != built.own.get(suffix)]
                report.differing[partition] = await differing(self._client, old.tag(partition), tag, suspects)
            state = "differs" if partition in report.differing else "equal"
            self._say(f"{report.name}[{partition}] to offset {frozen.fence}: {state}")

    async def _changed(self, partition: int, first: int, last: int) -> set[str]:
        """Keys of the records between these offsets: a document changes by events of its own key only."""
        keys: set[str] = set()
        async for records in self._reading.chunks(partition, first, last, CHUNK):
            keys.update((record.key or b"").decode("utf-8", "replace") for record in records)
        return keys

    async def _catch_up(self, transactor: Transactor, report: Report) -> None:
        """Build to the log's end until no partition of the new version is behind the running one.

        Under traffic that never pauses the last rounds are milliseconds long: then it may be behind by what
        came in such a round.
        """
        old = self._store(report.from_version)
        for attempt in range(ROUNDS):
            before = report.records
            for partition, end in (await self._reading.ends()).items():
                await self._build(transactor, partition, end - 1, report)
            behind = False
            for partition in self._partitions():
                report.caught_up[partition] = await transactor.store.fence(partition)
                behind |= report.caught_up[partition] < await old.fence(partition)
            if not behind or (attempt >= STRICT_ROUNDS and report.records - before < CHUNK):
                return
        raise ReplayRefused(
            f"{report.name}: the log grows faster than version {report.to_version} is built: readers stay; "
            "start again when there is less traffic"
        )

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
            # A compare-and-set whose answer was lost is made again, and then refused by its own effect.
            if await current_version(self._client, report.name) == report.to_version:
                return
            raise ReplayRefused(
                f"{report.name}: readers went over meanwhile, by another rebuild: start again"
            )

    async def _follow(self, transactor: Transactor, report: Report) -> None:
        """Feed the new version until its worker does: fences that another process moved, or FOLLOW_S."""
        deadline = time.monotonic() + self._follow_s
        ours = set(self._partitions())
        while ours and time.monotonic() < deadline:
            for partition, end in (await self._reading.ends()).items():
                if partition not in ours:
                    continue
                seen = max(transactor.applied.get(partition, -1), report.caught_up[partition])
                if await transactor.store.fence(partition) > seen:
                    ours.discard(partition)
                    continue
                await self._build(transactor, partition, end - 1, report)
            await asyncio.sleep(FOLLOW_PERIOD_S)

    async def _drop(self, unwanted: Callable[[int], bool]) -> None:
        await drop(self._client, self.agent.name, unwanted)

    def _partitions(self) -> range:
        return range(self._topology.topic(self.agent.reads).partitions)

    def _store(self, version: int) -> RedisStore:
        window = REQUEST_WINDOW if self.agent.kind == "decider" else 0
        return RedisStore(self._client, self.agent.name, version, window)

    def _transactor(self, version: int) -> Transactor:
        letters = DeadLetters(self.agent.name, "replay", limit=sys.maxsize)
        store, outputs = self._store(version), Outputs(_Silence())
        return Transactor(self.agent.name, codec(), store, self._fold(), outputs, letters)

    def _fold(self) -> Fold:
        if self.agent.kind == "projector":
            return ProjectorFold(self._function, clock_ms=lambda: NEVER_MS)
        encoder = Encoder(codec(), self.agent.name, self.agent.writes, self._settings.event_max_bytes)
        answers = self._topology.outcome_topic(self.agent).name
        return DeciderFold(self.agent.name, self.agent.reads, answers, self._function, encoder)
