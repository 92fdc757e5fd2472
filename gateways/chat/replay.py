"""What was said while a film was at some place: for who watches it later, at any speed, after any seek."""

from __future__ import annotations

from typing import Any

from gateways.chat.context import Chat
from gateways.chat.past import FILM, later_than_history, opened_rows, rows
from schemas.chat.views import RoomDocument


async def said_at(
    chat: Chat, room: RoomDocument, me: str | None, from_ms: int, to_ms: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Messages by media time, from `from_ms` until before `to_ms`; and where to go on if there are more.

    A moment (one millisecond of the film) is never cut in two, unless more than `limit` is said in it.
    Raises RoomAway, HistoryUnavailable.
    """
    feed = await chat.feeds.feed(room["room_id"])
    found = await rows(
        chat, room["room_id"], FILM, limit + 1, me=me, by_film=True, from_ms=from_ms, to_ms=to_ms
    )
    past = await opened_rows(chat, room, found, later_than_history(feed, me))
    by_id = {message["message_id"]: message for message in past}
    for message in feed.messages(me):  # the history is a moment behind
        if message["media_ms"] is not None and from_ms <= message["media_ms"] < to_ms:
            by_id[message["message_id"]] = message
    items = sorted(by_id.values(), key=lambda message: (message["media_ms"], message["id"]))
    # Beyond the last row that was read there may be others.
    until_ms = int(found[-1]["media_ms"]) if len(found) > limit else to_ms
    whole = [message for message in items if message["media_ms"] < until_ms]
    if len(found) > limit and not whole:
        return items[:limit], until_ms + 1
    if len(whole) > limit:
        until_ms = whole[limit]["media_ms"]
        kept = [message for message in whole if message["media_ms"] < until_ms]
        return (kept, until_ms) if kept else (whole[:limit], until_ms + 1)
    return whole, until_ms if until_ms < to_ms else None
