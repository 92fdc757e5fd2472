"""Who may read a room.

A room of an asset is open to whom the asset is: of a private one's room nobody else knows. A room for members
is its members', its moderators' and its owner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateways.chat.context import Chat
from gateways.chat.rights import may_moderate
from gateways.core.permissions import ASSETS_READ
from gateways.core.principal import Principal
from gateways.core.projections import Projection, ProjectionReader, in_time
from schemas.chat.views import RoomDocument, members_suffix
from schemas.media.visibility import PRIVATE, owner_of, visibility_of


async def may_read(chat: Chat, principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller may know of the room and read it."""
    asset_id = room["asset_id"]
    if asset_id is not None and not await _may_see(chat, principal, asset_id):
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
    return document is not None and visibility_of(document) != PRIVATE


class Film(NamedTuple):
    """What an asset's room takes from it."""

    owner_id: str | None


async def film_of_room(chat: Chat, principal: Principal, asset_id: str) -> Film | None:
    """For its room; None if there is no such asset, or the caller may not see it."""
    if not await _may_see(chat, principal, asset_id):
        return None
    document = await (await chat.projections.pin(chat.library)).get(asset_id)
    if document is None or document["state"] == "deleted":
        return None
    return Film(owner_of(document))


async def _may_see(chat: Chat, principal: Principal, asset_id: str) -> bool:
    if principal.asset_id not in (None, asset_id):
        return False
    document: Mapping[str, Any] | None = await (await chat.projections.pin(chat.library)).get(asset_id)
    if document is None:
        return False
    owner_id = owner_of(document)
    owns = owner_id is not None and owner_id == principal.owner_id
    return (
        visibility_of(document) != PRIVATE
        or principal.may(ASSETS_READ)
        or (owns and principal.may_own(ASSETS_READ))
        or principal.asset_id == asset_id
    )
