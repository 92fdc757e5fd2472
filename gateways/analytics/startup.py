"""`GET /v1/startup`: how long viewers wait for the first frame, as a histogram."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.grouped import rounded
from gateways.analytics.measures import MEASURES
from gateways.analytics.periods import span_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from schemas.analytics.views import VIEWS

_STEP_MS: Final = 100
UPTO_MS: Final = (
    *range(100, 2000, 100),
    *range(2000, 5000, 500),
    *range(5000, 10_000, 1000),
    10_000,
    20_000,
    30_000,
)
_LAST: Final = UPTO_MS[-1] // _STEP_MS + 1
_SQL: Final = f"""\
WITH 1 AS kept
SELECT least(intDiv(startup_ms + {_STEP_MS - 1}, {_STEP_MS}), {_LAST}) AS step, grouping(step) AS whole,
  count() AS sessions, {MEASURES["startup_median_ms"].formula} AS median_ms,
  {MEASURES["startup_p95_ms"].formula} AS p95_ms
FROM {{views}} FINAL
WHERE {{where}} AND startup_ms IS NOT NULL GROUP BY step WITH ROLLUP"""  # noqa: S608  # our own numbers


class Bucket(BaseModel):
    """Sessions that waited longer than the bucket before says, and at most `upto_ms`."""

    upto_ms: int | None = Field(description="null: without end")
    count: int


class Startup(BaseModel):
    """Of sessions that showed a first frame, and of which is known when it was asked for."""

    buckets: list[Bucket]
    count: int
    median_ms: float | None
    p95_ms: float | None
    as_of_ms: int


async def startup(request: web.Request) -> web.Response:
    """Of the sessions that the filters leave."""
    reading = reading_of(request)
    query = own_only(request, query_of(request, Filters))
    within = chosen(query).within(span_of(query.from_, query.to, reading.shared.now_ms()))
    asked = ["startup", query.model_dump()]
    return json_response(await reading.shared.answer(asked, lambda: _find(reading, within)))


async def _find(reading: Reading, within: Chosen) -> dict[str, Any]:
    rows = await reading.rows(_SQL.replace("{where}", within.where), within.parameters, views=VIEWS)
    by_step = {row["step"]: row["sessions"] for row in rows if not row["whole"]}
    whole = next((row for row in rows if row["whole"]), {})
    edges = [-1, *(upto // _STEP_MS for upto in UPTO_MS), _LAST]
    counts = [sum(by_step.get(step, 0) for step in range(low + 1, high + 1)) for low, high in pairwise(edges)]
    return {
        "buckets": [{"upto_ms": upto, "count": n} for upto, n in zip((*UPTO_MS, None), counts, strict=True)],
        "count": sum(counts),
        "median_ms": rounded(whole.get("median_ms")), "p95_ms": rounded(whole.get("p95_ms")),
    }  # fmt: skip
