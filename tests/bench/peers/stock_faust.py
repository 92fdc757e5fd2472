"""Faust as it comes: raw bytes, decoded in the agent; with `send` also one output per event."""

from __future__ import annotations

import io
import sys
import tempfile

import fastavro
import faust
from common import BROKER, GROUP, TOPIC, decode, parsed, touch

SENDS = len(sys.argv) > 3
app = faust.App(
    GROUP, broker=f"kafka://{BROKER}", store="memory://", web_enabled=False, topic_allow_declare=False,
    topic_disable_leader=True, stream_wait_empty=False, value_serializer="raw", broker_session_timeout=6.0,
    broker_heartbeat_interval=1.0, datadir=tempfile.mkdtemp(prefix="bench-faust-"),
)  # fmt: skip
source = app.topic(TOPIC, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
target = app.topic("bench.peer.events", key_serializer="raw", value_serializer="raw", value_type=bytes)
COUNTED = parsed("Counted")
counts: dict[str, int] = {}


@app.agent(source)
async def agent(stream: object) -> None:
    async for raw in stream:  # type: ignore[attr-defined]
        event = decode(raw)
        if SENDS:
            count = counts[event["user"]] = counts.get(event["user"], 0) + 1
            out = io.BytesIO()
            out.write(b"\x00\x00\x00\x00\x01")
            fastavro.schemaless_writer(out, COUNTED, {**event, "count": count})
            await target.send(key=event["user"].encode(), value=out.getvalue())
        touch(event)


if __name__ == "__main__":
    sys.argv = ["peer", "worker", "-l", "error", "--without-web"]
    app.main()
