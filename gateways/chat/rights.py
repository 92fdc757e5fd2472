"""Who moderates a room. Pure; what may be written is the room's decider's to say."""

from __future__ import annotations

from gateways.core.permissions import CHAT_MODERATE
from gateways.core.principal import Principal
from schemas.chat.views import RoomDocument


def may_moderate(principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller moderates the room: everybody's, his own, or by appointment."""
    owner = principal.owner_id
    return principal.may(CHAT_MODERATE) or (
        owner is not None and (owner == room["owner_id"] or owner in room["moderators"])
    )
