"""What the log needs to know of a film that is watched: how long it is, whose, and its renditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from redis.exceptions import RedisError

from gateways.core.films import may_see
from gateways.core.fresh import Fresh
from gateways.core.principal import Principal
from gateways.core.projections import Projection, ProjectionReader
from schemas.media.visibility import owner_of

FRESH_S: Final = 5.0
MOST: Final = 10_000


class Film(NamedTuple):
    """`owner_id` is "" for nobody's; `film_ms` None while the length is not known."""

    owner_id: str = ""
    film_ms: int | None = None
    rungs: tuple[tuple[int, str], ...] = ()
    """Bit rate with its sound, kbit/s, and name of each rendition."""

    def rendition_of(self, bitrate_kbps: int) -> str:
        """The rendition that a player means by a bit rate: the nearest, since playlists tell rounded ones."""
        return min(self.rungs, key=lambda rung: abs(rung[0] - bitrate_kbps))[1] if self.rungs else ""


class Films:
    """One a process; reads the projection `media.library` through a cache of FRESH_S."""

    def __init__(self, reader: ProjectionReader, library: Projection) -> None:
        async def read(asset_id: str) -> Mapping[str, Any] | None:
            return await (await reader.pin(library)).get(asset_id)

        self._documents = Fresh(read, fresh_s=FRESH_S, most=MOST)

    async def of(self, asset_id: str, principal: Principal) -> Film | None:
        """The film; None if there is none that this caller may know of.

        While Redis is away: as it was when it was last read. Raises RedisError, OSError if it never was.
        """
        try:
            document = await self._documents.get(asset_id)
        except (RedisError, OSError) as error:
            try:
                document = self._documents.last(asset_id)
            except KeyError:
                raise error from None
        return _film(document, principal)


def _film(document: Mapping[str, Any] | None, principal: Principal) -> Film | None:
    if document is None or document["state"] == "deleted" or not may_see(principal, document):
        return None
    sound = (document["audio"] or {}).get("bandwidth", 0)
    rungs = tuple((int(each["bandwidth"] + sound) // 1000, each["name"]) for each in document["renditions"])
    return Film(owner_of(document) or "", document["duration_ms"] or None, rungs)
