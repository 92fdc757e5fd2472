"""A made-up month of an audience, put straight into ClickHouse: 100 million beats of 3.6 million sessions.

All of it follows from the sessions' numbers, so that it is the same each time. Films are watched unevenly:
the most watched of 2,000 has two views in a hundred. Days come one after the other, and of each day first
some rows that later ones replace, as a projector writes them.
"""

from __future__ import annotations

import time
from typing import Any, Final

import clickhouse_connect

from schemas.analytics.facts import BEATS_DDL, DELIVERY_DDL, STEPS_DDL
from schemas.analytics.tables import VIEWS_DDL
from schemas.analytics.views import BEATS, DELIVERY, STEPS, VIEWS

DAY_MS: Final = 86_400_000
BEGIN_MS: Final = 1_780_272_000_000  # 2026-06-01T00:00:00Z
DAYS: Final = 30
A_DAY: Final = 119_100  # sessions
BEATS_EACH: Final = 28
FILMS: Final = 2000
MERGED_WITHIN_S: Final = 300.0
_TABLES: Final = {VIEWS: VIEWS_DDL, BEATS: BEATS_DDL, DELIVERY: DELIVERY_DDL, STEPS: STEPS_DDL}

# A session's number decides everything; u1 to u4 are between 0 and 1.
_MADE: Final = {
    **{f"u{each}": f"(cityHash64(number, {each}) % 1000000) / 1e6" for each in range(1, 5)},
    "film": f"toUInt32({FILMS} * u1 * u1)",
    "length_ms": "60000 + film * 7919 % 5400 * 1000",
    "session": "lower(hex(MD5(toString(number))))",
    "begin_ms": f"toInt64({BEGIN_MS} + intDiv(number, {A_DAY}) * {DAY_MS} + u2 * {DAY_MS - 1})",
    "from_ms": "toUInt32(length_ms * u3 * 0.6)",
    "played_ms": "toUInt32((length_ms - from_ms) * u4)",
    "from_s": "intDiv(from_ms, 1000)",
    "half_s": "intDiv(played_ms, 2000) + 1",
    "shown": "u3 <= 0.97",
    "broken": "u3 > 0.985",
}
_VIEW: Final = {
    "topic": "'analytics.view.events'", "partition": "number % 12", "offset": "number", "gone": "0",
    "day": "toDate(intDiv(begin_ms, 1000))", "view_id": "session", "revision": f"{BEATS_EACH}",
    "asset_id": "concat('film-', toString(film))", "owner_id": "concat('owner-', toString(film % 200))",
    "film_ms": "length_ms", "viewer": "lower(hex(MD5(toString(cityHash64(number, 5) % 1200000))))",
    "source": "'json'", "player": "['hls.js 1.7', 'shaka 5.2', 'dash.js 5.2'][1 + number % 3]",
    "country": "['DE', 'US', 'FR', 'GB', 'IN', 'BR', 'JP', 'PL', 'ES', 'IT'][1 + cityHash64(number, 6) % 10]",
    "device": "['desktop', 'mobile', 'tablet', 'tv'][1 + cityHash64(number, 7) % 4]",
    "os": "['Windows', 'macOS', 'Android', 'iOS', 'Linux'][1 + cityHash64(number, 8) % 5]",
    "browser": "['Chrome', 'Firefox', 'Safari', 'Edge'][1 + cityHash64(number, 9) % 4]",
    "referrer": "concat('site', toString(cityHash64(number, 10) % 40), '.example')", "bot": "number % 97 = 0",
    "started_at_ms": "begin_ms", "last_at_ms": "begin_ms + played_ms + 5000",
    "startup_ms": "if(shown, toUInt32(200 + 3000 * u4 * u2), NULL)", "started": "shown",
    "engaged": "shown AND played_ms > 10000", "failed": "broken", "error": "if(broken, 'network', '')",
    "exited_before_start": "NOT shown AND NOT broken", "finished": "shown AND u4 > 0.9",
    "watched_ms": "shown * (played_ms + 2000)", "playing_ms": "shown * played_ms",
    "media_ms": "shown * played_ms", "covered_ms": "shown * played_ms",
    "stalled_ms": "shown * toUInt32(1000 * u4)", "stalls": "shown * (number % 3)", "seeks": "number % 4",
    "switches": "number % 2", "kbits": "shown * played_ms * 3", "bitrate_ms": "shown * played_ms",
    "rendition_ms": "map('720p', toUInt64(played_ms / 2), '1080p', toUInt64(played_ms / 2))",
    "dropped_frames": "number % 5", "max_playhead_ms": "from_ms + played_ms",
    "plays": "map(from_s, 1, from_s + half_s, -1, from_s + half_s + 9, 1, from_s + 2 * half_s + 9, -1)",
    "coverage": "map(from_s, 1, from_s + 2 * half_s, -1)",
    "active": "map(intDiv(begin_ms, 60000), 1, intDiv(begin_ms + played_ms, 60000) + 1, -1)",
    "state": "'ended'", "counted": "shown AND number % 97 != 0", "reasons": "[]", "clamped": "0",
    "gaps": "0",
}  # fmt: skip
_REPORT: Final = {
    "topic": "'analytics.playback.events'", "partition": "number % 12", "offset": "number",
    "id": "toString(number)", "view_id": "session", "asset_id": "concat('film-', toString(film))",
    "source": "'json'", "player": "'hls.js 1.7'", "country": "'DE'", "bot": "number % 97 = 0",
    "received_at_ms": "begin_ms + played_ms",
    **{
        f"`beat.{name}`": f"arrayMap(sn -> {value}, range({BEATS_EACH}))"
        for name, value in {
            "sn": "sn", "ts_ms": "begin_ms + sn * 10000", "at_ms": "begin_ms + sn * 10000",
            "kind": "if(sn = 0, 'start', 'interval')", "state": "'playing'",
            "playhead_ms": "toInt64(from_ms + sn * 10000)", "rate": "1", "rendition": "'720p'",
            "bitrate_kbps": "3000", "stalled_total_ms": "0", "stalls_total": "0",
            "dropped_frames_total": "0", "error": "''", "clamped": "CAST([], 'Array(String)')",
        }.items()
    },
}  # fmt: skip


def fill(url: str) -> str:
    """Make the tables and the month, which takes some minutes; what there is then, in words."""
    client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False, send_receive_timeout=600)
    try:
        for table, ddl in _TABLES.items():
            client.command(ddl.replace("{table}", table))
        younger = _VIEW | {"watched_ms": "3", "playing_ms": "1", "revision": "2"}
        for day in range(DAYS):
            _put(client, VIEWS, younger, day * A_DAY, A_DAY // 10)
            _put(client, VIEWS, _VIEW | {"offset": f"number + {10**9}"}, day * A_DAY, A_DAY)
            _put(client, BEATS, _REPORT, day * A_DAY, A_DAY)
        _merged(client)
        sessions = client.command(f"SELECT count() FROM {VIEWS} FINAL")
        beats = client.command(f"SELECT sum(length(`beat.sn`)) FROM {BEATS}")
        return f"{beats} beats of {sessions} sessions, {DAYS} days, {FILMS} films"
    finally:
        client.close()


def _put(client: Any, table: str, columns: dict[str, str], first: int, count: int) -> None:
    made = ", ".join(f"{expression} AS {name}" for name, expression in _MADE.items())
    client.command(
        f"INSERT INTO {table} ({', '.join(columns)}) WITH {made} "  # our own text
        f"SELECT {', '.join(columns.values())} FROM numbers({first}, {count})"
    )


def _merged(client: Any) -> None:
    """Wait for what merges by itself."""
    deadline_s = time.monotonic() + MERGED_WITHIN_S
    while client.command("SELECT count() FROM system.merges") and time.monotonic() < deadline_s:
        time.sleep(0.5)
