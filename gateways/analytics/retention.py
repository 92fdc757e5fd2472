"""`GET /v1/videos/{asset_id}/retention`: how often each second of a film was played and skipped.

A session says at which second of the film playing began and ended (`plays`), and the same of what it covered
at all (`coverage`): sums of these changes, added up along the film, are the curves. A second may be played
more often than there are views, where people go back to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_KIND: Final = 2**30  # seconds of a film stay below; what comes above is told by how many times this
_PLAYS, _UNIQUE, _ENDED, _WHOLE = range(4)
# One reading of the sessions' rows: what changes at each second; where each one's last second ends; and, as
# if they were seconds, the number of views, the media they played, and the film's length.
_SQL: Final = f"""\
SELECT intDiv(point, {_KIND}) AS kind,
  arrayCumSum(groupArrayInsertAt(toInt64(0))(changes, toUInt32(point % {_KIND}))) AS curve
FROM (
  SELECT point, if(point = {3 * _KIND + 2}, max(change), sum(change)) AS changes FROM {{views}} FINAL
  ARRAY JOIN
    arrayConcat(
      mapKeys(plays), arrayMap(second -> second + {_KIND}, mapKeys(coverage)),
      [arrayMax(mapKeys(coverage)) + {2 * _KIND}, {3 * _KIND}, {3 * _KIND + 1}, {3 * _KIND + 2}]
    ) AS point,
    arrayConcat(
      mapValues(plays), mapValues(coverage),
      [1, toInt64(counted), toInt64(media_ms), toInt64(ifNull(film_ms, 0))]
    ) AS change
  WHERE {{where}}
  GROUP BY point HAVING point % {_KIND} <= {LONGEST_S}
)
GROUP BY kind"""  # noqa: S608  # our own numbers


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
    rows = await reading.rows(_SQL.replace("{where}", within.where), within.parameters, views=VIEWS)
    found = {row["kind"]: row["curve"] for row in rows}
    views, with_media, with_length = found.get(_WHOLE, (0, 0, 0))
    return {
        **curves(found, with_length - with_media or None),
        "views": views,
        "average_ms": round((with_media - views) / views, 1) if views else None,
    }


def curves(found: Mapping[int, Sequence[int]], film_ms: int | None) -> dict[str, Any]:
    """Of running sums by kind, which stay as they are beyond their ends; of a film of unknown length up to
    where anybody got.
    """
    ended = found.get(_ENDED, [])
    length = min(-(-film_ms // 1000) if film_ms else max(0, len(ended) - 1), LONGEST_S)
    sessions = ended[-1] if ended else 0
    plays, unique = (_long(found.get(kind, []), length, 0) for kind in (_PLAYS, _UNIQUE))
    # Who ends beyond the film's length (it may be a moment longer than it says) got to its end.
    reached = [sessions - gone for gone in _long(ended, length, sessions)]
    step = -(-length // MOST_POINTS) or 1
    return {
        "film_ms": film_ms, "step_ms": step * 1000,
        "plays": _averages(plays, step), "unique": _averages(unique, step),
        "skipped": _averages([max(0, most - one) for most, one in zip(reached, unique, strict=True)], step),
        "replayed": _averages([max(0, all_ - one) for all_, one in zip(plays, unique, strict=True)], step),
    }  # fmt: skip


def _long(values: Sequence[int], length: int, after: int) -> list[int]:
    """Cut, or gone on with `after`, to this length."""
    return [*values[:length], *[after] * (length - len(values))]


def _averages(values: list[int], step: int) -> list[float]:
    if step == 1:
        return [*values]
    parts = (values[at : at + step] for at in range(0, len(values), step))
    return [round(sum(part) / len(part), 2) for part in parts]
