"""Follows the history of assets that somebody watches: one poll per asset, however many watch.

A subscriber that falls behind is told so and reads the gap by its own cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateways.media.history import Cursor, LogHistory
from gateways.media.models import LogEntry
from streams.core.logging import get_logger

_log = get_logger("gateway.tail")
PAGE: Final = 1000
BEHIND: Final = 2000


class Watcher:
    """One client: what came since it last took. `lost` says that its buffer was not enough."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
        self._wake = asyncio.Event()
        self.lost = False

    def offer(self, entries: list[LogEntry]) -> None:
        """Called by the tail."""
        if self.lost or len(self._entries) + len(entries) > BEHIND:
            self.lost = True
            self._entries.clear()
        else:
            self._entries += entries
        self._wake.set()

    async def take(self, timeout_s: float) -> list[LogEntry]:
        """What is there, waiting at most `timeout_s` for something to be."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return []
        self._wake.clear()
        taken, self._entries = self._entries, []
        return taken


class _Tail:
    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.watchers: set[Watcher] = set()
        self.task: asyncio.Task[None] | None = None


class Tails:
    """All tails of the process."""

    def __init__(self, history: LogHistory, poll_s: float) -> None:
        self._history = history
        self._poll_s = poll_s
        self._tails: dict[str, _Tail] = {}

    @property
    def polling(self) -> frozenset[str]:
        """Assets that are polled now."""
        return frozenset(self._tails)

    @asynccontextmanager
    async def watch(self, asset_id: str, cursor: Cursor) -> AsyncIterator[Watcher]:
        """Entries newer than `cursor` arrive, some perhaps twice: the caller drops what it has.

        Read the history once more after entering: a tail that ran already is ahead of `cursor`.
        """
        tail = self._tails.get(asset_id)
        if tail is None:
            tail = self._tails[asset_id] = _Tail(dict(cursor))
            tail.task = asyncio.create_task(self._poll(asset_id, tail), name=f"tail-{asset_id}")
        watcher = Watcher()
        tail.watchers.add(watcher)
        try:
            yield watcher
        finally:
            tail.watchers.discard(watcher)
            if not tail.watchers:
                del self._tails[asset_id]
                if tail.task is not None:
                    tail.task.cancel()

    async def _poll(self, asset_id: str, tail: _Tail) -> None:
        while True:
            try:
                entries, tail.cursor = await self._history.page(asset_id, tail.cursor, PAGE)
            except Exception as error:
                # Watchers keep waiting: the history comes back and nothing is skipped.
                _log.warning("the history does not answer", error=f"{type(error).__name__}: {error}")
                entries = []
            if entries:
                for watcher in tail.watchers:
                    watcher.offer(entries)
            if len(entries) < PAGE:
                await asyncio.sleep(self._poll_s)
