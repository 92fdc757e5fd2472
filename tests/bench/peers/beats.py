"""What players' reports become, for peers: decoded, measured by the same rules, as rows for ClickHouse."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import fastavro
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from schemas.event import Event
from streams.analytics.hearing import hear, unheard
from streams.analytics.measure import measure

CHECKOUT = Path(__file__).resolve().parents[3]
REPORTED, MEASURED = "BeatsReported", "ViewMeasured"
_NAMES = ("view_id", "asset_id", "source", "player", "country", "bot", "received_at_ms")
views: dict[str, Any] = {}


def schema(name: str) -> Any:
    return fastavro.parse_schema(
        json.loads((CHECKOUT / "schemas" / "analytics" / f"{name}.avsc").read_text())
    )


_REPORTED = schema(REPORTED)


def decode(raw: bytes, of: Any = _REPORTED) -> dict[str, Any]:
    """A Confluent-framed event."""
    body = io.BytesIO(raw)
    body.seek(5)
    event: dict[str, Any] = fastavro.schemaless_reader(body, of, None)  # type: ignore[assignment]
    return event


def measured(data: dict[str, Any]) -> dict[str, Any]:
    """The measure of the session by now; its state is in memory, and lost with the process."""
    key = data["view_id"]
    view = views[key] if key in views else views.setdefault(key, unheard(0))
    hear(view, Event("kinolog.analytics.BeatsReported", key, data))
    return measure(key, view)


def view_row(data: dict[str, Any], offset: int) -> dict[str, Any]:
    day = data["started_at_ms"] // 86_400_000
    return {"topic": "peer", "partition": 0, "offset": offset, "gone": 0, "day": day, **data}


def beats_row(data: dict[str, Any], offset: int) -> dict[str, Any]:
    row = {"topic": "peer", "partition": 0, "offset": offset, "id": "", **{n: data[n] for n in _NAMES}}
    for name in data["beats"][0]:
        row[f"beat.{name}"] = [beat[name] for beat in data["beats"]]
    return row


def connected() -> Any:
    url = urlsplit(os.environ["CLICKHOUSE_URL"])
    return clickhouse_connect.get_client(
        host=url.hostname, port=url.port, username=url.username or "default", password=url.password or "",
        database=url.path.strip("/") or "default",
    )  # fmt: skip


def insert(client: Any, table: str, rows: list[dict[str, Any]]) -> None:
    body = b"\n".join(map(orjson.dumps, rows))
    client.raw_insert(table, list(rows[0]), body, fmt="JSONEachRow")
