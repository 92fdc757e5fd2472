"""Faust as it comes, doing what our workers do: measure, emit, insert up to 1,000 at once."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from typing import Any

import fastavro
import faust
from beats import MEASURED, beats_row, connected, decode, insert, measured, schema, view_row

from tests.bench.meter import Meter

TOPIC, GROUP, EMITTED = sys.argv[1:4]
meter = Meter.from_environment()
app = faust.App(
    GROUP, broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}", store="memory://", web_enabled=False,
    topic_allow_declare=False, topic_disable_leader=True, stream_wait_empty=False, value_serializer="raw",
    datadir=tempfile.mkdtemp(prefix="bench-faust-"),
)  # fmt: skip
reports = app.topic(TOPIC, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
kept = app.topic(TOPIC, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
emitted = app.topic(EMITTED, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
VIEW = schema(MEASURED)
clients: list[Any] = []


def client() -> Any:
    if not clients:
        clients.append(connected())
    return clients[0]


@app.agent(reports)
async def measuring(stream: Any) -> None:
    async for raw in stream:
        out = io.BytesIO()
        out.write(b"\x00\x00\x00\x00\x01")
        data = measured(decode(raw))
        fastavro.schemaless_writer(out, VIEW, {**data, "moved_from_day": None})
        await emitted.send(key=data["view_id"].encode(), value=out.getvalue())


@app.agent(emitted)
async def views(stream: Any) -> None:
    async for batch in stream.take(1000, within=1):
        rows = [view_row(decode(raw, VIEW), n) for n, raw in enumerate(batch)]
        for row in rows:
            del row["moved_from_day"]
        insert(client(), "peer_views", rows)
        meter.count(len(rows))


@app.agent(kept)
async def beats(stream: Any) -> None:
    async for batch in stream.take(1000, within=1):
        insert(client(), "peer_beats", [beats_row(decode(raw), n) for n, raw in enumerate(batch)])
        meter.count(len(batch))


if __name__ == "__main__":
    sys.argv = ["peer", "worker", "-l", "error", "--without-web"]
    app.main()
