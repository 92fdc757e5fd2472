"""What was ever said in rooms, as rows of the ClickHouse table `chat_messages`, and how they are read.

A row is a fact about one message, or about an account that may not write, and never changes; which of them a
room shows is a question of their order:
a message is shown unless it was removed, or its author purged, at a later offset; its text is that of its
newest edit after it. So a film's replay, a page of history and a search never show what is gone, whatever was
there first.

Order (room_id, offset): a page of a room, and a film, are ranges of it. The projector's resume rule asks for
the highest offset of a Kafka partition, which the projection `fences` answers from a few rows a part.
"""

from __future__ import annotations

from typing import Final

MESSAGES_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table}
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition UInt32 COMMENT 'Kafka partition',
    offset UInt64 COMMENT 'Kafka offset: the order of a room',
    room_id String COMMENT 'Room',
    message_id String COMMENT 'Message; empty for purged, sanctions, and for reactions to the room',
    account_id String COMMENT 'Author; of reported: who reported; of sanctions: whom they are about; empty
      where the event does not say',
    at_ms Int64 COMMENT 'Time of the event, milliseconds since 1970-01-01 UTC' CODEC(Delta, ZSTD),
    sent_at_ms Int64 COMMENT 'Time of sending, the same as at_ms unless it was held' CODEC(Delta, ZSTD),
    media_ms Nullable(Int64) COMMENT 'Where in the film its author was, milliseconds',
    kind LowCardinality(String) COMMENT 'message, edited, shadowed, shadow_edited, held, rejected, declined,
      removed, purged, reported, reactions; or of a sanction: timeout, ban, shadow, lifted',
    text_sealed String COMMENT 'Text, sealed, base64; empty where there is none' CODEC(ZSTD(3)),
    mentions Array(String) COMMENT 'Accounts that the text speaks to',
    reply_to String COMMENT 'Message that it answers, or empty',
    rule LowCardinality(String) COMMENT 'Rule that held or rejected it; of removed: by whom; or empty',
    rules_version UInt32 COMMENT 'Version of the screening rules',
    score Nullable(Float64) COMMENT 'The rule''s measure, 0-1',
    actor_id String COMMENT 'Whose act it is where it is not the author''s, or empty',
    reason LowCardinality(String) COMMENT 'Why it was removed, purged, reported or sanctioned, or empty',
    until_ms Nullable(Int64) COMMENT 'Of sanctions: until when, milliseconds since 1970-01-01 UTC',
    totals Map(String, UInt64) COMMENT 'Of reactions: all that were ever given to it',
    appended_at DateTime DEFAULT now() COMMENT 'When the row was inserted, server time',
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    INDEX by_kind kind TYPE set(16) GRANULARITY 1,
    INDEX by_message message_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_account account_id TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION fences (SELECT topic, partition, max(offset), count() GROUP BY topic, partition)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(appended_at)
ORDER BY (room_id, offset)
SETTINGS index_granularity = 2048, non_replicated_deduplication_window = 100000
"""

# Windows of `history_sql`, by their parameters; all but FILM are meant with a LIMIT.
BEFORE: Final = "offset < {before:UInt64}"
AFTER: Final = "offset > {after:UInt64}"
FILM: Final = "media_ms >= {from_ms:Int64} AND media_ms < {to_ms:Int64}"  # from_ms inclusive, to_ms not
ONE: Final = "message_id = {message:String}"
AMONG: Final = "message_id IN {messages:Array(String)}"


def history_sql(table: str, window: str, *, oldest_first: bool = False, by_film: bool = False) -> str:
    """What a room shows of its messages to the account {me:String} (empty: nobody), {limit:UInt32} at most.

    Parameters: room, me, limit, and those of `window`. Columns: message_id, id (of its delta), account_id,
    sent_at_ms, media_ms, reply_to, text_sealed, mentions, edits (how often), edited_at_ms (null: never),
    totals (of reactions). Newest first; with `oldest_first` the other way, with `by_film` as the film goes.
    """
    order = "media_ms, offset" if by_film else "offset" if oldest_first else "offset DESC"
    return f"""\
WITH
  {_latest(table, "message_id", "removed")} AS gone,
  {_latest(table, "account_id", "purged")} AS purged,
  page AS (
    SELECT message_id, offset, account_id, sent_at_ms, media_ms, reply_to, text_sealed, mentions
    FROM {table}
    WHERE room_id = {{room:String}} AND {window}
      AND (kind = 'message' OR (kind = 'shadowed' AND account_id = {{me:String}}))
      AND toInt64(offset) > transform(message_id, gone.1, gone.2, toInt64(-1))
      AND toInt64(offset) > transform(account_id, purged.1, purged.2, toInt64(-1))
    ORDER BY {order} LIMIT 1 BY message_id LIMIT {{limit:UInt32}}
  ),
  edited AS (
    SELECT message_id, max(offset) AS at, max(at_ms) AS when_ms, count() AS times,
      argMax(text_sealed, offset) AS text, argMax(mentions, offset) AS people
    FROM {table}
    WHERE room_id = {{room:String}} AND message_id IN (SELECT message_id FROM page)
      AND (kind = 'edited' OR (kind = 'shadow_edited' AND account_id = {{me:String}}))
    GROUP BY message_id
  ),
  reacted AS (
    SELECT message_id, argMax(totals, offset) AS sums
    FROM {table}
    WHERE room_id = {{room:String}} AND message_id IN (SELECT message_id FROM page) AND kind = 'reactions'
    GROUP BY message_id
  )
SELECT page.message_id AS message_id, page.offset AS id, page.account_id AS account_id,
  page.sent_at_ms AS sent_at_ms, page.media_ms AS media_ms, page.reply_to AS reply_to,
  if(edited.at > page.offset, edited.text, page.text_sealed) AS text_sealed,
  if(edited.at > page.offset, edited.people, page.mentions) AS mentions,
  if(edited.at > page.offset, edited.times, 0) AS edits,
  if(edited.at > page.offset, edited.when_ms, NULL) AS edited_at_ms, reacted.sums AS totals
FROM page
LEFT JOIN edited ON edited.message_id = page.message_id
LEFT JOIN reacted ON reacted.message_id = page.message_id
ORDER BY page.{order.replace(", ", ", page.")}"""  # noqa: S608  # a projection's own table, and our own words


def _latest(table: str, what: str, kind: str) -> str:
    """(names, highest offset of each) of a kind of row of the room; never empty, as `transform` needs it."""
    return (
        f"(SELECT (arrayPushBack(groupArray(name), ''), arrayPushBack(groupArray(at), toInt64(-1))) FROM "  # noqa: S608
        f"(SELECT {what} AS name, max(toInt64(offset)) AS at FROM {table} "
        f"WHERE room_id = {{room:String}} AND kind = '{kind}' GROUP BY name))"
    )


def along_sql(table: str) -> str:
    """How much a room says along its film, to everybody: for each step of it messages and their authors.

    Parameters: room, step_ms (Int64). Columns: step (from 0), messages, people. What was removed, and what
    purged accounts wrote, is left out; messages of no place in the film as well.
    """
    return f"""\
WITH
  {_latest(table, "message_id", "removed")} AS gone,
  {_latest(table, "account_id", "purged")} AS purged
SELECT intDiv(media_ms, {{step_ms:Int64}}) AS step, uniqExact(message_id) AS messages,
  uniqExact(account_id) AS people
FROM {table}
WHERE room_id = {{room:String}} AND kind = 'message' AND media_ms >= 0
  AND toInt64(offset) > transform(message_id, gone.1, gone.2, toInt64(-1))
  AND toInt64(offset) > transform(account_id, purged.1, purged.2, toInt64(-1))
GROUP BY step ORDER BY step"""  # noqa: S608  # a projection's own table
