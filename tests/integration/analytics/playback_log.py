"""What stands on the topic of playback, read as the log's readers read it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from deploy.local.launcher import Stack
from deploy.log_reader import LogReader, entry_of
from schemas.analytics.views import PLAYBACK
from streams.core.producer import now_ms

PATIENCE_S: Final = 60.0


class PlaybackLog:
    """Everything on the topic since this was made."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._since_ms = now_ms() - 1000

    async def events(self, count: int, **fields: Any) -> list[dict[str, Any]]:
        """The data of events with these fields, once there are as many."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [one for one in await self.all() if fields.items() <= one.items()]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.1)

    async def all(self) -> list[dict[str, Any]]:
        """The data of every event; `type` is its short name."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> list[dict[str, Any]]:
        with LogReader(self._stack.settings) as reader:
            places = [(PLAYBACK, number) for number in range(reader.partitions(PLAYBACK))]
            entries = [entry_of(message) for message in reader.messages(reader.spans(places, self._since_ms))]
        return [
            {"type": entry.type.rpartition(".")[2], "key": entry.key, **entry.event.data}
            for entry in entries
            if entry.event is not None
        ]
