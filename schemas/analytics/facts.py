"""Tables of analytics beside the sessions: what players said, what was delivered, what steps things took.

`analytics_beats` keeps reports as they came, repeats included: the session inspector and people who write SQL
read it, nothing is counted from it. One row a report, its beats nested: a row a beat would say twenty times
who spoke. `SELECT sn, state FROM analytics_beats ARRAY JOIN beat.sn AS sn, beat.state AS state` unfolds it.
Order (view_id, offset): a session is a range of it. Partitions are months of appending, as in
`schemas.history`; the newest month is where the projector resumes and must stay, older ones may be dropped by
who needs the room (there is no TTL: which months those are is no matter of the clock alone).

`analytics_delivery` counts bytes, so a report must count once: its projector inserts each Kafka offset once,
and a report that is on the log twice has the same `id`, so its later row replaces the earlier. Order by day
and asset: that is how it is asked. `analytics_steps` has one row for each time that a subject took a step; of
one that was taken again the latest time counts, in whatever order they came. Both are read with FINAL, and
have no partitions, as `analytics_views`.
"""

from __future__ import annotations

from typing import Final

BEATS_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset',
    id String COMMENT 'ce_id of the report',
    view_id String COMMENT 'Playback session',
    asset_id LowCardinality(String) COMMENT 'Film as the player named it',
    source LowCardinality(String) COMMENT 'json or cmcd2',
    player LowCardinality(String) COMMENT 'Player and version',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    bot Bool COMMENT 'A robot',
    received_at_ms Int64 COMMENT 'When it came, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    beat Nested(
        sn Int32,
        ts_ms Int64,
        at_ms Int64,
        kind LowCardinality(String),
        state LowCardinality(String),
        playhead_ms Nullable(Int64),
        rate Float32,
        rendition LowCardinality(String),
        bitrate_kbps Nullable(Int32),
        stalled_total_ms Nullable(Int64),
        stalls_total Nullable(Int32),
        dropped_frames_total Nullable(Int32),
        error String,
        clamped Array(String)
    ) COMMENT 'Its beats; each column is described in BeatsReported',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(appended_at)
ORDER BY (view_id, offset)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 100000
"""

DELIVERY_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset',
    id String COMMENT 'ce_id of the report: the same report counts once',
    day Date COMMENT 'UTC day of at_ms',
    at_ms Int64 COMMENT 'First request, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    view_id String COMMENT 'Playback session; empty: the requests named none',
    asset_id LowCardinality(String) COMMENT 'Asset',
    owner_id LowCardinality(String) COMMENT 'Account of its owner; empty: unknown',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, console, bot, other',
    bot Bool COMMENT 'A robot',
    rendition LowCardinality(String) COMMENT 'Rendition',
    requests UInt32 COMMENT 'Segments sent',
    bytes UInt64 COMMENT 'Bytes sent',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (day, asset_id, rendition, id)
SETTINGS index_granularity = 4096, non_replicated_deduplication_window = 100000,
  deduplicate_merge_projection_mode = 'rebuild'
"""

STEPS_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset',
    domain LowCardinality(String) COMMENT 'Whose step: media; drm',
    step LowCardinality(String) COMMENT 'media: created, uploaded, planned, playable, ready, failed,
      deleted; drm: asked, granted, denied',
    subject String COMMENT 'What took it: of media the asset; of drm the playing, its stream_id',
    asset_id String COMMENT 'Asset it is about; empty: none',
    owner_id LowCardinality(String) COMMENT 'Account of its owner; empty: not said',
    at_ms Int64 COMMENT 'When, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (domain, subject, step, at_ms)
SETTINGS non_replicated_deduplication_window = 100000,
  deduplicate_merge_projection_mode = 'rebuild'
"""
