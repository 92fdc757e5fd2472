"""Messages as the room's decider wants them beside a request: sealed, or only whose they are.

The newest are read in the room's stream, older ones in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateways.chat.context import Chat
from gateways.chat.past import ONE, rows, table
from gateways.chat.said import Refused
from gateways.core.projections import in_time
from schemas.chat.events import MessageCopy, MessageReference
from schemas.chat.views import Delta, RoomDocument, stream_suffix

UNKNOWN = Refused("message_unknown", "There is no such message in this room.")


async def copy_of(chat: Chat, room: RoomDocument, message_id: str) -> MessageCopy:
    """A message that everybody sees. Raises Refused, RedisError, HistoryUnavailable."""
    [deltas] = await _deltas(chat, room, [message_id])
    shown = [delta for delta in deltas if "only" not in delta]
    first = next((delta for delta in shown if delta["kind"] == "message"), None)
    if first is not None:
        last = shown[-1] if shown[-1]["kind"] == "edited" else first
        return _copy({**first, "text_sealed": last["text_sealed"], "mentions": last["mentions"]})
    found = await rows(chat, room["room_id"], ONE, 1, me=None, message=message_id)
    if not found:
        raise UNKNOWN
    return _copy(found[0])


async def authors_of(chat: Chat, room: RoomDocument, message_ids: Sequence[str]) -> list[MessageReference]:
    """Whose messages these are, held and shadowed ones included. Raises as `copy_of`."""
    if not message_ids:
        raise UNKNOWN
    authors: dict[str, str] = {}
    found = await _deltas(chat, room, message_ids)
    for message_id, deltas in zip(message_ids, found, strict=True):
        if deltas:
            authors[message_id] = deltas[0]["account_id"]
    missing = [message_id for message_id in message_ids if message_id not in authors]
    if missing:
        desk = await (await chat.projections.pin(chat.desk)).get(room["room_id"]) or {"held": {}}
        authors |= {m: desk["held"][m]["message"]["account_id"] for m in missing if m in desk["held"]}
        missing = [message_id for message_id in missing if message_id not in authors]
    if missing:
        sql = (
            f"SELECT message_id, any(account_id) AS author FROM {await table(chat)} "  # noqa: S608  # our own name
            "WHERE room_id = {room:String} AND message_id IN {ids:Array(String)} "
            "AND kind IN ('message', 'shadowed') GROUP BY message_id"
        )
        older = await chat.history.query(sql, {"room": room["room_id"], "ids": missing})
        authors |= {str(row["message_id"]): str(row["author"]) for row in older}
    unknown = [message_id for message_id in message_ids if message_id not in authors]
    if unknown:
        raise Refused("message_unknown", f"There is no such message in this room: {unknown[0]}.")
    return [{"message_id": m, "account_id": authors[m]} for m in message_ids]


async def _deltas(chat: Chat, room: RoomDocument, message_ids: Sequence[str]) -> list[list[Delta]]:
    """The deltas of the stream that hold each message, in order; none for older messages."""
    view = await chat.projections.pin(chat.rooms)
    stream = f"{view.tag_of(room['room_id'])}:{stream_suffix(room['room_id'])}"
    places = [(m, delta_id) for m in message_ids for delta_id in room["entries"].get(m, ())]
    found: dict[str, list[Delta]] = {}
    if places:
        pipeline = chat.redis.pipeline(transaction=False)
        for _, delta_id in places:
            pipeline.xrange(stream, f"{delta_id}-0", f"{delta_id}-0")
        for (message_id, _), entries in zip(places, await in_time(pipeline.execute()), strict=True):
            deltas = [orjson.loads(fields[b"d"]) for _, fields in entries]
            found.setdefault(message_id, []).extend(d for d in deltas if d["kind"] in ("message", "edited"))
    return [found.get(message_id, []) for message_id in message_ids]


def _copy(held: Any) -> MessageCopy:
    return {
        "message_id": held["message_id"],
        "account_id": held["account_id"],
        "text_sealed": held["text_sealed"],
        "sent_at_ms": int(held["sent_at_ms"]),
        "mentions": list(held["mentions"]),
        "reply_to": held["reply_to"] or None,
        "media_ms": held["media_ms"],
    }
