"""`GET /v1/metrics`: measures of playback sessions, grouped, filtered, beside those of the time before."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import Filters, chosen, own_only
from gateways.analytics.grouped import Group, Row, filled, grouped_sql, measures_of, split, together
from gateways.analytics.measures import DEFAULT, Measure
from gateways.analytics.periods import Interval, Span, bad, edges_of, previous, span_of, zone_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from gateways.core.principal import principal_of
from schemas.analytics.views import VIEWS

MOST_ROWS: Final = 1000
MOST_BEFORE: Final = 10_000
"""Groups of the time before that are looked through for those of now."""


class MetricsQuery(Filters):
    """What is measured, of which sessions, and how it is grouped."""

    metrics: str = Field(",".join(DEFAULT), max_length=600, description="names with commas between them")
    group_by: Group = "none"
    interval: Interval = "day"
    timezone: str = Field("UTC", max_length=64, description="IANA name: where days begin")
    compare: Literal["", "previous"] = Field("", description="previous: also the same time before")
    order: str = Field("", max_length=40, description="metric to rank groups by; default: the first")
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="most groups; intervals are all there")
    format: Literal["json", "csv"] = "json"


class Definition(BaseModel):
    """What a number is."""

    unit: str
    about: str


class Numbers(BaseModel):
    """Rows of `key` (or `at_ms`, the interval's begin) and a value for each metric; null: undefined there.

    Films also have their `title`, empty for who may not know of them.
    """

    from_ms: int
    to_ms: int
    rows: list[dict[str, Any]]
    totals: dict[str, int | float | None]


class Metrics(Numbers):
    """An answer; as old as `as_of_ms` says."""

    metrics: list[str]
    group_by: str
    interval: str
    timezone: str
    previous: Numbers | None
    more: bool = Field(description="there are more groups than `limit`")
    bots_excluded: int = Field(description="sessions of robots in the same time and by the same filters")
    definitions: dict[str, Definition]
    as_of_ms: int


async def metrics(request: web.Request) -> web.Response:
    """JSON, or its rows as CSV."""
    reading = reading_of(request)
    query = own_only(request, query_of(request, MetricsQuery))
    question = Question(query, reading.shared.now_ms())
    asked = {**query.model_dump(exclude={"format"}), "about": "metrics"}
    answer = await reading.shared.answer(asked, lambda: question.answer(reading))
    if query.group_by == "asset":
        answer = {**answer, "rows": await _titled(request, answer["rows"])}
    return json_response(answer) if query.format == "json" else csv_response(answer["rows"], "metrics")


async def _titled(request: web.Request, rows: list[Row]) -> list[Row]:
    """Rows of films with their titles, which are not kept with answers; empty for who may not know."""
    films, keys = reading_of(request).films, [row["key"] for row in rows]
    titles = await films.titles_for(principal_of(request), keys)
    return [{"key": row["key"], "title": titles.get(row["key"], ""), **row} for row in rows]


class Question:
    """A query understood. Raises a Problem 400 where it makes no sense."""

    def __init__(self, query: MetricsQuery, now_ms: int) -> None:
        self.query = query
        self.zone = zone_of(query.timezone)
        self.span = span_of(query.from_, query.to, now_ms)
        self.measures: Mapping[str, Measure] = measures_of(
            list(dict.fromkeys(query.metrics.split(","))), query.group_by
        )
        self.order = "" if query.group_by == "time" else query.order or next(iter(self.measures))
        if self.order and self.order not in self.measures:
            raise bad("order: name one of the metrics that are asked for.")
        self.chosen = chosen(query)
        self.edges = self._edges(self.span)

    async def answer(self, reading: Reading) -> dict[str, Any]:
        """Everything but when it was found."""
        query = self.query
        now, robots = await self._numbers(reading, self.span)
        keys = None if query.group_by in ("none", "time") else [row["key"] for row in now["rows"]]
        before = None
        if query.compare:
            before, _ = await self._numbers(reading, previous(self.span, self.zone), keys)
            before.pop("more")
        return {
            "metrics": list(self.measures), "group_by": query.group_by, "interval": query.interval,
            "timezone": query.timezone, **now, "previous": before, "bots_excluded": robots,
            "definitions": {name: {"unit": m.unit, "about": m.about} for name, m in self.measures.items()},
        }  # fmt: skip

    async def _numbers(
        self, reading: Reading, span: Span, keys: list[str] | None = None
    ) -> tuple[dict[str, Any], int]:
        """Of one stretch of time, with `keys` of these groups only; and how many robots were left out."""
        group, limit = self.query.group_by, self.query.limit
        chosen, edges = self.chosen.within(span), self._edges(span)
        most = 0 if group in ("none", "time") else limit + 1 if keys is None else MOST_BEFORE
        whole = together(self.measures, group, chosen)
        asked = [
            grouped_sql(self.measures, group, chosen, edges=edges, order=self.order, limit=most, whole=whole)
        ]
        if not whole:
            asked.append(grouped_sql(measures_of(list(self.measures), "none"), "none", chosen))
        rows = await asyncio.gather(*(reading.rows(sql, chosen.parameters, views=VIEWS) for sql in asked))
        found = split([row for part in rows for row in part], self.measures, group)
        groups = found.rows
        if keys is not None:
            groups = [row for row in groups if row["key"] in keys]
        return {
            "from_ms": span.from_ms, "to_ms": span.to_ms,
            "rows": filled(groups, edges, self.measures) if group == "time" else groups[:limit],
            "totals": found.whole, "more": group != "time" and len(groups) > limit,
        }, found.left_out if self.query.bots == "exclude" else 0  # fmt: skip

    def _edges(self, span: Span) -> list[int]:
        return edges_of(span, self.query.interval, self.zone) if self.query.group_by == "time" else []


def csv_response(rows: list[Row], name: str) -> web.Response:
    """Rows as a file of comma-separated values with a line of names."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return web.Response(
        text=text.getvalue(), content_type="text/csv", charset="utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.csv"'},
    )  # fmt: skip


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is quoted: players and pages name themselves."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
