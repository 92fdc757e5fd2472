"""A room's messages page by page, and those with some words: the newest from its window, older from rows.

Pages are in the room's order, the oldest first, whichever way one goes.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from gateways.chat.context import Chat
from gateways.chat.feed import Feed
from gateways.chat.past import AFTER, AMONG, BEFORE, later_than_history, opened_rows, rows
from schemas.chat.views import NO_DELTA, RoomDocument

SEARCH_S: Final = 2.0
"""How long one answer of a search looks; its cursor goes on from there."""
SEARCH_WINDOW: Final = 500


class Page(NamedTuple):
    """Messages in order; from `before` older ones go on, from `after` newer ones; None: there are none."""

    items: list[dict[str, Any]]
    before: int | None
    after: int | None


async def older(chat: Chat, room: RoomDocument, me: str | None, before: int | None, limit: int) -> Page:
    """The newest `limit` messages before the id `before`, or of all. Raises RoomAway, HistoryUnavailable."""
    feed = await chat.feeds.feed(room["room_id"])
    held = [message for message in feed.messages(me) if before is None or message["id"] < before]
    items, more = held[-limit:], len(held) > limit
    if len(items) < limit and feed.floor != NO_DELTA:
        wanted = limit - len(items)
        below = feed.floor + 1 if before is None else min(before, feed.floor + 1)
        found = await rows(chat, room["room_id"], BEFORE, wanted + 1, me=me, before=below)
        more, found = len(found) > wanted, found[:wanted]
        past = await opened_rows(chat, room, reversed(found), later_than_history(feed, me))
        first = found[-1]["id"] if found else None
        return Page([*past, *items], int(first) if more and first is not None else None, _last(items or past))
    return Page(items, items[0]["id"] if (items and more) or _is_older(feed, items) else None, _last(items))


async def newer(chat: Chat, room: RoomDocument, me: str | None, after: int, limit: int) -> Page:
    """The oldest `limit` messages after the id `after`. Raises RoomAway, HistoryUnavailable."""
    feed = await chat.feeds.feed(room["room_id"])
    items: list[dict[str, Any]] = []
    if after < feed.floor:
        found = await rows(chat, room["room_id"], AFTER, limit, me=me, oldest_first=True, after=after)
        found = [row for row in found if row["id"] <= feed.floor]
        items = await opened_rows(chat, room, found, later_than_history(feed, me))
        if len(found) == limit:
            return Page(items, after, int(found[-1]["id"]))
    held = [message for message in feed.messages(me) if message["id"] > max(after, feed.floor)]
    taken = held[: limit - len(items)]
    items += taken
    return Page(items, after, items[-1]["id"] if len(held) > len(taken) else None)


async def among(chat: Chat, room: RoomDocument, me: str | None, wanted: list[str]) -> list[dict[str, Any]]:
    """Those of these messages that are shown, in the order of their ids in `wanted`. Raises as `older`."""
    if not wanted:
        return []
    feed = await chat.feeds.feed(room["room_id"])
    found = {each["message_id"]: each for each in feed.messages(me) if each["message_id"] in wanted}
    older_ones = [message_id for message_id in wanted if message_id not in found]
    if older_ones:
        past = await rows(chat, room["room_id"], AMONG, len(older_ones), me=me, messages=older_ones)
        opened = await opened_rows(chat, room, past, later_than_history(feed, me))
        found |= {each["message_id"]: each for each in opened}
    return [found[message_id] for message_id in wanted if message_id in found]


async def search(
    chat: Chat, room: RoomDocument, me: str | None, words: str, before: int | None, limit: int
) -> Page:
    """The newest messages that hold all the words. `before` of the answer goes on, found or not.

    Texts are sealed: each is opened, window by window, for at most SEARCH_S. Raises as `older`.
    """
    wanted = words.casefold().split()
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + SEARCH_S
    found: list[dict[str, Any]] = []
    at = before
    while True:
        page = await older(chat, room, me, at, SEARCH_WINDOW)
        for message in reversed(page.items):
            if all(word in message["text"].casefold() for word in wanted):
                found.append(message)
                if len(found) == limit:
                    return Page(found[::-1], message["id"], None)
        at = page.before
        if at is None or loop.time() >= deadline_s:
            return Page(found[::-1], at, None)


def _is_older(feed: Feed, items: list[dict[str, Any]]) -> bool:
    """Whether a full page from the window leaves something to the history."""
    return bool(items) and feed.floor != NO_DELTA


def _last(items: list[dict[str, Any]]) -> int | None:
    return items[-1]["id"] if items else None
