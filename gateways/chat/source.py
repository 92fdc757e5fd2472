"""Where a room's deltas are read from: its stream in one version of the projection `chat.rooms`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gateways.core.projections import View, in_time
from schemas.chat.views import Delta, RoomDocument, epoch, stream_suffix


@dataclass(frozen=True, slots=True)
class RoomSource:
    """One room of one version. Raises RedisError, OSError. `owned` puts the owner of now into it."""

    view: View
    redis: Any
    room_id: str
    owned: Callable[[RoomDocument], Awaitable[RoomDocument]]

    @property
    def epoch(self) -> str:
        """What ids of deltas are valid in."""
        return epoch(self.view.version, self.view.projection.partitions)

    @property
    def channel(self) -> str:
        """Both the channel's name and the stream's key."""
        return f"{self.view.tag_of(self.room_id)}:{stream_suffix(self.room_id)}"

    async def room(self) -> RoomDocument | None:
        """The room's document."""
        document = await self.view.get(self.room_id)
        return None if document is None else await self.owned(cast("RoomDocument", document))

    async def read(self, after: int) -> list[Delta]:
        """What is held with an id above `after`, in order."""
        entries = await in_time(self.redis.xrange(self.channel, min=f"({after}" if after >= 0 else "-"))
        return [orjson.loads(fields[b"d"]) for _, fields in entries]

    async def oldest(self) -> int | None:
        """Id of the oldest delta that is held; None if none is."""
        entries = await in_time(self.redis.xrange(self.channel, count=1))
        return int(entries[0][0].partition(b"-")[0]) if entries else None
