"""A room as server-sent events, for who only reads: the same items as over the socket.

The id of an event is `<epoch>:<delta id>`: a browser sends it back by itself (Last-Event-ID) and gets exactly
what it missed. A client that reads slowly costs a flag here, never a queue.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import web
from redis.exceptions import RedisError

from gateways.chat.access import may_read
from gateways.chat.context import Chat, chat_of
from gateways.chat.feed import Feed
from gateways.chat.feeds import RoomAway
from gateways.chat.rooms import known
from gateways.chat.welcome import NEWEST, honest, welcome
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import retry_later
from gateways.core.sse import EventStream
from schemas.chat.views import RoomDocument

LONGEST_ID: Final = 18
BATCH: Final = 100
"""Items of one event at most."""


class _Reader:
    """A client of the room; it is told that there is something, and reads it itself."""

    def __init__(self, principal: Principal) -> None:
        self.account_id = principal.account_id
        self.wake = asyncio.Event()
        self.unsure = False

    def write(self, frame: bytes) -> None:
        self.wake.set()

    def recheck(self) -> None:
        self.unsure = True
        self.wake.set()

    async def news(self, timeout_s: float) -> bool:
        """Whether there is something, after at most `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.wake.wait()
        woken = self.wake.is_set()
        self.wake.clear()
        return woken


async def events(request: web.Request) -> web.StreamResponse:
    """Until the client goes, may read it no more, or a rebuilt projection took over: then it comes back."""
    chat, room, principal = chat_of(request), await known(request), principal_of(request)
    reader, [settings] = _Reader(principal), await chat.texts.shown([room])
    try:
        async with chat.feeds.listening(room["room_id"], reader) as feed:
            since = await honest(feed, _since(request.headers.get("Last-Event-ID", "")))
            documents = welcome(feed, room, settings, since, reader.account_id, {})
            sent = feed.last
            async with EventStream(request) as stream:
                with chat.live.listening(room["room_id"], reader):
                    for number, raw in enumerate(documents, 1):
                        document = orjson.loads(raw)
                        upto = sent if number == len(documents) else document["items"][-1]["id"]
                        await stream.send(document.pop("type"), document, f"{feed.source.epoch}:{upto}")
                    await _follow(chat, principal, feed, reader, stream, sent)
            return stream.response
    except RoomAway as away:
        raise retry_later("unavailable", "The room cannot be read now; try again.") from away


async def _follow(
    chat: Chat, principal: Principal, feed: Feed, reader: _Reader, stream: EventStream, sent: int
) -> None:
    while stream.open:
        await stream.pause(reader.news)
        if feed.over:
            await stream.send("moved", {"room": feed.room_id})
            return
        if reader.unsure:
            reader.unsure = False
            if not await _may_still_read(chat, principal, feed.room):
                await stream.send("left", {"room": feed.room_id, "code": "may_not_read"})
                return
        last = feed.last
        missed = feed.since(sent, reader.account_id)
        if missed is None:
            await stream.send("gap", {"room": feed.room_id, "after": sent})
            missed = feed.newest(NEWEST, reader.account_id)
        for at in range(0, len(missed), BATCH):
            part = missed[at : at + BATCH]
            items: dict[str, Any] = {"room": feed.room_id, "items": [orjson.Fragment(item) for item in part]}
            whole = at + BATCH >= len(missed)
            upto = last if whole else orjson.loads(part[-1])["id"]
            await stream.send("batch", items, f"{feed.source.epoch}:{upto}")
        sent = last


async def _may_still_read(chat: Chat, principal: Principal, room: RoomDocument | None) -> bool:
    try:
        return room is not None and await may_read(chat, principal, room)
    except (RedisError, OSError):
        return True  # it is asked again


def _since(text: str) -> dict[str, Any] | None:
    epoch, _, number = text.rpartition(":")
    if not epoch or not number.isascii() or not number.isdecimal() or len(number) > LONGEST_ID:
        return {"epoch": ""} if text else None
    return {"epoch": epoch, "id": int(number)}
