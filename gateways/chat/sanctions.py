"""Whether somebody may not write in a room, for signals that no decider sees (typing, reactions)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, cast

import orjson
from redis.exceptions import RedisError

from gateways.core.projections import Projection, ProjectionReader, in_time
from schemas.chat.views import SanctionView, sanctions_suffix

KEPT_S: Final = 3.0
MOST: Final = 10_000


class Sanctions:
    """One a process. `clock` gives seconds since 1970."""

    def __init__(
        self, reader: ProjectionReader, desk: Projection, redis: Any, clock: Callable[[], float] = time.time
    ) -> None:
        self._reader, self._desk, self._redis, self._clock = reader, desk, redis, clock
        self._held: OrderedDict[tuple[str, str], tuple[float, bool]] = OrderedDict()  # the oldest first

    async def read(self, room_id: str, account_id: str) -> SanctionView | None:
        """What stands against the account now. Raises RedisError, OSError."""
        where = await self._where(room_id)
        raw = await in_time(self._redis.hget(where, account_id))
        view = cast("SanctionView | None", None if raw is None else orjson.loads(raw))
        return view if view is not None and self._runs(view) else None

    async def all(self, room_id: str) -> dict[str, SanctionView]:
        """All that stand now, by account. Raises RedisError, OSError."""
        raw = await in_time(self._redis.hgetall(await self._where(room_id)))
        found = {account_id.decode(): orjson.loads(view) for account_id, view in raw.items()}
        return {account_id: view for account_id, view in found.items() if self._runs(view)}

    async def silenced(self, room_id: str, account_id: str) -> bool:
        """Whether nobody should see anything of the account; known for KEPT_S. Where nobody can tell: yes."""
        now_s, key = self._clock(), (room_id, account_id)
        known = self._held.get(key)
        if known is not None and known[0] > now_s - KEPT_S:
            return known[1]
        try:
            found = await self.read(room_id, account_id) is not None
        except (RedisError, OSError):
            return True
        self._held.pop(key, None)
        self._held[key] = (now_s, found)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return found

    async def _where(self, room_id: str) -> str:
        view = await self._reader.pin(self._desk)
        return f"{view.tag_of(room_id)}:{sanctions_suffix(room_id)}"

    def _runs(self, view: SanctionView) -> bool:
        return view["until_ms"] is None or view["until_ms"] > self._clock() * 1000
