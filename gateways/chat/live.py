"""What passes in a room and is never on the log: who is there, who types, who has read how far.

Signals go over a sharded channel of the room's own and are told at most once a TICK_S. In a room of
LIVESTREAM_FROM connections the chatty ones go off, and it says so; the count stays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from gateways.chat.delivery import Listener
from gateways.chat.people import People
from gateways.chat.presence import NOBODY, Presence, Present, live_tag, own
from gateways.core.frames import text_frame
from gateways.core.push import Hub, Note
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.chat.live")
TICK_S: Final = 1.0
HEARTBEAT_S: Final = 5.0
LIVESTREAM_FROM: Final = 200
LIVESTREAM_UNTIL: Final = 150
MOST_TOLD: Final = 20
"""People who type, or have read, that one message names."""


class LiveRoom:
    """A room that somebody here listens to. It is a `gateways.core.push.Listener` of the room's signals."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.listeners: set[Listener] = set()
        self.present, self.told = NOBODY, NOBODY
        self.livestream = False
        self.wrote: Present | None = None  # what other gateways know of this one
        self.exchanged_at_s = 0.0
        self.dirty = True
        self.typing: dict[str, None] = {}
        self.marks: dict[str, int] = {}
        self.joins = AsyncExitStack()
        self.joined = False

    def hear(self, note: Note | None) -> None:
        """A signal of any gateway; None: something may have been missed."""
        self.take(orjson.loads(note.payload) if note is not None else {"presence": True})

    def take(self, said: dict[str, Any]) -> None:
        """Who types, how far somebody has read, or that presence changed; told at the next tick."""
        if "typing" in said and len(self.typing) < MOST_TOLD:
            self.typing[said["typing"]] = None
        elif "read" in said and (len(self.marks) < MOST_TOLD or said["read"] in self.marks):
            self.marks[said["read"]] = said["id"]
        elif "presence" in said:
            self.dirty = True

    def tell(self, document: dict[str, Any]) -> None:
        """To all who listen here."""
        frame = text_frame(orjson.dumps({**document, "room": self.room_id}))
        for listener in tuple(self.listeners):
            listener.write(frame)


class Live:
    """One a process; `run` must be running."""

    def __init__(
        self,
        presence: Presence,
        hub: Hub,
        people: People,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._presence, self._hub, self._people, self._now_ms = presence, hub, people, now_ms
        self._rooms: dict[str, LiveRoom] = {}

    @contextmanager
    def listening(self, room_id: str, listener: Listener) -> Iterator[LiveRoom]:
        """One who is there for as long as the block lasts; others hear of it within a TICK_S."""
        room = self.enter(room_id, listener)
        try:
            yield room
        finally:
            self.leave(room, listener)

    def enter(self, room_id: str, listener: Listener) -> LiveRoom:
        """As `listening`, until `leave`: for those of whom there are too many for a context each."""
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = LiveRoom(room_id)
        room.listeners.add(listener)
        room.dirty = True
        return room

    def leave(self, room: LiveRoom, listener: Listener) -> None:
        """Not here any more; doing it twice changes nothing."""
        room.listeners.discard(listener)
        room.dirty = True

    async def typing(self, room_id: str, account_id: str) -> None:
        """Somebody types. Lost where Redis does not answer, and nothing in a large room."""
        await self._signal(room_id, {"typing": account_id})

    async def read(self, room_id: str, account_id: str, delta_id: int) -> None:
        """Somebody has read up to this delta; as `typing`."""
        await self._signal(room_id, {"read": account_id, "id": delta_id})

    async def _signal(self, room_id: str, signal: dict[str, Any]) -> None:
        room = self._rooms.get(room_id)
        if room is None or room.livestream:
            return
        if not room.joined:
            room.take(signal)  # of somebody who has just come: the channel would not give it back
        try:
            await self._presence.tell(room_id, signal)
        except (RedisError, OSError) as error:
            _log.debug("a signal was lost", error=type(error).__name__)

    async def run(self) -> None:
        """Until cancelled; then nobody is here any more."""
        try:
            while True:
                await asyncio.sleep(TICK_S)
                try:
                    await self.tick(asyncio.get_running_loop().time())
                except (RedisError, OSError) as error:
                    _log.warning("nobody knows who is there", error=type(error).__name__)
                except Exception as error:
                    failures.tell(_log, "a tick of the rooms failed", error)
        finally:
            with suppress(RedisError, OSError):  # the others forget this gateway by themselves
                await self._say_gone(list(self._rooms))

    async def tick(self, now_s: float) -> None:
        """Exchange what is due with the other gateways, and tell listeners what is new."""
        await self._join_and_leave()
        due = {
            room_id: own(listener.account_id for listener in room.listeners)
            for room_id, room in self._rooms.items()
            if room.dirty or room.exchanged_at_s <= now_s - HEARTBEAT_S
        }
        if due:
            for room_id in due:
                self._rooms[room_id].dirty = False  # what comes meanwhile is for the next time
            totals = await self._presence.exchange(due, self._now_ms())
            for room_id, mine in due.items():
                room = self._rooms[room_id]
                room.exchanged_at_s, room.present = now_s, totals[room_id]
                if room.wrote != mine:
                    room.wrote = mine
                    await self._presence.tell(room_id, {"presence": True})
        for room in tuple(self._rooms.values()):
            await self._tell(room)

    async def _join_and_leave(self) -> None:
        for room in tuple(self._rooms.values()):
            if room.listeners and not room.joined:
                await room.joins.enter_async_context(self._hub.listen([live_tag(room.room_id)], room))
                room.joined = True
        left = []
        for room in tuple(self._rooms.values()):
            if not room.listeners:  # still: somebody may come while the channels of others are left
                del self._rooms[room.room_id]
                left.append(room.room_id)
                await room.joins.aclose()
        await self._say_gone(left)

    async def _say_gone(self, room_ids: list[str]) -> None:
        if room_ids:
            await self._presence.exchange(dict.fromkeys(room_ids, NOBODY), self._now_ms())
            for room_id in room_ids:
                await self._presence.tell(room_id, {"presence": True})

    async def _tell(self, room: LiveRoom) -> None:
        count = room.present.count
        large = count >= (LIVESTREAM_UNTIL if room.livestream else LIVESTREAM_FROM)
        if large != room.livestream:
            room.livestream = large
            room.tell(livestream_notice(large))
        if room.present != room.told:
            room.told = room.present
            room.tell({"type": "presence", **await self.presence_of(room)})
        typing, room.typing = room.typing, {}
        marks, room.marks = room.marks, {}
        if typing and not large:
            room.tell({"type": "typing", "accounts": await self._named(typing)})
        if marks and not large:
            room.tell({"type": "read", "marks": marks})

    async def presence_of(self, room: LiveRoom) -> dict[str, Any]:
        """As clients are told."""
        accounts = room.present.accounts
        listed = None if accounts is None else await self._named(accounts)
        return {"count": max(room.present.count, len(room.listeners)), "accounts": listed}

    async def now(self, room_id: str) -> dict[str, Any]:
        """For who comes in; `presence` is None while nobody of this gateway is in the room."""
        room = self._rooms.get(room_id)
        if room is None:
            return {"presence": None, "livestream": False}
        return {"presence": await self.presence_of(room), "livestream": room.livestream}

    async def _named(self, account_ids: Any) -> list[dict[str, Any]]:
        names = await self._people.names(account_ids)
        return [{"id": account_id, "name": names[account_id]} for account_id in account_ids]


def livestream_notice(on: bool) -> dict[str, Any]:
    """What a room says when its chatty signals go off, or on again."""
    detail = (
        f"The room has {LIVESTREAM_FROM} visitors or more: typing and read marks are not shown."
        if on
        else "Typing and read marks are shown again."
    )
    return {"type": "notice", "code": "livestream", "on": on, "detail": detail}
