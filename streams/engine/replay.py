"""Build a version of a projection from the log beside the running one, compare them, let readers go over.

Version n + 1 is built from the first record to exactly the fences of version n (the frozen vector), by the
same code that runs live, and both are compared. If they are equal, or a person accepts what differs, the new
version catches up with the log in all partitions, so that no reader ever goes back; going over is one
compare-and-set of the pointer. The live worker sees it, ends, and its next life feeds the version that
readers use now; until then it is fed from here. Nothing is emitted while replaying: no outputs, no outcomes.

The version that readers left stays, to go back to, until somebody removes it. A process that is killed
between any two steps leaves the pointer on a complete version; the next one begins anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from schemas.catalog import Agent, Topology
from schemas.wiring import check_functions
from streams.core.settings import Settings
from streams.engine.agents import TABLES
from streams.engine.errors import HoleError
from streams.engine.kept import Apply, RedisVersions, Versions
from streams.engine.reading import LogAway, Place, Reading
from streams.engine.receipts import Report, receipt
from streams.engine.tables import TableVersions
from streams.engine.versions import ReplayRefused, Right, current_version, right_of

SCRATCH_VERSION: Final = 1_000_000_000  # of `verify`: read by nobody, deleted afterwards
FOLLOW_S: Final = 20.0  # the new version is fed for so long after going over, until its worker is there
STRICT_ROUNDS: Final = 20  # of catching up, in which no partition may be behind
ROUNDS: Final = 100  # of catching up, before it is clear that the log grows faster than it is read
FOLLOW_PERIOD_S: Final = 0.5
CHUNK: Final = 2_000


class Replay:
    """One rebuild, verification or going back of one projection, or verification of a decider's state.

    Every method raises ReplayRefused, or LogAway where the broker is, with readers where they were.
    """

    def __init__(
        self, settings: Settings, topology: Topology, name: str, client: Any, say: Callable[[str], None],
        follow_s: float = FOLLOW_S,
    ) -> None:  # fmt: skip
        """`name`: an agent's or a ClickHouse table's; a table's agents go over together.

        Raises ReplayRefused for agents that keep no state, ContractError for unknown ones.
        """
        self._settings, self._client, self._say, self._follow_s = settings, client, say, follow_s
        agents = _agents(topology, name)
        self._kind = agents[0].kind
        functions = check_functions(topology, agents)
        self._function = functions[agents[0].name]
        self._tables: TableVersions | None = None
        self.versions: Versions
        if agents[0].store == "clickhouse":
            for agent in agents:
                if agent.name not in getattr(functions[agent.name], TABLES, {}):
                    raise ReplayRefused(
                        f'{agent.name} has no DDL: give it to @projector("{agent.name}", ddl=...)'
                    )
            self.versions = self._tables = TableVersions(settings, topology, agents, functions)
        else:
            self.versions = RedisVersions(settings, topology, agents[0], self._function, client)
        self.name = self.versions.name
        self._reading = Reading(settings, self.versions.places)
        self._apply: Apply
        self._next: dict[Place, int] = {}  # offset to read next, of the version that is built
        self._right: Right

    @property
    def in_clickhouse(self) -> bool:
        return self._tables is not None

    async def close(self) -> None:
        """Leave broker and store; nothing can be replayed afterwards."""
        self._reading.close()
        if self._tables is not None:
            await self._tables.close()

    async def verify(self) -> Report:
        """Build a scratch version, compare, delete it."""
        async with self._alone():
            report = Report(self.name, await self._current(), SCRATCH_VERSION)
            await self.versions.drop(SCRATCH_VERSION)
            try:
                await self._compare(report)
            finally:
                await self.versions.drop(SCRATCH_VERSION)
            return report

    async def rebuild(self, accept: bool = False) -> Report:
        """Build the next version and compare; if equal, or `accept`, go over and follow, else delete it."""
        self._must_have_versions()
        async with self._alone():
            version = await self._current()
            report = Report(self.name, version, version + 1)
            await self.versions.drop(version + 1)
            await self._compare(report)
            if report.equal or accept:
                await self._go_over(report)
            else:
                await self.versions.drop(version + 1)
            return report

    async def back(self) -> Report:
        """Let readers go back to the newest older version that is kept, brought up to date first."""
        self._must_have_versions()
        async with self._alone():
            version = await self._current()
            older = max((kept for kept in await self.versions.kept() if kept < version), default=0)
            if not older:
                raise ReplayRefused(
                    f"{self.name}: readers use version {version} and no older one is kept: put the older "
                    "code back, then `kinolog rebuild` with --accept-differences"
                )
            report = Report(self.name, version, older)
            await self._open(older)
            await self._go_over(report)
            return report

    async def remove(self) -> list[int]:
        """Delete every version but the one that readers use; gives those deleted."""
        self._must_have_versions()
        async with self._alone():
            version = await self._current()
            unused = sorted(await self.versions.kept() - {version})
            for one in unused:
                self._right.check()
                await self.versions.drop(one)
            return unused

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with right_of(self._client, self.name, self._say) as self._right:
            try:
                yield
            except HoleError as error:
                raise ReplayRefused(
                    f"{self.name}: the store lost its last writes ({error}): run the command again, it "
                    "begins anew"
                ) from error

    def _must_have_versions(self) -> None:
        if self._kind == "decider":
            raise ReplayRefused(
                f"{self.name} is a decider: its state has no versions; `verify` compares it, and deleting "
                "its keys lets it build itself anew"
            )

    async def _current(self) -> int:
        return await current_version(self._client, self.name)

    # -- building ------------------------------------------------------------------------------

    async def _open(self, version: int) -> None:
        self._apply = await self.versions.open(version)
        self._next = {place: fence + 1 for place, fence in (await self.versions.fences(version)).items()}

    async def _build(self, until: Mapping[Place, int], report: Report) -> None:
        """Apply the log up to and including these offsets."""
        spans = {place: (self._next[place], offset) for place, offset in until.items()}
        async for chunk in self._reading.chunks(spans, CHUNK):
            self._right.check()
            await self._apply(chunk)
            self._next[Place(chunk.topic, chunk.partition)] = chunk.last + 1
            report.records += len(chunk.records)

    async def _compare(self, report: Report) -> None:
        """Freeze the running version's fences, build up to them, compare."""
        frozen = await self.versions.fences(report.from_version)
        ends = await self._reading.ends()
        await self._open(report.to_version)
        await self._build(frozen, report)
        for place, fence in frozen.items():
            if self._next[place] <= fence:
                raise ReplayRefused(
                    f"{place.topic}[{place.partition}]: the log ends before offset {fence}, which version "
                    f"{report.from_version} of {self.name} has applied: the broker lost records; restore them"
                )

        async def advance(place: Place, offset: int) -> None:
            await self._build({place: offset}, report)
            if self._next[place] > offset + 1:
                raise ReplayRefused(f"{self.name}: the store lost its last writes: run the command again")

        compared = await self.versions.compare(report.from_version, report.to_version, frozen, advance)
        for place, (digest, differences) in compared.items():
            label, fence = self.versions.label(place), frozen[place]
            report.offsets[label], report.digests[label] = fence, digest
            report.behind[label] = ends[place] - 1 - fence
            if differences.count:
                report.differing[label] = differences
            verdict = f"{differences.count} keys differ" if differences.count else "equal"
            what = f"to offset {fence}: {verdict}" if fence >= 0 or differences.count else "empty"
            more = f", {report.behind[label]} records are not in it yet" if report.behind[label] > 0 else ""
            self._say(f"{self.name}[{label}] {what}{more}")

    # -- going over ----------------------------------------------------------------------------

    async def _go_over(self, report: Report) -> None:
        await self._catch_up(report)
        await self._move(report)
        report.went_over = True
        self._say(
            f"readers went over from version {report.from_version} to {report.to_version}; it is fed from "
            f"here until its worker has come (at most {self._follow_s:.0f} s)"
        )
        # Readers are there already: whatever becomes of the receipt, the version must be fed.
        _, report.receipt_missing = await asyncio.gather(
            self._follow(report),
            receipt(self._settings, report, self._function, self._reading.schema_ids),
        )

    async def _catch_up(self, report: Report) -> None:
        """Build to the log's end until no partition of the new version is behind the running one.

        Under traffic that never pauses the last rounds are milliseconds long: then it may be behind by what
        came in such a round.
        """
        for attempt in range(ROUNDS):
            before = report.records
            await self._build({place: end - 1 for place, end in (await self._reading.ends()).items()}, report)
            live = await self.versions.fences(report.from_version)
            report.caught_up = {self.versions.label(place): at - 1 for place, at in self._next.items()}
            behind = any(self._next[place] <= fence for place, fence in live.items())
            if not behind or (attempt >= STRICT_ROUNDS and report.records - before < CHUNK):
                return
        raise ReplayRefused(
            f"{report.name}: the log grows faster than version {report.to_version} is built: readers stay; "
            "run the command again when there is less traffic"
        )

    async def _move(self, report: Report) -> None:
        await self._right.go_over(report.from_version, report.to_version)

    async def _follow(self, report: Report) -> None:
        """Feed the new version until its worker does: fences that another process moved, or follow_s."""
        deadline = time.monotonic() + self._follow_s
        ours = set(self.versions.places)
        # Without the log there is nothing to feed it with: its worker does when the log is back.
        with suppress(LogAway):
            while ours and time.monotonic() < deadline:
                fences = await self.versions.fences(report.to_version)
                ours = {place for place in ours if fences[place] < self._next[place]}
                ends = await self._reading.ends()
                await self._build({place: ends[place] - 1 for place in ours}, report)
                await asyncio.sleep(FOLLOW_PERIOD_S)


def _agents(topology: Topology, name: str) -> list[Agent]:
    """The agent of that name, or all that write to the table of that name, or to that agent's table."""
    writers = [agent for agent in topology.agents.values() if agent.table == name]
    if writers:
        return writers
    agent = topology.agent(name)
    if agent.store == "clickhouse":
        return _agents(topology, agent.table)
    if agent.kind == "decider" or (agent.kind == "projector" and agent.store == "redis"):
        return [agent]
    raise ReplayRefused(
        f"{name} keeps nothing that a replay could build: name a decider, a projector or a ClickHouse table"
    )
