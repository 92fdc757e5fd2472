"""`GET /v1/funnels/{funnel}`: how many went how far, and how long each step took.

Of uploads and encodes: the films whose upload began in the time asked about, wherever they are by now. Of
licences: the playings that first asked for one in it. Of playback: the sessions that began in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.grouped import grouped_sql, measures_of, split
from gateways.analytics.periods import Span, bad, span_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from gateways.core.problem import Problem
from schemas.analytics.views import STEPS, VIEWS

PLAYBACK: Final = (
    "sessions", "views", "engaged_views", "reached_25", "reached_50", "reached_75", "reached_95",
    "finished_views",
)  # fmt: skip


class Taken(NamedTuple):
    """The steps that a domain's subjects take one after the other, and how they may end otherwise; `begins`
    is the step whose time is asked about. `owned`: the steps say whose film it is.
    """

    domain: str
    begins: str
    steps: tuple[str, ...]
    aside: tuple[str, ...]
    owned: bool


_ENDED: Final = ("failed", "deleted")
TAKEN: Final = {
    "upload": Taken("media", "created", ("created", "uploaded"), _ENDED, owned=True),
    "encode": Taken("media", "created", ("uploaded", "planned", "playable", "ready"), _ENDED, owned=True),
    "licence": Taken("drm", "asked", ("asked", "granted"), ("denied",), owned=False),
}


class Step(BaseModel):
    """How many took it."""

    step: str
    count: int
    median_ms: float | None = Field(
        description="after the step before; null: nobody took it, or no time is known"
    )


class Funnel(BaseModel):
    """Steps in order; then, of films and licences, those that ended otherwise."""

    steps: list[Step]
    aside: list[Step]
    as_of_ms: int


async def funnel(request: web.Request) -> web.Response:
    """By its name. Raises a Problem 404 for none."""
    reading, name = reading_of(request), request.match_info["funnel"]
    query = own_only(request, query_of(request, Filters))
    span = span_of(query.from_, query.to, reading.shared.now_ms())
    asked = ["funnel", name, query.model_dump()]
    if name == "playback":
        within = chosen(query).within(span)
        return json_response(await reading.shared.answer(asked, lambda: _played(reading, within)))
    if name not in TAKEN:
        raise Problem("not-found", f"There is no such funnel; there are playback, {', '.join(TAKEN)}.")
    used = {key for key, value in query.model_dump(exclude={"from_", "to", "bots"}).items() if value}
    if used - {"owner", "asset"}:
        raise bad("Films are filtered by owner and asset only.")
    films = chosen(query)
    return json_response(await reading.shared.answer(asked, lambda: _taken(reading, name, films, span)))


async def _played(reading: Reading, within: Chosen) -> dict[str, Any]:
    measures = measures_of([*PLAYBACK, "startup_median_ms"], "none")
    rows = await reading.rows(grouped_sql(measures, "none", within), within.parameters, views=VIEWS)
    values = split(rows, measures, "none").whole
    waits = {"views": values["startup_median_ms"]}
    steps = [{"step": name, "count": values[name], "median_ms": waits.get(name)} for name in PLAYBACK]
    return {"steps": steps, "aside": []}


async def _taken(reading: Reading, name: str, films: Chosen, span: Span) -> dict[str, Any]:
    """Times are 0 where the step was not taken; the first of all steps says which subjects are meant."""
    taken = TAKEN[name]
    steps, aside = taken.steps, taken.aside
    every = dict.fromkeys([taken.begins, *steps, *aside])
    times = ", ".join(f"maxIf(at_ms, step = '{step}') AS t_{step}" for step in every)
    where = "domain = {domain:String}"
    if "asset" in films.parameters:
        where += " AND asset_id IN {asset:Array(String)}"
    having = [f"t_{taken.begins} >= {{from_ms:Int64}}", f"t_{taken.begins} < {{to_ms:Int64}}"]
    if "owner" in films.parameters and not taken.owned:
        where += f" AND asset_id IN ({_FILMS_OF})"
    elif "owner" in films.parameters:
        having.append("has({owner:Array(String)}, max(owner_id))")
    inner = (
        f"SELECT subject, {times} FROM {{steps}} FINAL WHERE {where} "  # noqa: S608
        f"GROUP BY subject HAVING {' AND '.join(having)}"
    )
    sql = f"SELECT {', '.join(_columns(steps, aside))} FROM ({inner})"  # noqa: S608  # bound where it is a caller's
    parameters = {**films.parameters, "domain": taken.domain, "from_ms": span.from_ms, "to_ms": span.to_ms}
    [row] = await reading.rows(sql, parameters, steps=STEPS)

    def step(each: str) -> dict[str, Any]:
        return {"step": each, "count": row[f"n_{each}"], "median_ms": row.get(f"took_{each}")}

    return {"steps": [step(each) for each in steps], "aside": [step(each) for each in aside]}


_FILMS_OF: Final = (
    "SELECT subject FROM {steps} FINAL WHERE domain = 'media' "
    "GROUP BY subject HAVING has({owner:Array(String)}, max(owner_id))"
)


def _columns(steps: Sequence[str], aside: Sequence[str]) -> list[str]:
    columns = [f"countIf(t_{step} > 0) AS n_{step}" for step in (*steps, *aside)]
    for before, after in pairwise(steps):
        both = f"t_{before} > 0 AND t_{after} >= t_{before}"
        median = f"quantileExactIf(0.5)(t_{after} - t_{before}, {both})"
        columns.append(f"if(countIf({both}) = 0, NULL, {median}) AS took_{after}")
    return columns
