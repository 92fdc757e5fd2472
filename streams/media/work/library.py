"""Reads the library projection for workers: is an asset still wanted?"""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from redis.exceptions import RedisError

from schemas.catalog import Topology
from schemas.keys import pointer_key, tag
from schemas.media.views import LIBRARY

log = structlog.get_logger("kinolog.media.work")


class LibraryReader:
    """The library in Redis. A store that is away or was emptied means "not known", never "deleted"."""

    def __init__(self, redis: Any, topology: Topology) -> None:
        """`redis`: an asyncio client that gives bytes."""
        self._redis = redis
        self._topic = topology.topic(topology.agent(LIBRARY).reads)

    async def state_of(self, asset_id: str) -> str | None:
        """`state` of the asset's document; None if there is none or it cannot be read now."""
        try:
            version = int(await self._redis.get(pointer_key(LIBRARY)) or 1)
            place = tag(LIBRARY, version, self._topic.partition_of(asset_id))
            raw = await self._redis.hget(f"{place}:state", asset_id)
        except (RedisError, OSError) as error:
            log.warning("library cannot be read", asset_id=asset_id, error=str(error))
            return None
        return None if raw is None else str(orjson.loads(raw)["state"])
