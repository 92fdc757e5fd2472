"""The film that a room is beside: a room hears of it, since its own log says nothing when the film goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import RedisError

from gateways.chat.access import open_to_all
from gateways.chat.owners import with_owners
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from schemas.chat.views import RoomDocument, asset_of_room
from streams.core.logging import get_logger

_log = get_logger("gateway.chat.films")
VERSION_S: Final = 15.0
"""How often it is looked up whether a rebuilt library has taken over, seconds."""
BACKOFF_S: Final = 0.5


class Films:
    """One a process. `library` is the projection `media.library`."""

    def __init__(self, reader: ProjectionReader, library: Projection, hub: Hub) -> None:
        self._reader, self._library, self._hub = reader, library, hub

    async def everybodys(self, room: RoomDocument) -> bool:
        """Whether everybody may read the room. Raises RedisError, OSError."""
        return await open_to_all(self._reader, self._library, room)

    async def owned(self, room: RoomDocument) -> RoomDocument:
        """The room with its film's owner of now. Raises RedisError, OSError."""
        [found] = await with_owners(self._reader, self._library, [room])
        return found

    async def follow(self, room_id: str, changed: Callable[[], Awaitable[None]]) -> None:
        """Call `changed` whenever the room's film is, or may be, another one than before; until cancelled.

        What `changed` raises because a store is away makes it be called again. Returns for rooms of no film.
        """
        asset_id = asset_of_room(room_id)
        while asset_id is not None:
            try:
                view = await self._reader.pin(self._library)
                async with self._hub.watch([view.tag_of(asset_id)], [asset_id]) as film:
                    await changed()
                    while await self._reader.version(self._library.name) == view.version:
                        if await film.changed(VERSION_S):
                            await changed()
            except (RedisError, OSError) as error:
                _log.warning("a room does not hear of its film", room=room_id, error=type(error).__name__)
                await asyncio.sleep(BACKOFF_S)
