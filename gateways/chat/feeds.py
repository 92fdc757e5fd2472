"""The rooms that somebody in this process listens to: opened for the first, closed a while after the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Set
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from redis.exceptions import RedisError

from gateways.chat.delivery import Listener
from gateways.chat.feed import Feed, Opener
from gateways.chat.source import RoomSource
from gateways.chat.window import Item
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from schemas.chat.views import RoomDocument
from streams.core import failures, metrics
from streams.core.logging import get_logger

_log = get_logger("gateway.chat.feeds")
OPEN_S: Final = 5.0
KEPT_S: Final = 30.0
"""How long a room without listeners stays open: people reload pages."""
VERSION_S: Final = 2.0
"""How often it is looked up whether a rebuilt projection has taken over, seconds."""
SWEEP_ROUNDS: Final = 5
"""After so many of these, listeners of rooms that are not everybody's are asked again whether they may."""


async def _everybodys(_: RoomDocument) -> bool:
    return True


async def _as_it_is(room: RoomDocument) -> RoomDocument:
    return room


async def _alone(_: str, __: Callable[[], Awaitable[None]]) -> None:
    """Of a room beside which nothing changes."""


class RoomAway(Exception):
    """The room cannot be read now."""


class Feeds:
    """One a process; `run` must be running."""

    def __init__(
        self,
        reader: ProjectionReader,
        rooms: Projection,
        redis: Any,
        hub: Hub,
        opener: Opener,
        arrived: Callable[[Item], None] = lambda _: None,
        everybodys: Callable[[RoomDocument], Awaitable[bool]] = _everybodys,
        follow: Callable[[str, Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]] = _alone,
        owned: Callable[[RoomDocument], Awaitable[RoomDocument]] = _as_it_is,
    ) -> None:
        """`everybodys` says whether all may read a room; who listens to others is asked again: now and then,
        and as `follow` says (`gateways.chat.films`). `owned` puts a room's owner of now into its document.
        """
        self._reader, self._rooms, self._redis, self._hub = reader, rooms, redis, hub
        self._opener, self._arrived, self._everybodys = opener, arrived, everybodys
        self._follow, self._owned = follow, owned
        self._following: dict[Feed, asyncio.Task[None]] = {}
        self._open: dict[str, Feed] = {}
        self._version = 0
        self._closing: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, room_id: str, listener: Listener) -> AsyncIterator[Feed]:
        """The room's feed with `listener` in it. Raises RoomAway if it cannot be read."""
        feed = await self.enter(room_id, listener)
        try:
            yield feed
        finally:
            self.leave(feed, listener)

    async def enter(self, room_id: str, listener: Listener) -> Feed:
        """As `listening`, until `leave`: for those of whom there are too many for a context each."""
        feed = await self.feed(room_id)
        feed.listeners.add(listener)
        metrics.CHAT_LISTENERS.inc()
        return feed

    def leave(self, feed: Feed, listener: Listener) -> None:
        """Once for each `enter`."""
        feed.listeners.discard(listener)
        metrics.CHAT_LISTENERS.dec()
        self._left(feed)

    async def feed(self, room_id: str) -> Feed:
        """The room's feed, as new as the projection. Raises RoomAway."""
        feed = self._open.get(room_id)
        try:
            async with asyncio.timeout(OPEN_S):
                if feed is None:
                    view = await self._reader.pin(self._rooms)
                    self._version = self._version or view.version
                    feed = self._open.get(room_id)
                if feed is None:
                    source = RoomSource(view, self._redis, room_id, self._owned)
                    feed = Feed(room_id, source, self._opener, self._hub, self._arrived)
                    self._open[room_id] = feed
                    following = self._follow(room_id, partial(self._film_changed, feed))
                    self._following[feed] = asyncio.create_task(following, name=f"film-of-{room_id}")
                    self._left(feed)
                await feed.open()
        except (TimeoutError, RedisError, OSError) as error:
            raise RoomAway(room_id) from error
        return feed

    def pace_s(self, room_id: str) -> float:
        """From one writing of the room to the next, seconds; 0 where nobody listens here."""
        feed = self._open.get(room_id)
        return 0.0 if feed is None else feed.pace_s

    def authors(self) -> set[str]:
        """Accounts of which something is shown in the open rooms, and owners of these."""
        found = {item.account_id for feed in self._open.values() for item in feed.items() if item.wire}
        found |= {feed.room["owner_id"] or "" for feed in self._open.values() if feed.room is not None}
        return found - {""}

    def forget(self, account_ids: Set[str]) -> None:
        """They were erased: where something of theirs is shown it is opened anew, which it does not bear.

        Who listens is told, as a page may show more than a room's window holds.
        """
        for feed in self._open.values():
            feed.tell({"type": "erased", "room": feed.room_id, "account_ids": sorted(account_ids)})
            if feed.shows(account_ids):
                feed.renew()

    async def run(self) -> None:
        """Until cancelled; then every feed is closed."""
        rounds = 0
        try:
            while True:
                await asyncio.sleep(VERSION_S)
                rounds += 1
                try:
                    if rounds % SWEEP_ROUNDS == 0:
                        await self._sweep()
                    version = await self._reader.version(self._rooms.name)
                    if self._version and version != self._version:
                        self._version = version
                        await self._move()
                except (RedisError, OSError):
                    continue  # at the next round
                except Exception as error:
                    failures.tell(_log, "rooms were not looked after", error)
        finally:
            await asyncio.gather(*(self._end(feed) for feed in self._open.values()))
            self._open.clear()

    async def _sweep(self) -> None:
        """For who came in while the film changed, and for what nobody was told of."""
        for feed in tuple(self._open.values()):
            await self._ask(feed)

    async def _film_changed(self, feed: Feed) -> None:
        """It may be somebody else's, and who may see it others. Raises RedisError, OSError."""
        feed.hear(None)  # so its document is read again
        await self._ask(feed)

    async def _ask(self, feed: Feed) -> None:
        """Whether listeners may still read the room, unless everybody may. Raises RedisError, OSError."""
        if feed.listeners and feed.room is not None and not await self._everybodys(feed.room):
            for listener in tuple(feed.listeners):
                listener.recheck()

    async def _move(self) -> None:
        """A rebuilt projection took over: listeners subscribe again and get what is different there."""
        feeds, self._open = self._open, {}
        for feed in feeds.values():
            feed.over = True  # so who is just coming in sees it, too
            feed.tell({"type": "moved", "room": feed.room_id})
            await self._end(feed)

    async def _end(self, feed: Feed) -> None:
        following = self._following.pop(feed)
        following.cancel()
        await asyncio.gather(following, feed.close(), return_exceptions=True)

    def _left(self, feed: Feed) -> None:
        held = self._closing.pop(feed.room_id, None)
        if held is not None:
            held.cancel()
        if not feed.listeners:
            loop = asyncio.get_running_loop()
            self._closing[feed.room_id] = loop.call_later(KEPT_S, self._close, feed)

    def _close(self, feed: Feed) -> None:
        self._closing.pop(feed.room_id, None)
        if not feed.listeners and self._open.get(feed.room_id) is feed:
            del self._open[feed.room_id]
            task = asyncio.create_task(self._end(feed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
