"""Sessions whose film could not be looked up when they reported: told once more when it can.

While Redis is away reports are taken as of a film that nobody knows. Once it answers, the first beat of each
such session goes to the log again, now with the film: a beat that comes again changes nothing, and what the
report says of the film, the session has from then on. What waits is bounded, and lost if the process is
killed: a session that still plays then tells of its film itself.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from redis.exceptions import RedisError

from gateways.analytics.films import Films
from gateways.core.deps import Producer
from gateways.core.principal import Principal
from schemas.analytics.views import BEATS_REPORTED, PLAYBACK
from streams.core import metrics
from streams.core.producer import LogUnavailable

MOST: Final = 10_000
END_S: Final = 2.0


class Unread:
    """One a process."""

    def __init__(self, films: Films, producer: Producer, most: int = MOST) -> None:
        self._films, self._producer, self._most = films, producer, most
        self._waiting: dict[str, tuple[dict[str, Any], Principal]] = {}
        self._telling: asyncio.Task[None] | None = None

    def keep(self, report: dict[str, Any], principal: Principal) -> None:
        """A report that is taken without its film."""
        metrics.BEATS_ODD.labels("film_unread").inc(len(report["beats"]))
        if len(self._waiting) < self._most:
            self._waiting.setdefault(report["view_id"], ({**report, "beats": report["beats"][:1]}, principal))

    def look(self) -> None:
        """Films can be read (again). Returns at once."""
        if self._waiting and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        """Tell of what can be told within END_S."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._tell()

    async def _tell(self) -> None:
        """Until nothing waits, or something is away again."""
        with suppress(RedisError, OSError, LogUnavailable):
            while self._waiting:
                view_id, (report, principal) = next(iter(self._waiting.items()))
                film = await self._films.of(report["asset_id"], principal)
                if film is not None:
                    told = {**report, "owner_id": film.owner_id, "film_ms": film.film_ms}
                    at_ms = report["received_at_ms"]
                    await self._producer.publish(PLAYBACK, view_id, BEATS_REPORTED, told, at_ms=at_ms)
                del self._waiting[view_id]
