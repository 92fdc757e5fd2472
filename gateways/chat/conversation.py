"""The socket's protocol: what a client may say, and what it is answered (docs/guides/chat.md).

Requests are answered when their answers are known; each names what it answers. One that is malformed is told
so; the connection ends only for floods and for what is not JSON (`gateways.core.sockets`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

from redis.exceptions import RedisError

from gateways.chat import said, sayings
from gateways.chat.access import may_read
from gateways.chat.blocks import shown_blocks
from gateways.chat.feed import Feed
from gateways.chat.feeds import RoomAway
from gateways.chat.rights import may_moderate
from gateways.chat.rooms import find_room
from gateways.chat.said import Message, Refused
from gateways.chat.seats import Party, Seat
from gateways.chat.standing import standing_of
from gateways.chat.welcome import honest, welcome
from gateways.core.clickhouse import HistoryUnavailable
from gateways.core.frames import text_frame
from gateways.core.permissions import CHAT_WRITE
from gateways.core.principal import ANONYMOUS
from gateways.core.problem import Problem
from gateways.core.rates import REFUSED, Rate
from gateways.core.sockets import Socket
from schemas.chat.views import RoomDocument
from streams.core import failures
from streams.core.logging import get_logger
from streams.core.producer import LogUnavailable
from streams.core.vault import VaultError

_log = get_logger("gateway.chat.conversation")
MOST_ROOMS: Final = 50
MOST_AT_ONCE: Final = 20
"""Requests of one connection that wait for their outcome."""
AWAY: Final = (RoomAway, RedisError, LogUnavailable, HistoryUnavailable, VaultError, OSError)
RENEWALS: Final = Rate(10, 60)


async def talk(socket: Socket) -> None:
    """Until the client goes."""
    async with _Conversation(socket) as conversation:
        await conversation.greet()
        while True:
            await conversation.take(await socket.receive())


class _Conversation(Party):
    def __init__(self, socket: Socket) -> None:
        super().__init__(socket)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> _Conversation:
        return self

    async def __aexit__(self, *why: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for room_id in tuple(self.seats):
            await self.leave(room_id)

    async def greet(self) -> None:
        """Whom the client's own list hides, where it has one."""
        with suppress(RedisError, OSError):
            blocked = await shown_blocks(self.chat, self.socket.principal.account_id)
            if blocked:
                self.socket.say({"type": "blocks", "account_ids": blocked})

    async def take(self, message: Message) -> None:
        """One message of the client."""
        kind = message.get("type")
        handle = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handle is None:
            self.refuse(message, Refused("unknown_type", f"type must be one of {', '.join(_HANDLERS)}."))
            return
        if kind in _LONG:
            if len(self._tasks) >= MOST_AT_ONCE:
                self.refuse(message, Refused("busy", f"At most {MOST_AT_ONCE} at once: wait for an answer."))
                return
            task = asyncio.create_task(self._handled(handle, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await self._handled(handle, message)

    async def _handled(self, handle: Handler, message: Message) -> None:
        try:
            await handle(self, message)
        except Refused as no:
            self.refuse(message, no)
        except Problem as problem:
            self.refuse(message, Refused(problem.kind.slug, problem.detail))
        except AWAY as error:
            _log.warning("a request found something away", error=type(error).__name__)
            self.refuse(
                message, Refused("unavailable", "Something that this needs does not answer; try again.")
            )
        except Exception as error:
            failures.tell(_log, "a request failed", error, type=message["type"])
            self.refuse(message, Refused("internal", "Something went wrong here: try again later."))

    # -- rooms

    async def subscribe(self, message: Message) -> None:
        """Into a room, from where the client left it."""
        room_id = said.room_id(message)
        await self.leave(room_id)
        if len(self.seats) >= MOST_ROOMS:
            raise Refused("too_many_rooms", f"A connection listens to at most {MOST_ROOMS} rooms; leave one.")
        room = await find_room(self.chat, room_id)
        if room is None or not await may_read(self.chat, self.socket.principal, room):
            raise Refused("room_unknown", "There is no such room, or you may not read it.")
        moderates = may_moderate(self.socket.principal, room)
        if message.get("desk") and not moderates:
            raise Refused("not_a_moderator", "Only moderators of the room hear of its desk.")
        seat = Seat(self.socket, lambda: self._may_still_read(room_id))
        seat.feed = await self.chat.feeds.enter(room_id, seat)
        self.seats[room_id] = seat
        try:
            await self._begin(seat, seat.feed, room, message)
        except Exception:
            await self.leave(room_id)
            raise

    async def _begin(self, seat: Seat, feed: Feed, room: RoomDocument, message: Message) -> None:
        """What the room says from now on waits in the seat until the client has what was said before."""
        room_id = feed.room_id
        standing = await standing_of(self.chat, room_id, self.socket.principal.account_id)
        present = await self.chat.live.now(room_id)
        since = await honest(feed, message.get("since"))
        room, settings = await self._newest(feed, room)
        if feed.over:
            raise RoomAway(room_id)
        if self.seats.get(room_id) is not seat:
            return  # the client was put out meanwhile, and told so
        more = {**present, "you": {**self._you(room), **standing}}
        said_before = welcome(feed, room, settings, since, seat.account_id, more)
        await seat.begin([text_frame(part) for part in said_before])
        if self.seats.get(room_id) is not seat:
            return
        seat.live = self.chat.live.enter(room_id, seat)
        if message.get("desk"):
            seat.desk = AsyncExitStack()
            await seat.desk.enter_async_context(self.chat.desks.listening(room_id, seat))

    async def _newest(self, feed: Feed, room: RoomDocument) -> tuple[RoomDocument, dict[str, Any]]:
        """The room as of what the feed has said by now, and its settings: a change between is in no delta."""
        while True:
            [settings] = await self.chat.texts.shown([room])
            if feed.room is None or feed.room["last"] <= room["last"]:
                return room, settings
            room = feed.room

    def _you(self, room: RoomDocument) -> dict[str, Any]:
        principal = self.socket.principal
        return {
            "account_id": principal.account_id,
            "moderator": may_moderate(principal, room),
            "may_write": principal.account_id is not None and principal.may(CHAT_WRITE),
        }

    async def _may_still_read(self, room_id: str) -> None:
        seat = self.seats.get(room_id)
        room = seat.feed.room if seat is not None and seat.feed is not None else None
        if room is None:
            return
        try:
            if await may_read(self.chat, self.socket.principal, room):
                return
        except (RedisError, OSError):
            return  # it is asked again
        await self.leave(room_id)
        self.socket.say({"type": "left", "room": room_id, "code": "may_not_read"})

    async def unsubscribe(self, message: Message) -> None:
        """Out of a room."""
        await self.leave(said.room_id(message))
        self.done(message)

    # -- the connection itself

    async def authenticate(self, message: Message) -> None:
        """A fresher token of the same account, before the old one ends."""
        if not self.allowed("authenticate", RENEWALS):
            raise Refused("too_fast", f"At most {RENEWALS.most} tokens in {RENEWALS.per_s} s.")
        try:
            await self.socket.renew(said.required(message, "token"))
        except Problem as problem:
            if problem.kind.slug == "bad-credential":
                await self.chat.limiter.take(REFUSED, ANONYMOUS, self.socket.network)
            raise
        self.done(message)

    async def ping(self, message: Message) -> None:
        """For clients that cannot see the WebSocket's own."""
        self.socket.say({"type": "pong"})


Handler = Callable[[_Conversation, Message], Coroutine[Any, Any, None] | Awaitable[None]]
_HANDLERS: Final[dict[str, Handler]] = {
    "subscribe": _Conversation.subscribe,
    "unsubscribe": _Conversation.unsubscribe,
    "authenticate": _Conversation.authenticate,
    "ping": _Conversation.ping,
    "send": sayings.say,
    "edit": sayings.change,
    "remove": sayings.remove,
    "react": sayings.react,
    "typing": sayings.typing,
    "read": sayings.read,
    "follow": sayings.follow,
    "unfollow": sayings.unfollow,
}
_LONG: Final = frozenset(("send", "edit", "remove", "follow", "unfollow"))
