"""The versions of one agent's state in Redis: what a replay builds, compares and removes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from schemas.catalog import Agent, Topology
from schemas.wire import codec
from streams.core.settings import Settings
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.differences import Differences
from streams.engine.digests import compare, drop, stored
from streams.engine.outputs import Encoder, Outputs
from streams.engine.projectors import ProjectorFold
from streams.engine.reading import Place
from streams.engine.store import RedisStore
from streams.engine.transact import Fold, Transactor
from streams.engine.versions import REQUEST_WINDOW

NEVER_MS: Final = 2**62

Apply = Callable[[Chunk], Awaitable[None]]
# Bring the version that is built to this offset of this place. Raises where it is beyond it.
Advance = Callable[[Place, int], Awaitable[None]]
Compared = tuple[str, Differences]  # digest of the version that was built, and where the other differs


class Versions(Protocol):
    """All versions of one projection, or of a decider's state. Every method waits out a lost store."""

    name: str  # of the pointer
    places: tuple[Place, ...]  # what it is built from

    def label(self, place: Place) -> str:
        """How reports name a place."""

    async def fences(self, version: int) -> dict[Place, int]:
        """Last offset applied of each place, -1 for none."""

    async def open(self, version: int) -> Apply:
        """Make room for a version; what it gives applies chunks to it as its live worker does, in silence."""

    async def compare(
        self, old: int, new: int, frozen: Mapping[Place, int], advance: Advance
    ) -> dict[Place, Compared]:
        """Compare the running version with the one that was built to the offsets `frozen`."""

    async def kept(self) -> set[int]:
        """Versions that there is anything of."""

    async def drop(self, version: int) -> None:
        """Delete all of one version, if there is any of it."""


class Silence:
    """A producer that drops everything: replaying must not speak."""

    def produce_many(self, records: Iterable[Any]) -> int:
        return sum(1 for _ in records)

    async def flush(self) -> None:
        return None


def unlimited(agent: str) -> DeadLetters:
    """Dead letters of a replay: they go nowhere, so their number is no reason to stop."""
    return DeadLetters(agent, "replay", limit=sys.maxsize)


class RedisVersions:
    """Of a Redis projector or a decider."""

    def __init__(
        self, settings: Settings, topology: Topology, agent: Agent, function: Callable[..., Any], client: Any
    ) -> None:
        self.name, self._agent, self._client = agent.name, agent, client
        self._settings, self._topology, self._function = settings, topology, function
        count = topology.topic(agent.reads).partitions
        self.places = tuple(Place(agent.reads, partition) for partition in range(count))

    def label(self, place: Place) -> str:
        return str(place.partition)

    async def fences(self, version: int) -> dict[Place, int]:
        store = self._store(version)
        found = await asyncio.gather(*(store.fence(place.partition) for place in self.places))
        return dict(zip(self.places, found, strict=True))

    async def open(self, version: int) -> Apply:
        outputs, letters = Outputs(Silence()), unlimited(self.name)
        return Transactor(self.name, codec(), self._store(version), self._fold(), outputs, letters).apply

    async def compare(
        self, old: int, new: int, frozen: Mapping[Place, int], advance: Advance
    ) -> dict[Place, Compared]:
        keys = await stored(self._client, self.name)
        found = {}
        for place in frozen:
            tags = [self._store(version).tag(place.partition) for version in (old, new)]
            suffixes = set().union(*(keys.get(tag, set()) for tag in tags))

            async def to(offset: int, place: Place = place) -> None:
                await advance(place, offset)

            found[place] = await compare(self._client, tags[0], tags[1], suffixes, to)
        return found

    async def kept(self) -> set[int]:
        return {int(tag.split(":")[-2]) for tag in await stored(self._client, self.name)}

    async def drop(self, version: int) -> None:
        await drop(self._client, self.name, version)

    def _store(self, version: int) -> RedisStore:
        window = REQUEST_WINDOW if self._agent.kind == "decider" else 0
        return RedisStore(self._client, self.name, version, window)

    def _fold(self) -> Fold:
        if self._agent.kind == "projector":
            return ProjectorFold(self._function, clock_ms=lambda: NEVER_MS)
        encoder = Encoder(codec(), self.name, self._agent.writes, self._settings.event_max_bytes)
        answers = self._topology.outcome_topic(self._agent).name
        return DeciderFold(self.name, self._agent.reads, answers, self._function, encoder)
