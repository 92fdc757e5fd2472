"""What a client is told when it comes into a room: what it missed, or the newest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from gateways.chat.feed import Feed
from gateways.chat.reactions import REACTIONS
from schemas.chat.views import RoomDocument

NEWEST: Final = 50
PART_BYTES: Final = 48 * 1024


def welcome(
    feed: Feed,
    room: RoomDocument,
    settings: dict[str, Any],
    since: Any,
    account_id: str | None,
    more: dict[str, Any],
) -> list[bytes]:
    """JSON documents: `subscribed`, and `batch` for what is too much for one.

    `settings` are the room's, opened. `since` is what the client said: {"epoch", "id"}, or anything else. The
    `id` of the first document is that of the last item that is in it, or of the room's newest if all are:
    from there a client goes on when it is cut off in the middle.
    """
    known = isinstance(since, dict) and since.get("epoch") == feed.source.epoch
    after = since.get("id") if known else None
    missed = feed.since(after, account_id) if isinstance(after, int) else None
    items = feed.newest(NEWEST, account_id) if missed is None else missed
    first, *rest = list(_parts(items)) or [[]]
    head = orjson.dumps(
        {
            "type": "subscribed",
            "room": feed.room_id,
            "epoch": feed.source.epoch,
            "id": orjson.loads(first[-1])["id"] if rest else feed.last,
            "recovered": missed is not None,
            "gap": since is not None and missed is None,
            "settings": settings,
            "pinned": [pin["message"]["message_id"] for pin in room["pinned"]],
            "reacted": room["reactions"],
            "reactions": REACTIONS,
            **more,
        }
    )
    name = orjson.dumps(feed.room_id)
    return [
        head[:-1] + b',"items":[' + b",".join(first) + b"]}",
        *(b'{"type":"batch","room":%s,"items":[%s]}' % (name, b",".join(part)) for part in rest),
    ]


async def honest(feed: Feed, since: Any) -> Any:
    """`since`, or {} if nothing was ever said with its id. Raises RedisError, OSError.

    An id above the feed's newest may be of a gateway that is a moment ahead: the projection is asked.
    """
    if isinstance(since, dict) and since.get("epoch") == feed.source.epoch:
        after = since.get("id")
        if isinstance(after, int) and after > feed.last:
            room = await feed.source.room()
            if room is None or after > room["last"]:
                return {}
    return since


def _parts(items: Sequence[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size_bytes = 0
    for item in items:
        if part and size_bytes + len(item) > PART_BYTES:
            yield part
            part, size_bytes = [], 0
        part.append(item)
        size_bytes += len(item)
    if part:
        yield part
