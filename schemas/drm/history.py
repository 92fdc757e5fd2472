"""Every licence that was granted or denied: rows of the ClickHouse table `drm_licences`.

A row is a fact and never changes. A record that is on the log twice, as a decider was killed before it had
noted that it was sent, makes two of them, so readers say `LIMIT 1 BY licence_id`. Order (asset_id, at_ms):
the log of a film is a range of it; accounts are found by an index. The projector's resume rule asks for the
highest offset of a Kafka partition, which the projection `fences` answers from a few rows a part.
"""

from __future__ import annotations

from typing import Final

LICENCES: Final = "drm_licences"

LICENCES_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset',
    licence_id String COMMENT 'The licence: the id of the request that asked for it',
    account_id String COMMENT 'Whose; guest:<device_id> of who had not signed in',
    asset_id String COMMENT 'The film',
    device_id String COMMENT 'The device, as its player names it',
    stream_id String COMMENT 'The playing of the film on the device',
    system LowCardinality(String) COMMENT 'clearkey, widevine, playready or fairplay',
    outcome LowCardinality(String) COMMENT 'granted or denied',
    code LowCardinality(String) COMMENT 'Why it was denied; empty: granted',
    detail String COMMENT 'The same in a sentence',
    streams Array(String) COMMENT 'Streams that were in the way',
    devices Array(String) COMMENT 'Devices that were in the way',
    kids Array(String) COMMENT 'Ids of the keys that may leave',
    policy_id String COMMENT 'Policy that was applied; empty: the default',
    policy_version UInt32 COMMENT 'Its version',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    geo_db LowCardinality(String) COMMENT 'Database that told the country; empty: none',
    offline Bool COMMENT 'May be kept on the device',
    asked_at_ms Int64 COMMENT 'When it was asked for, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    at_ms Int64 COMMENT 'When it was decided, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    expires_at_ms Nullable(Int64) COMMENT 'When it ends, milliseconds since 1970-01-01 UTC; null: with the
      player''s session',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    INDEX by_account account_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_licence licence_id TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(appended_at)
ORDER BY (asset_id, at_ms)
SETTINGS index_granularity = 2048, non_replicated_deduplication_window = 100000
"""
