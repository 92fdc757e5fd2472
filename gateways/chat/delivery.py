"""How a room is written to all who listen: not too often, not too much at once, the same bytes for all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from typing import Final, Protocol

from gateways.chat.batches import batch_frame
from gateways.chat.window import Item
from streams.core import metrics

QUICKEST_PACE_S: Final = 0.02
PACE_S: Final = 0.1
SLOWEST_PACE_S: Final = 0.5
CHEAP: Final = 20.0
"""A room pauses for so many times as long as its last writing took, up to PACE_S: a small one is quick."""
SHARE: Final = 3.0
"""A room pauses for so many times as long as its last writing took, however long that is."""
WRITES_AT_ONCE: Final = 256
FLUSH_BYTES: Final = 64 * 1024
"""About what is written at once, and in PACE_S: who reads well must not be taken for one who does not."""
CHANGES_READERS: Final = frozenset(("room", "moderators", "membership"))


class Listener(Protocol):
    """A connection that listens to the room."""

    @property
    def account_id(self) -> str | None: ...
    def write(self, frame: bytes) -> None:
        """Send it, or cut the connection if it does not read; must return at once."""

    def recheck(self) -> None:
        """Who may read the room may have changed; must return at once."""


def part_of(items: Sequence[Item]) -> Sequence[Item]:
    """The first of them, of which there is one at least, up to about FLUSH_BYTES."""
    size_bytes = 0
    for count, item in enumerate(items):
        if size_bytes >= FLUSH_BYTES:
            return items[:count]
        size_bytes += len(item.wire or b"")
    return items


class Delivery:
    """One room's. `listeners` is the room's own set: who has left it gets nothing more."""

    def __init__(self, room_id: str, listeners: Set[Listener]) -> None:
        self._room_id, self._listeners = room_id, listeners
        self._written_at_s = self._took_s = 0.0
        self._written_bytes = 0

    @property
    def pace_s(self) -> float:
        """From one writing to the next, seconds."""
        cheap_s = max(QUICKEST_PACE_S, min(PACE_S, CHEAP * self._took_s))
        taken_s = PACE_S * self._written_bytes / FLUSH_BYTES
        return min(SLOWEST_PACE_S, max(cheap_s, taken_s, SHARE * self._took_s))

    def pause_s(self) -> float:
        """How long to wait before the next writing, seconds; not above 0: it may begin."""
        return self._written_at_s + self.pace_s - asyncio.get_running_loop().time()

    async def write(self, items: Sequence[Item]) -> None:
        """To all who listen now: what is everybody's as one frame, what is one account's to that account."""
        clock = asyncio.get_running_loop().time
        began_s = clock()
        listeners = tuple(self._listeners)
        shown = [(item, item.wire) for item in items if item.wire is not None]
        common = [wire for item, wire in shown if not item.only]
        self._written_bytes = sum(map(len, common))
        if common:
            frame = batch_frame(self._room_id, common)
            for at in range(0, len(listeners), WRITES_AT_ONCE):
                if at:
                    await asyncio.sleep(0)
                for listener in listeners[at : at + WRITES_AT_ONCE]:
                    if listener in self._listeners:  # who left and came again has it already
                        listener.write(frame)
            metrics.CHAT_DELIVERIES.inc(len(common) * len(listeners))
        for item, wire in shown:
            if item.only:
                for listener in listeners:
                    if listener.account_id == item.only:
                        listener.write(batch_frame(self._room_id, [wire]))
        if any(item.kind in CHANGES_READERS for item, _ in shown):
            for listener in listeners:
                listener.recheck()
        self._written_at_s = clock()
        self._took_s = self._written_at_s - began_s
