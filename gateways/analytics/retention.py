"""`GET /v1/videos/{asset_id}/retention`: how often each second of a film was played and skipped.

A session says at which second of the film playing began and ended (`plays`), and the same of what it covered
at all (`coverage`): sums of these changes, added up along the film, are the curves. A second may be played
more often than there are views, where people go back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate, repeat
from operator import sub
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
Changes = Mapping[int, int]
# Of all sessions' maps one each, second -> changes; and where each session's last second ends.
_SQL: Final = """\
SELECT sumMap(plays) AS plays, sumMap(coverage) AS unique,
  sumMap(map(arrayMax(mapKeys(coverage)), toUInt32(1))) AS ended,
  countIf(counted) AS views, sum(media_ms) AS played_ms, max(film_ms) AS length_ms
FROM {views} FINAL WHERE {where}"""


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
    if "," in asset_id:
        raise bad("The path names one film; /v1/metrics takes several.")
    return own_only(request, query.model_copy(update={"asset": asset_id})), asset_id


async def _find(reading: Reading, sessions: Chosen, span: Span) -> dict[str, Any]:
    within = sessions.within(span)
    sql = _SQL.replace("{where}", within.where)
    [row] = await reading.rows(sql, within.parameters, views=VIEWS)
    views = row["views"]
    return {
        **curves(row["plays"], row["unique"], row["ended"], row["length_ms"] or None),
        "views": views,
        "average_ms": round(row["played_ms"] / views, 1) if views else None,
    }


def curves(plays: Changes, unique: Changes, ended: Changes, film_ms: int | None) -> dict[str, Any]:
    """Running sums, which stay as they are beyond their ends; of a film of unknown length up to where anybody
    got.
    """
    length = min(-(-film_ms // 1000) if film_ms else max(ended, default=0), LONGEST_S)
    sessions = sum(ended.values())
    played, covered, gone = (_running(changes, length) for changes in (plays, unique, ended))
    step = -(-length // MOST_POINTS) or 1
    # Who ends beyond the film's length (it may be a moment longer than it says) got to its end.
    skipped = _beyond(map(sub, repeat(sessions), gone), covered)
    replayed = _beyond(played, covered)
    return {
        "film_ms": film_ms, "step_ms": step * 1000,
        "plays": _averages(played, step), "unique": _averages(covered, step),
        "skipped": _averages(skipped, step), "replayed": _averages(replayed, step),
    }  # fmt: skip


def _running(changes: Changes, length: int) -> list[int]:
    """The sum of all changes up to each second of this length."""
    return list(accumulate(map(changes.get, range(length), repeat(0))))


def _beyond(many: Iterable[int], few: Iterable[int]) -> list[int]:
    """By how much each is more."""
    return [more if more > 0 else 0 for more in map(sub, many, few)]


def _averages(values: list[int], step: int) -> list[float]:
    if step == 1:
        return [*values]
    parts = (values[at : at + step] for at in range(0, len(values), step))
    return [round(sum(part) / len(part), 2) for part in parts]
