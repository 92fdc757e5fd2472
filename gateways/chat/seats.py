"""A client of the socket and the rooms it listens to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from gateways.chat import said
from gateways.chat.context import CHAT, Chat
from gateways.chat.feed import Feed
from gateways.chat.live import LiveRoom
from gateways.chat.said import Message, Refused
from gateways.chat.sending import Sender
from gateways.core.gcra import Local
from gateways.core.permissions import CHAT_WRITE
from gateways.core.principal import Principal
from gateways.core.rates import MESSAGE, Rate
from gateways.core.sockets import Socket
from schemas.chat.views import RoomDocument

_NAMES: Final = ("room", "client_id", "message_id")


class Seat:
    """A client in a room: what the room writes to."""

    __slots__ = ("_ask_again", "_asking", "_held", "_socket", "desk", "feed", "live")

    def __init__(self, socket: Socket, ask_again: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._socket = socket
        self._ask_again = ask_again
        self._asking: asyncio.Task[None] | None = None
        self._held: list[bytes] | None = []  # until it has begun
        self.feed: Feed | None = None
        self.live: LiveRoom | None = None
        self.desk: AsyncExitStack | None = None

    @property
    def principal(self) -> Principal:
        return self._socket.principal

    @property
    def account_id(self) -> str | None:
        return self._socket.principal.account_id

    def write(self, frame: bytes) -> None:
        """What the room says now; it waits while the client still gets what was said before it came."""
        if self._held is None:
            self._socket.write(frame)
        else:
            self._held.append(frame)

    async def begin(self, frames: Sequence[bytes]) -> None:
        """Write what was said before, and in it all that the room has said until now; then what comes."""
        self._held = []
        try:
            if len(frames) == 1:
                self._socket.write(frames[0])
            else:
                await self._socket.write_all(frames)
        finally:
            held, self._held = self._held, None
            for frame in held:
                self._socket.write(frame)

    def recheck(self) -> None:
        """Whether the client may still read the room is asked again, once at a time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_again())


class Party:
    """One connection: who it is, where it is, how fast it goes."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.chat: Chat = socket.app[CHAT]
        self.seats: dict[str, Seat] = {}
        self.order = asyncio.Lock()  # messages reach the log in the order in which they were sent
        self._pace: Local | None = None  # most connections only listen
        self._sender: Sender | None = None

    def room(self, message: Message) -> RoomDocument:
        """The room that a message is about. Raises Refused unless the client listens to it."""
        seat = self.seats.get(said.room_id(message))
        if seat is None or seat.feed is None or seat.feed.room is None:
            raise Refused("not_subscribed", "Subscribe to the room first.")
        return seat.feed.room

    def writing(self, message: Message) -> RoomDocument:
        """As `room`, for what only those do who may write."""
        room = self.room(message)
        if not self.socket.principal.may(CHAT_WRITE) or self.socket.principal.account_id is None:
            raise Refused("may_not_write", "Sign in with an account to write; this credential may only read.")
        return room

    def sender(self) -> Sender:
        """The client as a room's rules see it."""
        if self._sender is None or self._sender.principal is not self.socket.principal:
            socket, hashes = self.socket, self.chat.hashes
            device = hashes.device(socket.user_agent, socket.languages)
            self._sender = Sender(socket.principal, device, hashes.network(socket.network))
        return self._sender

    def allowed(self, name: str, rate: Rate) -> bool:
        """Count one of what this connection does; False if that is too fast."""
        now_us = int(asyncio.get_running_loop().time() * 1e6)
        self._pace = self._pace or Local(most=16)
        return not self._pace.take([name], [rate], now_us)[0].wait_us

    async def counted(self) -> None:
        """Count a message of the account and its network. Raises Problem 429."""
        await self.chat.limiter.take(MESSAGE, self.socket.principal, self.socket.network)

    def refuse(self, message: Message, no: Refused) -> None:
        """Tell the client; the answer names what it answers."""
        named = {name: message[name] for name in _NAMES if isinstance(message.get(name), str)}
        self.socket.say({"type": "refused", **named, "code": no.code, "detail": no.detail})

    def done(self, message: Message) -> None:
        """Tell the client that what it asked is so now."""
        named = {name: message[name] for name in _NAMES if isinstance(message.get(name), str)}
        self.socket.say({"type": "done", "request": message["type"], **named})

    async def leave(self, room_id: str) -> None:
        """Out of a room, if it is in it."""
        seat = self.seats.pop(room_id, None)
        if seat is not None:
            if seat.live is not None:
                self.chat.live.leave(seat.live, seat)
            if seat.feed is not None:
                self.chat.feeds.leave(seat.feed, seat)
            if seat.desk is not None:
                await seat.desk.aclose()
