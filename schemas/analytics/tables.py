"""`analytics_views`: what is known of each playback session, as a row that is replaced while it is watched.

A session's row is its newest ViewMeasured, which holds the whole measure: nothing is added up on the way, so
an event that comes twice, or a replay in other batches, cannot count twice. All numbers are sums of columns,
divided last. Every query reads `FROM analytics_views FINAL`, or what is replaced is counted, too.

Order (day, asset_id, view_id): the day (UTC, of the session's start) leads, so that what is replaced lies at
the end that grows; FINAL has to merge there only, and a query of some days reads some days. A session whose
start moves to another day, because its first beats came late, is taken from the one (`gone`) and put under
the other in one insert. The version is the Kafka offset: a session's events come in order of what is known
of it, and the row of the highest offset, which is where the projector resumes, is never merged away.

Table partitions are Kafka's: an insert is of one Kafka partition, so it is one block of one table partition,
which is atomic; and a session is in one of them for ever, so FINAL need not look across. There is no TTL: the
table is where its projector resumes, and rows of 200 bytes are not what fills a disk.
"""

from __future__ import annotations

from typing import Final

VIEWS_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset of the measure: the newest one counts',
    gone UInt8 COMMENT '1: the session stands under another day now; FINAL leaves it out',
    day Date COMMENT 'UTC day of started_at_ms',
    view_id String COMMENT 'Playback session',
    revision UInt64 COMMENT 'Beats and segments that the row rests on',
    asset_id LowCardinality(String) COMMENT 'Film as the player named it',
    owner_id LowCardinality(String) COMMENT 'Account of the film''s owner; empty: unknown',
    film_ms Nullable(UInt64) COMMENT 'Length of the film; null: unknown',
    viewer String COMMENT 'Keyed hash of the viewer; empty: asked not to be tracked',
    source LowCardinality(String) COMMENT 'json, cmcd2, or cmcd1 (an estimate of segment requests)',
    player LowCardinality(String) COMMENT 'Player and version',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, console, bot, other',
    os LowCardinality(String) COMMENT 'Operating system',
    browser LowCardinality(String) COMMENT 'Browser',
    referrer LowCardinality(String) COMMENT 'Host of the page; empty: unknown',
    bot Bool COMMENT 'A robot: kept, and left out of what is counted',
    started_at_ms Int64 COMMENT 'Start: the session''s time; milliseconds since 1970-01-01 UTC'
      CODEC(Delta, ZSTD),
    last_at_ms Int64 COMMENT 'Last beat, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    startup_ms Nullable(UInt32) COMMENT 'To the first frame; null: it never came, or its begin is unknown',
    started Bool COMMENT 'First frame shown: a view',
    engaged Bool COMMENT 'Played 10 s, or half of a film under 20 s',
    failed Bool COMMENT 'Ended by a fatal error',
    error LowCardinality(String) COMMENT 'Code of the first fatal error; empty: none',
    exited_before_start Bool COMMENT 'Neither first frame nor fatal error, so far',
    finished Bool COMMENT 'Reached the end',
    watched_ms UInt64 COMMENT 'Wall clock with startup, stalls, seeks, without pauses (CTA-2066)',
    playing_ms UInt64 COMMENT 'Wall clock of playing',
    media_ms UInt64 COMMENT 'Media played; twice counts twice',
    covered_ms UInt64 COMMENT 'Distinct media played',
    stalled_ms UInt64 COMMENT 'Rebuffering after the start, without seeks',
    stalls UInt32 COMMENT 'Times that it rebuffered',
    seeks UInt32 COMMENT 'Times that the viewer sought',
    switches UInt32 COMMENT 'Changes of the rendition',
    kbits UInt64 COMMENT 'Bit rate times playing time, kbit: divided by bitrate_ms, Mbit/s',
    bitrate_ms UInt64 COMMENT 'Playing time of which the bit rate is known',
    rendition_ms Map(LowCardinality(String), UInt64) COMMENT 'Playing time of each rendition',
    dropped_frames UInt64 COMMENT 'Frames dropped',
    max_playhead_ms UInt64 COMMENT 'Farthest point reached',
    plays Map(UInt32, Int32) COMMENT 'Second of the film -> change in how often it was played',
    coverage Map(UInt32, Int32) COMMENT 'Second of the film -> change in whether it was played',
    active Map(UInt32, Int32) COMMENT 'Minute since 1970 -> change in whether it was watched',
    state LowCardinality(String) COMMENT 'What the player does by its last beat',
    counted Bool COMMENT 'Counts as a view',
    reasons Array(LowCardinality(String)) COMMENT 'Why not: bot, no_first_frame, unknown_video; why not as an
      engaged one: too_short',
    clamped UInt32 COMMENT 'Beats with something brought into its range',
    gaps UInt32 COMMENT 'Places where beats are missing',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time'
)
ENGINE = ReplacingMergeTree(offset, gone)
PARTITION BY partition
ORDER BY (day, asset_id, view_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 100000
"""
