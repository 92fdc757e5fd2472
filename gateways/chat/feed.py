"""One room in this process: what the log says of it, framed once and written to everybody who listens.

A delta is opened, kept in the room's window and written with its neighbours: the first after a quiet moment
goes at once, then at most one frame a client at a pace that suits the room's size (`gateways.chat.delivery`).

Notifications are only believed as long as none is missing, which shows by `prev`; else the projection's
stream is read. So a client misses nothing while the gateway or Redis stumbles.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence, Set
from typing import Any, Final, Protocol

import orjson
from redis.exceptions import RedisError

from gateways.chat.delivery import Delivery, Listener, part_of
from gateways.chat.window import Item, Window
from gateways.core.frames import text_frame
from gateways.core.push import Hub, Note
from schemas.chat.views import NO_DELTA, Delta, RoomDocument
from streams.core import failures
from streams.core.logging import get_logger
from streams.core.vault import VaultError

_log = get_logger("gateway.chat")
MOST_UNSENT: Final = 400
"""Deltas that wait in the window to be written; it holds more than twice as many."""
RECHECK_S: Final = 15.0
RENEWED_S: Final = 300.0
"""How often the window is opened anew anyway: people change their names."""
BACKOFF_S: Final = 0.25
AWAY: Final = (RedisError, OSError, VaultError)
CHANGES_ROOM: Final = frozenset(("room", "moderators", "pinned", "unpinned", "screening"))

Opened = list[tuple[Item, dict[str, Any]]]
Opener = Callable[[RoomDocument | None, Sequence[Delta]], Awaitable[Opened]]


class Source(Protocol):
    """Where a room is kept: one version of the projection. Methods raise RedisError, OSError."""

    @property
    def epoch(self) -> str: ...
    @property
    def channel(self) -> str: ...
    async def room(self) -> RoomDocument | None: ...
    async def read(self, after: int) -> list[Delta]:
        """What is held with an id above `after`, in order."""

    async def oldest(self) -> int | None:
        """Id of the oldest delta that is held."""


class Feed:
    """Runs from `open` to `close`. `room` is the room's document, None where there is no such room."""

    def __init__(
        self, room_id: str, source: Source, opener: Opener, hub: Hub, arrived: Callable[[Item], None]
    ) -> None:
        """`arrived` is called for each new delta, before anybody gets it."""
        self.room_id, self.source = room_id, source
        self.room: RoomDocument | None = None
        self.listeners: set[Listener] = set()
        self._window = Window()
        self._sent = -1  # id up to which everybody has everything
        self._opener, self._hub, self._arrived = opener, hub, arrived
        self._heard: list[Delta] = []
        self._behind = True  # of the stream: it must be read before anything is said
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._stumbled = False  # the last try failed, and not by a store
        self.over = False
        self._renew_at_s = math.inf  # never before it is open
        self._delivery = Delivery(room_id, self.listeners)
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Returns when the window is as new as the stream; one reading serves all who come at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"room-{self.room_id}")
        await self._ready.wait()

    async def close(self) -> None:
        """Nothing is heard or written any more."""
        self.over = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def pace_s(self) -> float:
        """From one writing to all who listen to the next, seconds."""
        return self._delivery.pace_s

    @property
    def last(self) -> int:
        """Id of the newest delta that everybody who listens has."""
        return self._sent

    def since(self, after: int, account_id: str | None) -> list[bytes] | None:
        """What a listener missed since the id `after`, up to `last`; None if it is not held any more."""
        missed = self._window.since(after)
        return None if missed is None else self._shown(missed, account_id)

    @property
    def floor(self) -> int:
        """The newest id that the window does not hold any more; NO_DELTA: it holds all there ever was."""
        return self._window.floor

    def messages(self, account_id: str | None) -> list[dict[str, Any]]:
        """Messages that are shown to this account, in order."""
        return [orjson.loads(wire) for wire in self._shown(self._window.messages(), account_id)]

    def items(self) -> list[Item]:
        """All that is held, in order."""
        return self._window.items()

    def place(self, message_id: str) -> int | None:
        """Id of the delta that shows a message; None if it is not in the window, or removed."""
        return self._window.place(message_id)

    def newest(self, most: int, account_id: str | None) -> list[bytes]:
        """The newest deltas with something to show, up to `last`."""
        return self._shown(self._window.newest(most), account_id)

    def hear(self, note: Note | None) -> None:
        """Called by the hub."""
        if note is None:
            self._behind = True
        else:
            self._heard.append(orjson.loads(note.payload))
        self._wake.set()

    def shows(self, account_ids: Set[str]) -> bool:
        """Whether something that is shown names one of these or is theirs; or whether nobody knows yet."""
        if not self._ready.is_set() or (self.room is not None and self.room["owner_id"] in account_ids):
            return True
        wires = [item.wire for item in self._window.items() if item.wire is not None]
        return any(account_id.encode() in wire for account_id in account_ids for wire in wires)

    def renew(self) -> None:
        """Open the window anew at once: something in it was forgotten."""
        self._renew_at_s = -math.inf
        self._wake.set()

    def tell(self, document: dict[str, Any]) -> None:
        """Say something to all who listen now."""
        frame = text_frame(orjson.dumps(document))
        for listener in self.listeners:
            listener.write(frame)

    def _shown(self, items: Sequence[Item], account_id: str | None) -> list[bytes]:
        return [
            item.wire
            for item in items
            if item.wire is not None and item.id <= self._sent and item.only in ("", account_id)
        ]

    async def _run(self) -> None:
        while True:
            try:
                async with self._hub.listen([self.source.channel], self):
                    while True:
                        try:
                            await self._tell_news()
                        except Exception as error:
                            await self._pause(error)
            except Exception as error:  # it could not be listened to
                await self._pause(error)

    async def _tell_news(self) -> None:
        """What is there now; then until there may be more."""
        await self._take()
        self._open_for_listeners()
        while self._window.last > self._sent:
            pause_s = self._delivery.pause_s()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
                await self._take()
            await self._write()
        self._stumbled = False
        if not self._heard:
            await self._news()

    async def _pause(self, error: Exception) -> None:
        if isinstance(error, AWAY):
            _log.warning("a room waits for its stores", room=self.room_id, error=type(error).__name__)
        else:
            failures.tell(_log, "a room stumbled", error, room=self.room_id)
            self._stumbled = True
            self._heard.clear()
        self._behind = True
        await asyncio.sleep(BACKOFF_S)

    async def _news(self) -> None:
        still_due = self._renew_at_s <= asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(BACKOFF_S if still_due else RECHECK_S):
                await self._wake.wait()
        except TimeoutError:
            self._behind = True  # a notification may be lost without one that follows

    async def _take(self) -> None:
        """Into the window what was heard, and what was missed; not so much that the window forgets unsent."""
        self._wake.clear()
        if self._ready.is_set():
            await self._renew()
        deltas = [delta for delta in self._heard if delta["id"] > self._window.last]
        last = self._window.last
        for delta in deltas:
            if delta["prev"] != last:
                self._behind = True
                break
            last = delta["id"]
        if self._behind:
            self._heard.clear()
            self._behind = False
            self.room = await self.source.room()
            deltas = await self.source.read(self._window.last)
            if deltas and self._ready.is_set() and await self._forgotten(deltas[0]):
                # Away for so long that the stream has forgotten a part.
                self._window = Window()
                self.tell({"type": "gap", "room": self.room_id, "after": self._sent})
        most = max(0, MOST_UNSENT - len(self._unsent())) if self._ready.is_set() else len(deltas)
        deltas, rest = deltas[:most], deltas[most:]
        if deltas:
            if any(delta["kind"] in CHANGES_ROOM for delta in deltas):
                self.room = await self.source.room()
            for item, doc in await self._opened(deltas):
                self._window.add(item, doc)
                self._arrived(item)
        known = rest[-1]["id"] if rest else self._window.last
        self._heard = [*rest, *(delta for delta in self._heard if delta["id"] > known)]

    async def _opened(self, deltas: Sequence[Delta]) -> Opened:
        """After a failure each by itself: one that cannot be opened must not silence its room for ever."""
        if not self._stumbled:
            return await self._opener(self.room, deltas)
        opened: Opened = []
        for delta in deltas:
            try:
                opened += await self._opener(self.room, [delta])
            except AWAY:
                raise
            except Exception as error:
                failures.tell(_log, "a delta is skipped", error, room=self.room_id, delta=delta["id"])
                opened.append((Item(delta["id"], delta["prev"], "", "", "skipped", "", None), {}))
        return opened

    def _unsent(self) -> list[Item]:
        return self._window.since(max(self._sent, self._window.floor)) or []

    async def _write(self) -> None:
        """A part of what is new; who comes later gets it by the window."""
        unsent = self._unsent()
        part = part_of(unsent)
        self._sent = part[-1].id if len(part) < len(unsent) else self._window.last
        await self._delivery.write(part)

    async def _renew(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._renew_at_s:
            return
        self._renew_at_s = now_s  # so it stays due if this fails; who asks meanwhile is not overheard
        last, fresh = self._window.last, Window()
        deltas = [delta for delta in await self.source.read(NO_DELTA) if delta["id"] <= last]
        for item, doc in await self._opened(deltas):
            fresh.add(item, doc)
        if fresh.last != last:
            return  # the stream has left the window behind: what follows says so, and then it is tried again
        self._window = fresh
        if self._renew_at_s == now_s:
            self._renew_at_s = now_s + RENEWED_S

    async def _forgotten(self, first: Delta) -> bool:
        """Whether something between the window and `first` was trimmed. What is only hidden leaves, too."""
        last = self._window.last
        if first["prev"] <= last:
            return False
        oldest = await self.source.oldest()
        return oldest is None or oldest > last

    def _open_for_listeners(self) -> None:
        if not self._ready.is_set():
            self._sent = self._window.last
            if self._renew_at_s == math.inf:
                self._renew_at_s = asyncio.get_running_loop().time() + RENEWED_S
            self._ready.set()
