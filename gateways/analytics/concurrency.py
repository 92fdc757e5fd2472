"""`GET /v1/concurrency`: how many watched at the same time, minute by minute, and when most did.

A session is counted in each minute in which it loaded, played or stalled; paused ones are not.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.grouped import bucket_sql
from gateways.analytics.periods import MINUTE_MS, Interval, Span, edges_of, span_of, zone_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from schemas.analytics.views import VIEWS

LONGEST_VIEW_DAYS: Final = 2
"""Sessions that began longer before are not looked for."""


class ConcurrencyQuery(Filters):
    """Points are the most of each interval."""

    interval: Interval = "hour"
    timezone: str = Field("UTC", max_length=64, description="IANA name: where days begin")


class Point(BaseModel):
    """Most sessions in one minute of the interval."""

    at_ms: int
    viewers: int


class Concurrency(BaseModel):
    """A point for each interval."""

    points: list[Point]
    peak: Point | None = Field(description="the first minute with the most; null: nobody watched")
    as_of_ms: int


async def concurrency(request: web.Request) -> web.Response:
    """Of the sessions that the filters leave, those included that had begun before."""
    reading = reading_of(request)
    query = own_only(request, query_of(request, ConcurrencyQuery))
    span = span_of(query.from_, query.to, reading.shared.now_ms())
    edges = edges_of(span, query.interval, zone_of(query.timezone))
    sessions = chosen(query)
    asked = ["concurrency", query.model_dump()]
    return json_response(await reading.shared.answer(asked, lambda: _find(reading, sessions, span, edges)))


async def _find(reading: Reading, sessions: Chosen, span: Span, edges: list[int]) -> dict[str, Any]:
    within = sessions.within(span, before_days=LONGEST_VIEW_DAYS)
    first, end = span.from_ms // MINUTE_MS, -(-span.to_ms // MINUTE_MS)
    # Groups of sixteen bits, enough for 45 days, are a plain table to ClickHouse, without a hash.
    narrow = "toUInt16" if end - first < 1 << 16 else "toUInt32"
    # A session that had ended before adds up to nothing at the first minute.
    sql = f"""\
SELECT {bucket_sql(edges, "at * 60000")} AS edge, min(at) AS first, max(viewers) AS most,
  argMax(viewers, at) AS last, argMax(at, (viewers, -at)) AS most_at
FROM (
  SELECT at, sum(change) OVER (ORDER BY at) AS viewers FROM (
    SELECT {narrow}(greatest(minute, {first}) - {first}) AS slot, toInt64(slot) + {first} AS at,
      sum(one) AS change
    FROM {{views}} FINAL ARRAY JOIN mapKeys(active) AS minute, mapValues(active) AS one
    WHERE {within.where} AND started_s < {{to_s:UInt32}} AND minute < {end}
    GROUP BY slot
  )
)
GROUP BY edge ORDER BY edge"""  # noqa: S608  # bound where it is a caller's
    rows = await reading.rows(sql, within.parameters, views=VIEWS)
    by_edge = {row["edge"]: row for row in rows}
    points, peak, watching = [], None, 0
    for edge in edges:
        row = by_edge.get(edge)
        # Before the first change in an interval as many watch as at the end of the one before.
        most = (
            max(watching, row["most"])
            if row is not None and row["first"] * MINUTE_MS > edge
            else (watching if row is None else row["most"])
        )
        points.append({"at_ms": edge, "viewers": most})
        if row is not None:
            watching = row["last"]
            if row["most"] > (peak or {"viewers": 0})["viewers"]:
                peak = {"at_ms": row["most_at"] * MINUTE_MS, "viewers": row["most"]}
    return {"points": points, "peak": peak}
