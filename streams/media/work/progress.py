"""Who works on what and how far it has got, told at most about twice a second."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from schemas.media.protection import PlanProtection, kids_in
from streams.engine import Event, Out, Work
from streams.media.work.tools import Tools

FACTS: Final = "media.work.events"
PAUSE_S: Final = 0.5


class Progress:
    """Facts about one piece of work in hand. `async with` it; call it with percents from the event loop."""

    def __init__(self, event: Event, work: Work, kind: str) -> None:
        tools: Tools = work.resources
        self._event, self._work = event, work
        self._about = {
            "work_id": event.data["work_id"],
            "asset_id": event.data["asset_id"],
            "kind": kind,
            "chunk_index": event.data.get("chunk_index"),
            "worker": tools.worker,
        }
        self._percent = 0
        self._begun = False
        self._keys_told = False
        self._moved = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None

    def __call__(self, percent: int) -> None:
        """It has got so far. The first call says that the work has truly begun: until then it queued."""
        self._percent = max(self._percent, min(100, percent))
        self._moved.set()

    async def uses_keys(self, protection: PlanProtection) -> None:
        """The content keys of a plan are about to be used: on the log before they are, once for this work.

        A redelivery that uses them again says so under the same `ce_id`, which makes it known as one.
        """
        if self._keys_told:
            return
        named = {"scheme": protection["scheme"], "version": protection["version"]}
        kids = list(kids_in(protection).values())
        await self._work.report(self._out("ContentKeysUsed", **named, kids=kids))
        self._keys_told = True

    def ended(self, outcome: str) -> list[Out]:
        """The last fact; nothing if nobody was told of a begin."""
        return [self._out("WorkEnded", outcome=outcome)] if self._begun else []

    async def __aenter__(self) -> Progress:
        self._teller = asyncio.create_task(self._tell())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._teller is not None:
            self._teller.cancel()
            with suppress(asyncio.CancelledError):
                await self._teller

    async def _tell(self) -> None:
        await self._moved.wait()
        self._begun = True  # from here on an end is owed, even if the next line is cut short
        await self._work.report(self._out("WorkLeased", attempt=self._event.data["attempt"]))
        told = 0
        while True:
            await asyncio.sleep(PAUSE_S)
            self._moved.clear()
            if self._percent > told:
                told = self._percent
                await self._work.report(self._out("WorkProgressed", percent=told))
            await self._moved.wait()

    def _out(self, name: str, **data: Any) -> Out:
        return Out(FACTS, self._event.data["asset_id"], f"kinolog.media.{name}", {**self._about, **data})
