"""Who moderates a room. Pure; what may be written is the room's decider's to say.

Documents of rooms name the owner of now (`gateways.chat.owners`).
"""

from __future__ import annotations

from gateways.core.permissions import CHAT_MODERATE
from gateways.core.principal import Principal
from schemas.chat.views import RoomDocument


def may_moderate(principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller moderates the room: everybody's, his own, or by appointment."""
    return privileged(principal, room) or (
        principal.owner_id is not None and principal.owner_id in room["moderators"]
    )


def privileged(principal: Principal, room: RoomDocument) -> bool:
    """Whether this caller moderates it and says who else does, whatever the room's own log says."""
    owner = principal.owner_id
    return principal.may(CHAT_MODERATE) or (owner is not None and owner == room["owner_id"])
