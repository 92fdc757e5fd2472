"""The socket's protocol: what a client may say, and what it is answered (docs/guides/chat.md).

Requests are answered when their answers are known; each names what it answers. One that is malformed is told
so; the connection ends only for floods and for what is not JSON (`gateways.core.sockets`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import orjson

from gateways.chat import said
from gateways.chat.access import may_moderate, may_read
from gateways.chat.context import Chat, chat_of
from gateways.chat.feed import Feed
from gateways.chat.feeds import RoomAway
from gateways.chat.rooms import find_room
from gateways.chat.said import Message, Refused
from gateways.chat.sending import Sender, edit, send, sender_of
from gateways.core.app import CORE
from gateways.core.frames import text_frame
from gateways.core.permissions import CHAT_WRITE
from gateways.core.problem import Problem
from gateways.core.rates import MESSAGE
from gateways.core.sockets import Socket
from schemas.chat.views import RoomDocument

MOST_ROOMS: Final = 50
MOST_AT_ONCE: Final = 20
"""Requests of one connection that wait for their outcome."""
NEWEST: Final = 50
_NAMES: Final = ("room", "client_id", "message_id")


async def talk(socket: Socket) -> None:
    """Until the client goes."""
    async with _Conversation(socket) as conversation:
        while True:
            await conversation.take(await socket.receive())


class _Seat:
    """A client in a room: what the room's feed writes to."""

    __slots__ = ("_socket", "write")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.write = socket.write

    @property
    def account_id(self) -> str | None:
        return self._socket.principal.account_id


class _Conversation:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._chat: Chat = chat_of(socket.request)
        self._rooms: dict[str, tuple[Feed, AsyncExitStack]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()  # messages reach the log in the order in which they were sent

    async def __aenter__(self) -> _Conversation:
        return self

    async def __aexit__(self, *why: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, stack in self._rooms.values():
            await stack.aclose()

    async def take(self, message: Message) -> None:
        """One message of the client."""
        kind = message.get("type")
        handle = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handle is None:
            self._refuse(message, Refused("unknown_type", f"type must be one of {', '.join(_HANDLERS)}."))
            return
        if kind in _LONG:
            if len(self._tasks) >= MOST_AT_ONCE:
                self._refuse(message, Refused("busy", f"At most {MOST_AT_ONCE} at once: wait for an answer."))
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
            self._refuse(message, no)
        except Problem as problem:
            self._refuse(message, Refused(problem.kind.slug, problem.detail))
        except RoomAway:
            self._refuse(message, Refused("unavailable", "The room cannot be read now; try again."))

    def _refuse(self, message: Message, no: Refused) -> None:
        named = {name: message[name] for name in _NAMES if isinstance(message.get(name), str)}
        self._socket.say({"type": "refused", **named, "code": no.code, "detail": no.detail})

    # -- rooms

    async def subscribe(self, message: Message) -> None:
        """Into a room, from where the client left it."""
        room_id = said.room_id(message)
        if room_id in self._rooms:
            await self.unsubscribe(message)
        if len(self._rooms) >= MOST_ROOMS:
            raise Refused("too_many_rooms", f"A connection listens to at most {MOST_ROOMS} rooms; leave one.")
        room = await find_room(self._chat, room_id)
        if room is None or not await may_read(self._chat, self._socket.principal, room):
            raise Refused("room_unknown", "There is no such room, or you may not read it.")
        stack = AsyncExitStack()
        joined = await stack.enter_async_context(self._chat.feeds.listening(room_id, _Seat(self._socket)))
        self._rooms[room_id] = (joined, stack)
        self._socket.write(self._subscribed(joined, room, message.get("since")))

    def _subscribed(self, feed: Feed, room: RoomDocument, since: Any) -> bytes:
        account_id = self._socket.principal.account_id
        known = isinstance(since, dict) and since.get("epoch") == feed.source.epoch
        after = since.get("id") if known else None
        missed = feed.since(after, account_id) if isinstance(after, int) else None
        items = feed.newest(NEWEST, account_id) if missed is None else missed
        head = orjson.dumps(
            {
                "type": "subscribed",
                "room": feed.room_id,
                "epoch": feed.source.epoch,
                "id": feed.last,
                "recovered": missed is not None,
                "gap": since is not None and missed is None,
                "settings": room["settings"],
                "pinned": [pin["message"]["message_id"] for pin in room["pinned"]],
                "you": {
                    "account_id": account_id,
                    "moderator": may_moderate(self._socket.principal, room),
                    "may_write": account_id is not None and self._socket.principal.may(CHAT_WRITE),
                },
            }
        )
        return text_frame(head[:-1] + b',"items":[' + b",".join(items) + b"]}")

    async def unsubscribe(self, message: Message) -> None:
        """Out of a room."""
        held = self._rooms.pop(said.room_id(message), None)
        if held is not None:
            await held[1].aclose()

    # -- messages

    async def send(self, message: Message) -> None:
        """A message into a room."""
        client_id = said.client_id(message)
        room = self._writing(message)
        await self._counted()
        sent = await send(
            self._chat, room, self._sender(), self._order, client_id, said.required(message, "text"),
            reply_to=said.optional_id(message, "reply_to"), media_ms=said.media_ms(message),
            mentions=said.mentions(message),
        )  # fmt: skip
        self._socket.say(
            {
                "type": "sent", "room": room["room_id"], "client_id": client_id,
                "message_id": sent.message_id, "id": sent.delta_id, "state": sent.state,
            }
        )  # fmt: skip

    async def edit(self, message: Message) -> None:
        """Another text for a message of one's own."""
        room = self._writing(message)
        await self._counted()
        message_id = said.required(message, "message_id")
        edited = await edit(
            self._chat, room, self._sender(), self._order, message_id, said.required(message, "text"),
            said.mentions(message),
        )  # fmt: skip
        self._socket.say(
            {"type": "edited", "room": room["room_id"], "message_id": message_id, "state": edited.state}
        )

    def _writing(self, message: Message) -> RoomDocument:
        held = self._rooms.get(said.room_id(message))
        if held is None or held[0].room is None:
            raise Refused("not_subscribed", "Subscribe to the room first.")
        if not self._socket.principal.may(CHAT_WRITE):
            raise Refused("may_not_write", "Sign in to write; this credential may only read.")
        return held[0].room

    def _sender(self) -> Sender:
        return sender_of(self._socket.request)

    async def _counted(self) -> None:
        request = self._socket.request
        network = request.app[CORE].config.proxies.network(request)
        await self._chat.limiter.take(MESSAGE, self._socket.principal, network)


Handler = Callable[[_Conversation, Message], Coroutine[Any, Any, None] | Awaitable[None]]
_HANDLERS: Final[dict[str, Handler]] = {
    "subscribe": _Conversation.subscribe,
    "unsubscribe": _Conversation.unsubscribe,
    "send": _Conversation.send,
    "edit": _Conversation.edit,
}
_LONG: Final = frozenset(("send", "edit"))
