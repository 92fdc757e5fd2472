"""Whose a room is. A film's room is its film's owner's, also when the film has passed to an heir since.

A film passes only when its owner's account is erased (`AssetTransferred`). The room's own log does not say
so, and its decider goes on knowing the one who left, as whom nobody can act any more: of the heir it hears
as of somebody privileged (`gateways.chat.rights`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from gateways.core.projections import Projection, ProjectionReader
from schemas.chat.views import RoomDocument
from schemas.media.visibility import owner_of


async def with_owners(
    reader: ProjectionReader, library: Projection, rooms: Sequence[RoomDocument]
) -> list[RoomDocument]:
    """The rooms, those of films with their films' owners of now. Raises RedisError, OSError."""
    asset_ids = list({room["asset_id"] for room in rooms if room["asset_id"] is not None})
    if not asset_ids:
        return list(rooms)
    films = dict(zip(asset_ids, await (await reader.pin(library)).get_many(asset_ids), strict=True))
    return [
        room if film is None else cast("RoomDocument", {**room, "owner_id": owner_of(film)})
        for room, film in ((room, films.get(room["asset_id"] or "")) for room in rooms)
    ]
