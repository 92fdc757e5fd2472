"""How slowly an upload may come: a byte now and then is no reason to hold a connection for days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

SLOWEST_BYTES_S: Final = 1024  # on average, over all the time that was waited for the client


class Pace:
    """Bounds each wait for a client's bytes, and from the second such span on what comes in all of them.

    Only waits count: what the stores take is not the client's fault.
    """

    def __init__(self, idle_timeout_s: float) -> None:
        self._idle_timeout_s = idle_timeout_s
        self._waited_s = 0.0
        self._bytes = 0

    @asynccontextmanager
    async def wait(self) -> AsyncIterator[None]:
        """Around one read. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        async with asyncio.timeout(self._idle_timeout_s):
            yield
        self._waited_s += loop.time() - begun_s

    def came(self, size_bytes: int) -> None:
        """So much was read. Raises TimeoutError if it is too little by now."""
        self._bytes += size_bytes
        if self._waited_s > self._idle_timeout_s and self._bytes < SLOWEST_BYTES_S * self._waited_s:
            raise TimeoutError
