"""Scripted clients: one key each, one request after the other, each asked again until it is acknowledged."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence


class Clients:
    """What was acknowledged is the oracle's only input."""

    def __init__(self, count: int, per_s: float, ports: Sequence[int], rng: random.Random) -> None:
        """`per_s`: requests a second of one client, about."""
        self._pause_s, self._ports, self._rng = 1 / per_s, ports, rng
        self.acked: dict[str, list[str]] = {f"k{n}": [] for n in range(count)}
        self.retries = 0

    async def run(self, until: float) -> None:
        """Ask until the monotonic time `until`; every request begun is acknowledged before this returns."""
        await asyncio.gather(*(self._client(name, until) for name in self.acked))

    async def _client(self, name: str, until: float) -> None:
        done = self.acked[name]
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.monotonic() < until:
            rid = f"{name}-{len(done)}"
            while True:
                try:
                    if link is None:
                        link = await asyncio.open_connection("127.0.0.1", self._rng.choice(self._ports))
                    link[1].write(json.dumps({"client": name, "rid": rid}).encode() + b"\n")
                    if await asyncio.wait_for(link[0].readline(), 3):
                        break
                except (OSError, TimeoutError):
                    pass
                if link is not None:
                    link[1].close()
                link = None
                self.retries += 1
                await asyncio.sleep(0.1)
            done.append(rid)
            await asyncio.sleep(self._pause_s * self._rng.uniform(0.2, 1.8))
        if link is not None:
            link[1].close()
