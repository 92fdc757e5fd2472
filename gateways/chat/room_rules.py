"""The screening rules that messages of a room are held against, read once a version."""

from __future__ import annotations

import math
from typing import Any, Final

from gateways.chat.rule_words import TERM, in_words
from gateways.core.fresh import Fresh
from gateways.core.problem import Problem, retry_later
from gateways.core.projections import Projection, ProjectionReader, in_time
from schemas.chat.screening import DEFAULT_RULES_TEXT
from schemas.chat.views import RoomDocument, screening_suffix
from streams.core.screening.screen import Compiled, compiled

MOST_ROOMS: Final = 256
"""Compiled rules of 2,000 terms take about 1 MB."""


class RoomRules:
    """One a process. What a version says never changes, so it is kept for as long as there is room."""

    def __init__(self, reader: ProjectionReader, desk: Projection, redis: Any) -> None:
        self._reader, self._desk, self._redis = reader, desk, redis
        self._read: Fresh[Compiled] = Fresh(self._load, fresh_s=math.inf, most=MOST_ROOMS)

    async def of(self, room: RoomDocument) -> Compiled:
        """Those that apply in the room now. Raises RedisError, Problem 503 while they are on their way."""
        return await self._of(room["room_id"], room["rules_version"])

    async def said(self, room_id: str, rule: str, version: int) -> str:
        """The rule that decided, in words. Raises RedisError."""
        if not rule.startswith(TERM):
            return in_words(rule, version, None)
        try:
            found = await self._of(room_id, version)
        except Problem:  # not stored any more
            return in_words(rule, version, None)
        return in_words(rule, version, found.rules)

    async def _of(self, room_id: str, version: int) -> Compiled:
        if version == 0:
            return compiled(DEFAULT_RULES_TEXT)
        return await self._read.get(f"{version} {room_id}")

    async def _load(self, key: str) -> Compiled:
        version, room_id = key.split(" ", 1)
        view = await self._reader.pin(self._desk)
        where = f"{view.tag_of(room_id)}:{screening_suffix(room_id)}"
        raw = await in_time(self._redis.hget(where, version))
        if raw is None:  # the desk's projector is a moment behind the rooms'
            raise retry_later("unavailable", "The room's rules have just changed; send it again.")
        return compiled(raw.decode())
