"""Who may read a room.

A room of an asset is open to whom the asset is: of a private one's room nobody else knows, and with its film
a room is gone for everybody. A room for members is its members', its moderators' and its owner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateways.chat.context import Chat
from gateways.chat.rights import may_moderate
from gateways.core.films import may_see
from gateways.core.principal import Principal
from gateways.core.projections import Projection, ProjectionReader, in_time
from schemas.chat.views import RoomDocument, members_suffix
from schemas.media.visibility import PRIVATE, visibility_of


async def may_read(chat: Chat, principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller may know of the room and read it."""
    asset_id = room["asset_id"]
    if asset_id is not None and await film_of_room(chat, principal, asset_id) is None:
        return False
    if room["settings"]["access"] == "public" or may_moderate(principal, room):
        return True
    if principal.account_id is None:
        return False
    view = await chat.projections.pin(chat.rooms)
    where = f"{view.tag_of(room['room_id'])}:{members_suffix(room['room_id'])}"
    return bool(await in_time(chat.redis.hexists(where, principal.account_id)))


async def open_to_all(reader: ProjectionReader, library: Projection, room: RoomDocument) -> bool:
    """Whether everybody may read the room, so that nobody has to be asked again. Raises RedisError."""
    if room["settings"]["access"] != "public":
        return False
    if room["asset_id"] is None:
        return True
    document = await (await reader.pin(library)).get(room["asset_id"])
    return document is not None and document["state"] != "deleted" and visibility_of(document) != PRIVATE


async def film_of_room(chat: Chat, principal: Principal, asset_id: str) -> Mapping[str, Any] | None:
    """The film's document; None if there is no such film any more, or the caller may not see it."""
    document = await (await chat.projections.pin(chat.library)).get(asset_id)
    if document is None or document["state"] == "deleted":
        return None
    return document if may_see(principal, document) else None
