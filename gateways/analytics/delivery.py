"""`GET /v1/delivery`: bytes and segments that were sent, by time, rendition, film, country or device."""

from __future__ import annotations

from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.filters import COLUMNS, Chosen, Filters, chosen, own_only
from gateways.analytics.grouped import bucket_sql
from gateways.analytics.metrics import MOST_ROWS, csv_response
from gateways.analytics.periods import Interval, bad, edges_of, span_of, zone_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from schemas.analytics.views import DELIVERY

_KNOWN: Final = frozenset(("asset", "owner", "country", "device"))


class DeliveryQuery(Filters):
    """Filters: asset, owner, country, device, bots. Robots' bytes were sent as well: they are counted."""

    group_by: Literal["none", "time", "rendition", "asset", "owner", "country", "device"] = "time"
    interval: Interval = "day"
    timezone: str = Field("UTC", max_length=64, description="IANA name: where days begin")
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="most groups; intervals are all there")
    bots: Literal["exclude", "include", "only"] = "include"
    format: Literal["json", "csv"] = "json"


class Sent(BaseModel):
    """What went out."""

    bytes: int
    requests: int


class Delivery(BaseModel):
    """The most bytes first, or the earliest interval; each row has a `key` or `at_ms`, bytes and requests."""

    rows: list[dict[str, str | int]]
    totals: Sent
    as_of_ms: int


async def delivery(request: web.Request) -> web.Response:
    """JSON, or its rows as CSV."""
    reading = reading_of(request)
    query = own_only(request, query_of(request, DeliveryQuery))
    used = {name for name in COLUMNS if getattr(query, name)}
    if used - _KNOWN:
        raise bad(
            f"{', '.join(sorted(used - _KNOWN))}: what is sent is known by {', '.join(sorted(_KNOWN))}."
        )
    span = span_of(query.from_, query.to, reading.shared.now_ms())
    edges = edges_of(span, query.interval, zone_of(query.timezone)) if query.group_by == "time" else []
    within = chosen(query, known=False).within(span, started=False)
    asked = ["delivery", query.model_dump(exclude={"format"})]
    answer = await reading.shared.answer(asked, lambda: _find(reading, query, within, edges))
    return json_response(answer) if query.format == "json" else csv_response(answer["rows"], "delivery")


async def _find(reading: Reading, query: DeliveryQuery, within: Chosen, edges: list[int]) -> dict[str, Any]:
    group = query.group_by
    by_time, name = group == "time", "at_ms" if group == "time" else "key"
    key = bucket_sql(edges, "at_ms") if by_time else "''" if group == "none" else COLUMNS.get(group, group)
    sql = (
        f"SELECT {key} AS name, grouping(name) AS of_all, sum(bytes) AS sent, sum(requests) AS segments "  # noqa: S608
        f"FROM {{delivery}} FINAL WHERE {within.where} GROUP BY name WITH ROLLUP "
        f"ORDER BY of_all DESC, sent DESC, name LIMIT {len(edges) + 1 if by_time else query.limit + 1}"
    )
    found = await reading.rows(sql, within.parameters, delivery=DELIVERY)
    totals = {"bytes": 0, "requests": 0}
    rows: dict[Any, dict[str, Any]] = {}
    for row in found:
        sent = {"bytes": row["sent"], "requests": row["segments"]}
        if row["of_all"]:
            totals = sent
        else:
            rows[row["name"]] = {name: row["name"], **sent}
    if by_time:
        listed = [rows.get(edge) or {"at_ms": edge, "bytes": 0, "requests": 0} for edge in edges]
    else:
        listed = [] if group == "none" else [*rows.values()]
    return {"rows": listed, "totals": totals}
