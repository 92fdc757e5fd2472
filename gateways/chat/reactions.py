"""Reactions, gathered for a moment: a crowd's applause is one event a room, message and gateway.

They are counted, not kept by person; what waits here when the gateway is killed is lost.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Final

from gateways.core.deps import Producer
from schemas.chat.events import REACTIONS_GIVEN
from schemas.chat.views import REQUESTS
from streams.core.logging import get_logger

_log = get_logger("gateway.chat.reactions")
GATHER_S: Final = 0.25
MOST_WAITING: Final = 10_000
"""Rooms and messages with reactions that wait; of more they are dropped."""
REACTIONS: Final = ("👍", "❤️", "😂", "😮", "😢", "👏", "🔥", "🎉", "👎", "🤔", "😍", "🙏")
"""All there are: a room counts few, and nobody writes texts by them."""


class Reactions:
    """One a process."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._waiting: dict[tuple[str, str | None], Counter[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def give(self, room_id: str, message_id: str | None, reaction: str) -> None:
        """One of REACTIONS to a message, or to the room; it returns at once."""
        where = (room_id, message_id)
        counts = self._waiting.get(where)
        if counts is None:
            if len(self._waiting) >= MOST_WAITING:
                return
            counts = self._waiting[where] = Counter()
            asyncio.get_running_loop().call_later(GATHER_S, self._flush, where)
        counts[reaction] += 1

    def _flush(self, where: tuple[str, str | None]) -> None:
        counts = self._waiting.pop(where, None)
        if counts is None:  # published by `close`
            return
        task = asyncio.create_task(self._publish(where, counts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, where: tuple[str, str | None], counts: Counter[str]) -> None:
        room_id, message_id = where
        data = {"room_id": room_id, "message_id": message_id, "counts": dict(counts)}
        try:
            await self._producer.publish(REQUESTS, room_id, REACTIONS_GIVEN, data, ce_id=uuid.uuid4().hex)
        except Exception as error:
            # Nobody waits for an answer, and applause that comes late is none.
            _log.warning("reactions were lost", error=type(error).__name__, given=counts.total())

    async def close(self) -> None:
        """Publish what waits."""
        for where in tuple(self._waiting):
            await self._publish(where, self._waiting.pop(where))
        await asyncio.gather(*self._tasks, return_exceptions=True)
