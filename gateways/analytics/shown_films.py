"""Films as numbers are shown beside them: whose they are, and how they are called for who may know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from gateways.core.films import may_see
from gateways.core.principal import Principal
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.titles import shown_titles
from streams.core.sealing import Sealer

FRESH_S: Final = 10.0
MOST: Final = 50_000
Document = Mapping[str, Any]


class ShownFilms:
    """One a process. Documents of the projection `media.library` are kept for FRESH_S; titles are not."""

    def __init__(
        self,
        reader: ProjectionReader,
        library: Projection,
        sealer: Sealer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader, self._library, self._sealer, self._clock = reader, library, sealer, clock
        self._kept: dict[str, tuple[float, Document | None]] = {}

    async def documents(self, asset_ids: Iterable[str]) -> dict[str, Document]:
        """Those that there are, deleted ones left out. Raises RedisError, OSError."""
        wanted, now_s = list(asset_ids), self._clock()
        unknown = [asset_id for asset_id in wanted if self._kept.get(asset_id, (0.0, None))[0] <= now_s]
        if unknown:
            if len(self._kept) + len(unknown) > MOST:
                self._kept.clear()
            view = await self._reader.pin(self._library)
            for asset_id, document in zip(unknown, await view.get_many(unknown), strict=True):
                self._kept[asset_id] = (now_s + FRESH_S, document)
        found = {asset_id: self._kept.get(asset_id, (0.0, None))[1] for asset_id in wanted}
        return {key: each for key, each in found.items() if each is not None and each["state"] != "deleted"}

    async def titles(self, asset_ids: Sequence[str]) -> dict[str, str]:
        """Titles of those that there are; empty where they cannot be read now. Raises RedisError, OSError."""
        documents = await self.documents(asset_ids)
        return dict(zip(documents, await shown_titles(self._sealer, [*documents.items()]), strict=True))

    async def titles_for(self, principal: Principal, asset_ids: Sequence[str]) -> dict[str, str]:
        """The same, of films that this caller may know of."""
        documents = await self.documents(asset_ids)
        return await self.titles([key for key, each in documents.items() if may_see(principal, each)])
