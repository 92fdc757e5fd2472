"""`GET /v1/startup`: how long viewers wait for the first frame, as a histogram."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.grouped import grouped_sql, measures_of, split
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
SELECT least(intDiv(startup_ms + {_STEP_MS - 1}, {_STEP_MS}), {_LAST}) AS step, count() AS sessions
FROM {{views}} FINAL
WHERE {{where}} AND startup_ms IS NOT NULL GROUP BY step"""  # noqa: S608  # our own numbers
_NAMES: Final = ("startup_median_ms", "startup_p95_ms")


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
    measures = measures_of(_NAMES, "none")
    steps, found = await asyncio.gather(
        reading.rows(_SQL.replace("{where}", within.where), within.parameters, views=VIEWS),
        reading.rows(grouped_sql(measures, "none", within), within.parameters, views=VIEWS),
    )
    by_step = {row["step"]: row["sessions"] for row in steps}
    edges = [-1, *(upto // _STEP_MS for upto in UPTO_MS), _LAST]
    counts = [sum(by_step.get(step, 0) for step in range(low + 1, high + 1)) for low, high in pairwise(edges)]
    values = split(found, measures, "none").whole
    return {
        "buckets": [{"upto_ms": upto, "count": n} for upto, n in zip((*UPTO_MS, None), counts, strict=True)],
        "count": sum(counts), "median_ms": values["startup_median_ms"], "p95_ms": values["startup_p95_ms"],
    }  # fmt: skip
