"""The history of topics as rows of one ClickHouse table, and how a row is made of an event.

Of every topic but those of playback: players' reports have a table of their own, `analytics_beats`, and their
measures `analytics_views`. Here too, each report would cost a quarter of what measuring it costs (6.5 us a
beat) and three times the bytes. `kinolog trace` reads Kafka, so it finds them all the same.

The table is a plain MergeTree, not a replacing one: a projector inserts a batch as one block into one table
partition, which is atomic, and resumes at the table's own max(offset) + 1, so no row can come twice (of two
writers that resume at the same place, the insert's token keeps the second out). Table partitions follow the
month of *appending* (the server's clock, one value an insert), because a block that spans two of them would
not be atomic; a replay lands in the current month, whatever the events' own times.

Order (topic, partition, offset): the resume rule reads one end of it, a topic's tail is a range of it, and
an asset's rows, which share a Kafka partition, lie near one another. What the log page and `trace` ask for
besides (an asset's rows, one event, what an event caused, one trace) finds its granules by bloom filters:
ids are random, so a filter of a few bytes an event rules out nearly every granule, where a second sort order
would store each row again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypedDict

from schemas.event import Event

LOG_EVENTS: Final = "log_events"
LOG_EVENTS_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset',
    key String COMMENT 'Partition key',
    id String COMMENT 'ce_id',
    type LowCardinality(String) COMMENT 'Full event type',
    at_ms Int64 COMMENT 'Time of the event, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    source LowCardinality(String) COMMENT 'ce_source: gateway or agent',
    causation_id String COMMENT 'ce_id of the cause, or empty',
    trace_id String COMMENT '32 hexadecimal digits, or empty',
    asset_id String COMMENT 'Asset the event is about, or empty',
    data String COMMENT 'Decoded content as JSON' CODEC(ZSTD(3)),
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_causation causation_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_asset asset_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(appended_at)
ORDER BY (topic, partition, offset)
SETTINGS index_granularity = 2048, non_replicated_deduplication_window = 100000
"""


class LogRow(TypedDict):
    """One row, without `appended_at`, which the server fills in."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    type: str
    at_ms: int
    source: str
    causation_id: str
    trace_id: str
    asset_id: str
    data: str


def log_row(event: Event) -> LogRow:
    """The row of an event read from Kafka. Pure: equal events give equal rows."""
    return {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "key": event.key,
        "id": event.id,
        "type": event.type,
        "at_ms": event.at_ms,
        "source": event.source,
        "causation_id": event.cause,
        "trace_id": event.trace_id,
        "asset_id": asset_of(event.topic, event.key, event.data),
        "data": json.dumps(event.data, ensure_ascii=False, separators=(",", ":"), default=_text),
    }


def asset_of(topic: str, key: str, data: Mapping[str, Any]) -> str:
    """The asset that an event is about; empty if it is about none."""
    if "asset_id" in data:
        return str(data["asset_id"] or "")  # null where an event may be about none
    if topic.startswith("media.asset."):
        return key
    # A timer's topic is the one it reminds on, its key there the asset's.
    return str(data["key"]) if str(data.get("topic", "")).startswith("media.asset.") else ""


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"an event holds a {type(value).__name__}: events are made of Avro's own types")
