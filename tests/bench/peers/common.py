"""What every peer needs: the decoder and the meter. Standard library and fastavro only."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import fastavro

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.bench.meter import Meter

BROKER = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
GROUP = sys.argv[2] if len(sys.argv) > 2 else "peer"
TOPIC = sys.argv[1] if len(sys.argv) > 1 else "bench.beat.requests"
meter = Meter.from_environment()
_SCHEMAS = Path(__file__).resolve().parents[1] / "schemas" / "bench"
_read: Any = fastavro.schemaless_reader


def parsed(name: str) -> Any:
    return fastavro.parse_schema(json.loads((_SCHEMAS / f"{name}.avsc").read_text()))


SCHEMA = parsed("Counted" if "counted" in TOPIC else "Beat")


def decode(raw: bytes) -> dict[str, Any]:
    """A Confluent-framed event."""
    body = io.BytesIO(raw)
    body.seek(5)
    event: dict[str, Any] = _read(body, SCHEMA, None)
    return event


def touch(event: dict[str, Any]) -> None:
    if event["n"] < 0:
        raise ValueError(event)
    meter.count()
