"""`GET /v1/system`: whether what is counted is up to date, and how encoding goes."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.reading import Reading, reading_of
from gateways.core.app import HEALTH
from gateways.core.clickhouse import HistoryAway
from gateways.core.endpoint import json_response
from gateways.core.health import DependencyState
from schemas.analytics.views import BEATS, DELIVERY, STEPS, VIEWS
from schemas.chat.views import MESSAGES
from schemas.keys import table_of

TABLES: Final = {
    VIEWS: "last_at_ms",
    BEATS: "received_at_ms",
    DELIVERY: "at_ms",
    STEPS: "at_ms",
    MESSAGES: "at_ms",
}
DAY_MS: Final = 86_400_000
_ENCODING: Final = """\
SELECT countIf(t_created >= {since:Int64}) AS created, countIf(t_ready >= {since:Int64}) AS ready,
  countIf(t_failed >= {since:Int64}) AS failed, countIf(t_uploaded > 0 AND NOT ended) AS working,
  if(countIf(t_ready >= {since:Int64}) = 0, NULL,
    quantileExactIf(0.5)(t_ready - t_uploaded, t_ready >= {since:Int64})) AS encode_median_ms
FROM (
  SELECT subject, maxIf(at_ms, step = 'created') AS t_created, maxIf(at_ms, step = 'uploaded') AS t_uploaded,
    maxIf(at_ms, step = 'ready') AS t_ready, maxIf(at_ms, step = 'failed') AS t_failed,
    countIf(step IN ('ready', 'failed', 'deleted')) > 0 AS ended
  FROM {steps} FINAL WHERE domain = 'media' GROUP BY subject
)"""


class Stored(BaseModel):
    """A table of ClickHouse; null where it does not exist yet."""

    name: str
    rows: int | None
    bytes: int | None
    newest_at_ms: int | None = Field(description="time of the newest thing in it")
    appended_at_ms: int | None = Field(description="when rows were last put in")


class Encoding(BaseModel):
    """Films of the last 24 hours."""

    created: int
    ready: int
    failed: int
    working: int = Field(description="whole uploads that are neither ready nor failed, however old")
    encode_median_ms: float | None = Field(description="from the whole upload until ready")


class Waiting(BaseModel):
    """What a consumer, the workers of one app, has to do of one topic."""

    consumer: str
    topic: str
    agents: list[str] = Field(description="those of the consumer that read the topic")
    events: int = Field(description="after what all of them have done; told to Kafka every few seconds")
    oldest_ms: int | None = Field(description="age of the oldest of these; 0: there are none; null: unknown")


class System(BaseModel):
    """As of now."""

    dependencies: dict[str, DependencyState]
    clickhouse: bool = Field(description="it answers; without it the rest is null, and players still report")
    tables: list[Stored]
    encoding: Encoding | None
    backlog: list[Waiting] | None = Field(description="by consumer and topic; null: Kafka does not answer")
    as_of_ms: int


async def system(request: web.Request) -> web.Response:
    """Never a 5xx because something is away: it says so."""
    reading = reading_of(request)
    dependencies = await request.app[HEALTH].dependencies()
    backlog = asyncio.create_task(reading.shared.answer("backlog", lambda: _waiting(reading)))
    try:
        answer = await reading.shared.answer("system", lambda: _find(reading))
    except HistoryAway:
        answer = {
            "clickhouse": False,
            "tables": [],
            "encoding": None,
            "as_of_ms": int(reading.clock() * 1000),
        }
    states = {name: state.model_dump() for name, state in dependencies.items()}
    return json_response({"dependencies": states, **answer, "backlog": (await backlog)["backlog"]})


async def _waiting(reading: Reading) -> dict[str, Any]:
    return {"backlog": None if reading.backlog is None else await reading.backlog.read()}


async def _find(reading: Reading) -> dict[str, Any]:
    versions = {name: table_of(name, await reading.projections.version(name)) for name in TABLES}
    parts = await reading.rows(
        "SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table IN {names:Array(String)} GROUP BY table",
        {"names": [*versions.values()]},
    )
    stored = {row["table"]: {"rows": row["rows"], "bytes": row["bytes"]} for row in parts}
    newest = await asyncio.gather(
        *(_newest(reading, name) for name, table in versions.items() if table in stored)
    )
    times = dict(newest)
    nothing = {"rows": None, "bytes": None, "newest_at_ms": None, "appended_at_ms": None}
    tables = [
        {**nothing, **stored.get(table, {}), **times.get(name, {}), "name": name}
        for name, table in versions.items()
    ]
    since = {"since": int(reading.clock() * 1000) - DAY_MS}
    encoding = await reading.rows(_ENCODING, since, steps=STEPS) if versions[STEPS] in stored else [None]
    return {"clickhouse": True, "tables": tables, "encoding": encoding[0] and dict(encoding[0])}


async def _newest(reading: Reading, name: str) -> tuple[str, dict[str, int]]:
    sql = (
        f"SELECT max({TABLES[name]}) AS newest_at_ms, toInt64(toUnixTimestamp(max(appended_at))) * 1000 "  # noqa: S608
        "AS appended_at_ms FROM {table}"
    )
    [row] = await reading.rows(sql, {}, table=name)
    return name, dict(row)
