"""Who may read a room, who may moderate it. What may be written is the room's decider's to say.

A room of an asset is open to whom the asset is: of a private one's room nobody else knows. A room for members
is its members', its moderators' and its owner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateways.chat.context import Chat
from gateways.core.permissions import ASSETS_READ, CHAT_MODERATE
from gateways.core.principal import Principal
from gateways.core.projections import in_time
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


def may_moderate(principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller moderates the room: everybody's, his own, or by appointment."""
    owner = principal.owner_id
    return principal.may(CHAT_MODERATE) or (
        owner is not None and (owner == room["owner_id"] or owner in room["moderators"])
    )


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
