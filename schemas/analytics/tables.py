"""`analytics_views`: what is known of each playback session, as a row that is replaced while it is watched.

A session's row is its newest ViewMeasured, which holds the whole measure: nothing is added up on the way, so
an event that comes twice, or a replay in other batches, cannot count twice. All numbers are sums of columns,
divided last. Every query reads `FROM analytics_views FINAL`, or what is replaced is counted, too.

Order (day, asset_id, view_id): the day (UTC, of the session's start) leads, so that what is replaced lies at
the end that grows; FINAL has to merge there only, and a query of some days reads some days. A session whose
start moves to another day, because its first beats came late, is taken from the one (`gone`) and put under
the other in one insert. The version is the Kafka offset: a session's events come in order of what is known
of it, and the row of the highest offset, which is where the projector resumes, is never merged away.

There are no table partitions: an insert is one block, which is atomic, and every partition would cut a film's
sessions of a day into as many ranges again. Measured with 3.5 million sessions of 30 days and 2,000 films on
two cores (one film's 30 days; all films' 30 days by day, five sums and viewers): 17 and 71 ms; partitioned by
Kafka's partition 150 and 460 ms, or 45 and 80 ms where FINAL is told not to look across them. There is no
TTL: the table is where its projector resumes, and rows of 150 bytes are not what fills a disk. Where it
resumes is answered by the projection `fences`, which a merge makes anew.

What every query scans is LZ4: the default, ZSTD, took twice as long for the whole query. Maps, and what a
retention curve reads beside them, are kept in small blocks: of a film's month a few rows of each day are
read, and for each a whole block is unpacked (a curve took half as long again). Times of a session are kept
in 32 bits, 49 days at most: of 64 they took twice as long to read (a sum over these sessions: 25 and 16 ms of
CPU, 10 of them without the column). No rollup is kept: these answers need none, and what does not exist
cannot disagree with the sessions.
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
    film_ms Nullable(UInt64) COMMENT 'Length of the film; null: unknown' CODEC(LZ4)
      SETTINGS (min_compress_block_size = 16384),
    viewer String COMMENT 'Keyed hash of the viewer; empty: asked not to be tracked',
    viewer_hash UInt64 MATERIALIZED if(viewer = '', 0, sipHash64(viewer))
      COMMENT 'What viewers are counted by; 0: asked not to be tracked' CODEC(LZ4),
    known Bool MATERIALIZED NOT has(reasons, 'unknown_video') COMMENT 'There is such a film' CODEC(LZ4)
      SETTINGS (min_compress_block_size = 16384),
    source LowCardinality(String) COMMENT 'json, cmcd2, or cmcd1 (an estimate of segment requests)',
    player LowCardinality(String) COMMENT 'Player and version',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: unknown',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, console, bot, other',
    os LowCardinality(String) COMMENT 'Operating system',
    browser LowCardinality(String) COMMENT 'Browser',
    referrer LowCardinality(String) COMMENT 'Host of the page; empty: unknown',
    bot Bool COMMENT 'A robot: kept, and left out of what is counted' CODEC(LZ4)
      SETTINGS (min_compress_block_size = 16384),
    started_at_ms Int64 COMMENT 'Start: the session''s time; milliseconds since 1970-01-01 UTC'
      CODEC(LZ4),
    started_s UInt32 MATERIALIZED toUInt32(intDiv(started_at_ms, 1000)) COMMENT 'The same, in whole seconds:
      what times are chosen and grouped by' CODEC(LZ4) SETTINGS (min_compress_block_size = 16384),
    last_at_ms Int64 COMMENT 'Last beat, milliseconds since 1970-01-01 UTC' CODEC(LZ4),
    startup_ms Nullable(UInt32) COMMENT 'To the first frame; null: it never came, or its begin is unknown'
      CODEC(LZ4),
    started Bool COMMENT 'First frame shown: a view' CODEC(LZ4),
    engaged Bool COMMENT 'Played 10 s, or half of a film under 20 s' CODEC(LZ4),
    failed Bool COMMENT 'Ended by a fatal error' CODEC(LZ4),
    error LowCardinality(String) COMMENT 'Code of the first fatal error; empty: none',
    exited_before_start Bool COMMENT 'Neither first frame nor fatal error, so far' CODEC(LZ4),
    finished Bool COMMENT 'Reached the end' CODEC(LZ4),
    watched_ms UInt32 COMMENT 'Wall clock with startup, stalls, seeks, without pauses (CTA-2066)' CODEC(LZ4),
    playing_ms UInt32 COMMENT 'Wall clock of playing' CODEC(LZ4),
    media_ms UInt32 COMMENT 'Media played; twice counts twice' CODEC(LZ4)
      SETTINGS (min_compress_block_size = 16384),
    covered_ms UInt32 COMMENT 'Distinct media played' CODEC(LZ4),
    stalled_ms UInt32 COMMENT 'Rebuffering after the start, without seeks' CODEC(LZ4),
    stalls UInt32 COMMENT 'Times that it rebuffered' CODEC(LZ4),
    seeks UInt32 COMMENT 'Times that the viewer sought',
    switches UInt32 COMMENT 'Changes of the rendition',
    kbits UInt64 COMMENT 'Bit rate times playing time, kbit: divided by bitrate_ms, Mbit/s' CODEC(LZ4),
    bitrate_ms UInt32 COMMENT 'Playing time of which the bit rate is known' CODEC(LZ4),
    rendition_ms Map(LowCardinality(String), UInt64) COMMENT 'Playing time of each rendition',
    dropped_frames UInt64 COMMENT 'Frames dropped',
    max_playhead_ms UInt64 COMMENT 'Farthest point reached',
    plays Map(UInt32, Int32) COMMENT 'Second of the film -> change in how often it was played'
      CODEC(LZ4) SETTINGS (min_compress_block_size = 16384),
    coverage Map(UInt32, Int32) COMMENT 'Second of the film -> change in whether it was played'
      CODEC(LZ4) SETTINGS (min_compress_block_size = 16384),
    active Map(UInt32, Int32) COMMENT 'Minute since 1970 -> change in whether it was watched'
      CODEC(LZ4) SETTINGS (min_compress_block_size = 16384),
    state LowCardinality(String) COMMENT 'What the player does by its last beat',
    counted Bool COMMENT 'Counts as a view' CODEC(LZ4)
      SETTINGS (min_compress_block_size = 16384),
    reasons Array(LowCardinality(String)) COMMENT 'Why not: bot, no_first_frame, unknown_video; why not as an
      engaged one: too_short; approximate: counts, but more was told than is remembered of one session',
    clamped UInt32 COMMENT 'Beats with something brought into its range',
    gaps UInt32 COMMENT 'Places where beats are missing',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    INDEX by_view view_id TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = ReplacingMergeTree(offset, gone)
ORDER BY (day, asset_id, view_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 100000,
  deduplicate_merge_projection_mode = 'rebuild'
"""
