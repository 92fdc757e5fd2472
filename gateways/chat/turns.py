"""When messages go to the log: those of rooms that are written at a slow pace go together.

Each record that finds the producer's queue empty wakes its thread, which costs more than the rest of sending
it. A message that its listeners get at the room's next writing anyway can wait for its neighbours: in a room
of 500 with 200 messages a second, waking it was a sixth of the gateway's samples.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateways.chat.delivery import QUICKEST_PACE_S

SHARE: Final = 0.5
"""Of what a room's pace is above the quickest: small rooms never wait."""


class Turns:
    """One a process."""

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None

    async def wait(self, pace_s: float) -> None:
        """Return when it is the turn of a message of a room with this pace, with all that wait by then."""
        wait_s = SHARE * (pace_s - QUICKEST_PACE_S)
        if wait_s <= 0:
            return
        if self._next is None:
            self._next = asyncio.Event()
            asyncio.get_running_loop().call_later(wait_s, self._begin)
        await self._next.wait()

    def _begin(self) -> None:
        assert self._next is not None
        self._next.set()
        self._next = None
