"""Rooms that are open forget who is erased within a second, not when they are opened anew anyway.

An account's document says that it is erased after its key is gone from the vault. So once sealers have let go
of the key, opening a room's window again leaves out what it sealed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from redis.exceptions import RedisError

from gateways.chat.feeds import Feeds
from gateways.chat.people import People
from gateways.core.deps import Watch
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Note
from streams.core import failures
from streams.core.logging import get_logger
from streams.core.sealing import KEPT_S

_log = get_logger("gateway.chat.forgetting")
TICK_S: Final = 0.25
VERSION_S: Final = 15.0
"""How often it is looked up whether a rebuilt projection has taken over, seconds."""
AT_ONCE: Final = 500


class Forgetting:
    """One a process; `run` must be running. `watch` subscribes to changes of accounts."""

    def __init__(
        self, watch: Watch, reader: ProjectionReader, accounts: Projection, feeds: Feeds, people: People
    ) -> None:
        self._watch, self._reader, self._accounts = watch, reader, accounts
        self._feeds, self._people = feeds, people
        self._changed: set[str] = set()
        self._everybody = False
        self._later: deque[tuple[float, set[str]]] = deque()

    def hear(self, note: Note | None) -> None:
        """Called by the hub."""
        if note is None or note.keys is None:
            self._everybody = True
        else:
            self._changed.update(note.keys)

    async def run(self) -> None:
        """Until cancelled. Where something may have been missed everybody in open rooms is looked at."""
        while True:
            try:
                version = await self._reader.version(self._accounts.name)
                async with self._watch(self):
                    self._everybody = True
                    await self._hear(version)
            except (RedisError, OSError):
                await asyncio.sleep(TICK_S)
            except Exception as error:
                failures.tell(_log, "forgetting stumbled", error)
                await asyncio.sleep(TICK_S)

    async def _hear(self, version: int) -> None:
        """Until a rebuilt projection has taken over, which has other channels. Raises RedisError, OSError."""
        clock = asyncio.get_running_loop().time
        looked_at_s = clock()
        while True:
            await asyncio.sleep(TICK_S)
            if clock() > looked_at_s + VERSION_S:
                looked_at_s = clock()
                if await self._reader.version(self._accounts.name) != version:
                    return
            erased = await self._erased()
            if erased:
                self._later.append((clock() + KEPT_S, erased))
            while self._later and self._later[0][0] <= clock():
                _, gone = self._later.popleft()
                self._people.forget(gone)
                self._feeds.forget(gone)

    async def _erased(self) -> set[str]:
        """Of the accounts that changed since the last look. Raises RedisError, OSError."""
        changed, self._changed = self._changed, set()
        if self._everybody:
            self._everybody = False
            changed |= self._feeds.authors()
        if not changed:
            return set()
        view, keys, found = await self._reader.pin(self._accounts), list(changed), set()
        for at in range(0, len(keys), AT_ONCE):
            part = keys[at : at + AT_ONCE]
            for key, document in zip(part, await view.get_many(part), strict=True):
                if document is not None and document["state"] == "erased":
                    found.add(key)
        return found
