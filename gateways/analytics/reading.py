"""What the handlers of questions work with, put into the app once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateways.analytics.backlog import Backlog
from gateways.analytics.sharing import Shared
from gateways.analytics.shown_films import ShownFilms
from gateways.core.deps import History
from gateways.core.platform import Platform
from gateways.core.projections import Projection, ProjectionReader
from schemas.keys import table_of
from schemas.media.views import LIBRARY
from streams.core.sealing import Sealer

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that answers need. `clock` gives seconds since 1970."""

    history: History
    projections: ProjectionReader
    library: Projection
    films: ShownFilms
    shared: Shared
    backlog: Backlog | None = None
    clock: Callable[[], float] = time.time

    async def rows(self, sql: str, parameters: Mapping[str, Any], **tables: str) -> Rows:
        """A query's rows; `{table}` and other names of `tables` in its text become the versions that are
        current. Raises HistoryUnavailable.
        """
        for place, name in tables.items():
            sql = sql.replace(f"{{{place}}}", table_of(name, await self.projections.version(name)))
        return await self.history.query(sql, parameters)


READING = web.AppKey("reading", Reading)


def reading_of(request: web.Request) -> Reading:
    """The app's Reading."""
    return request.app[READING]


async def reading_on(platform: Platform) -> Reading:
    """With the process's clients."""
    redis = platform.redis()
    reader, library = await platform.projections(), platform.projection(LIBRARY)
    return Reading(
        history=platform.history(),
        projections=reader,
        library=library,
        films=ShownFilms(reader, library, Sealer(platform.vault())),
        shared=Shared(redis),
        backlog=platform.own("backlog", lambda: Backlog(platform.settings, platform.topology)),
    )
