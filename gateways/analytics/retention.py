"""`GET /v1/videos/{asset_id}/retention`: how often each second of a film was played and skipped.

A session says at which second of the film playing began and ended (`plays`), and the same of what it covered
at all (`coverage`): sums of these changes, added up along the film, are the curves. A second may be played
more often than there are views, where people go back to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.periods import Span, bad, span_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from schemas.analytics.views import VIEWS

MOST_POINTS: Final = 7200
LONGEST_S: Final = 172_800
_KIND: Final = 2**30  # seconds of a film stay below; coverage comes above it, ends above twice of it
_SQL: Final = f"""\
SELECT point, sum(change) AS changes FROM {{views}} FINAL
ARRAY JOIN
  arrayPushBack(
    arrayConcat(mapKeys(plays), arrayMap(second -> second + {_KIND}, mapKeys(coverage))),
    arrayMax(mapKeys(coverage)) + {2 * _KIND}
  ) AS point,
  arrayPushBack(arrayConcat(mapValues(plays), mapValues(coverage)), 1) AS change
WHERE {{where}} AND notEmpty(coverage)
GROUP BY point"""  # noqa: S608  # our own numbers
_WHOLE: Final = """\
SELECT countIf(counted) AS views, sum(media_ms) AS media_ms, max(film_ms) AS film_ms FROM {views} FINAL
WHERE {where}"""


class Retention(BaseModel):
    """A number for each `step_ms` of the film, the first of its begin; of longer steps their average."""

    film_ms: int | None = Field(description="its length; null: nobody has watched it")
    step_ms: int
    views: int
    average_ms: float | None = Field(description="media played in a view, on average")
    plays: list[float] = Field(description="how often it was played")
    unique: list[float] = Field(description="sessions that played it at all")
    skipped: list[float] = Field(description="sessions that did not, but played something later")
    replayed: list[float] = Field(description="plays beyond the first of each session")
    as_of_ms: int


async def retention(request: web.Request) -> web.Response:
    """Of the sessions that the filters leave."""
    reading = reading_of(request)
    query, asset_id = film_only(request, query_of(request, Filters))
    span = span_of(query.from_, query.to, reading.shared.now_ms())
    sessions = chosen(query)
    asked = ["retention", asset_id, query.model_dump()]
    return json_response(await reading.shared.answer(asked, lambda: _find(reading, sessions, span)))


def film_only(request: web.Request, query: Filters) -> tuple[Filters, str]:
    """The filters, for the film of the path. Raises a Problem 400 or 403."""
    asset_id = request.match_info["asset_id"]
    if query.asset:
        raise bad("asset: the path names the film already; leave it out.")
    return own_only(request, query.model_copy(update={"asset": asset_id})), asset_id


async def _find(reading: Reading, sessions: Chosen, span: Span) -> dict[str, Any]:
    within = sessions.within(span)
    points, [whole] = await asyncio.gather(
        *(
            reading.rows(sql.replace("{where}", within.where), within.parameters, views=VIEWS)
            for sql in (_SQL, _WHOLE)
        )
    )
    views = whole["views"]
    return {
        **curves(points, whole["film_ms"]),
        "views": views,
        "average_ms": round(whole["media_ms"] / views, 1) if views else None,
    }


def curves(points: Iterable[Mapping[str, int]], film_ms: int | None) -> dict[str, Any]:
    """The curves of sums of changes; of a film of unknown length up to where anybody got."""
    kinds: list[dict[int, int]] = [{}, {}, {}]
    for row in points:
        kind, second = divmod(row["point"], _KIND)
        kinds[kind][second] = row["changes"]
    ends = kinds[2]
    length = -(-film_ms // 1000) if film_ms else max(ends, default=0)
    seconds = range(min(length, LONGEST_S))
    plays, unique = ([*accumulate(changes.get(second, 0) for second in seconds)] for changes in kinds[:2])
    # Who ends beyond the film's length (it may be a moment longer than it says) got to its end.
    ended = accumulate(ends.get(second, 0) for second in seconds)
    reached = [sum(ends.values()) - gone for gone in ended]
    step = -(-len(seconds) // MOST_POINTS) or 1
    return {
        "film_ms": film_ms, "step_ms": step * 1000,
        "plays": _averages(plays, step), "unique": _averages(unique, step),
        "skipped": _averages([max(0, most - one) for most, one in zip(reached, unique, strict=True)], step),
        "replayed": _averages([max(0, all_ - one) for all_, one in zip(plays, unique, strict=True)], step),
    }  # fmt: skip


def _averages(values: list[int], step: int) -> list[float]:
    if step == 1:
        return [*values]
    parts = (values[at : at + step] for at in range(0, len(values), step))
    return [round(sum(part) / len(part), 2) for part in parts]
