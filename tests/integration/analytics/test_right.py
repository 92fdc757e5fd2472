"""Reports through the real engine: the same in whatever order, pieces and number they come; built again."""

from __future__ import annotations

import random
import time
from typing import Any

from schemas.analytics.views import BEATS, DELIVERY, LIVE, VIEWS
from tests.integration.analytics.sessions import Sessions
from tests.support.verified import differing
from tests.unit.analytics.telling import T0, report, session

AGENTS = ("analytics.view", LIVE, VIEWS, BEATS, DELIVERY)


def now(beats: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same beats, made a moment ago: reports older than a day are refused."""
    by = time.time_ns() // 1_000_000 - 600_000 - T0
    return [{**one, "ts_ms": one["ts_ms"] + by, "at_ms": one["at_ms"] + by} for one in beats]


def watched(seed: int) -> list[dict[str, Any]]:
    """A session with a stall, a pause and a seek, each a little different."""
    rng = random.Random(seed)
    stall, pause = rng.randint(1, 10), rng.randint(1, 30)
    s = 0.4 + 20
    told = [
        (0, "starting", 0, {"kind": "start"}), (0.4, "playing", 0, {"kind": "first_frame"}),
        (10.4, "playing", 10, {"kind": "interval"}), (s, "rebuffering", 20), (s + stall, "playing", 20),
        (s + stall + 5, "paused", 25), (s + stall + pause + 5, "playing", 25),
        (s + stall + pause + 9, "seeking", 300 + seed, {"kind": "seek"}),
        (s + stall + pause + 9.5, "playing", 300 + seed),
        (s + stall + pause + 19.5, "playing", 310 + seed, {"rendition": "1080p", "bitrate_kbps": 5000}),
        (s + stall + pause + 29.5, "playing", 320 + seed, {"rendition": "1080p", "dropped_frames_total": 3}),
    ]  # fmt: skip
    return session(*told)


async def test_a_session_is_measured_shown_kept_and_built_again(sessions: Sessions) -> None:
    beats = now(watched(1))
    await sessions.report([report(beats[:4], "a" * 32), report(beats[4:], "a" * 32)])
    [view] = await sessions.until(sessions.views, lambda rows: rows and rows[0]["revision"] == len(beats))
    assert (view["counted"], view["stalls"], view["seeks"], view["switches"]) == (True, 1, 1, 1)
    assert view["media_ms"] == 25_000 + 4_000 + 20_000
    assert view["rendition_ms"] == {"720p": 39_000, "1080p": 10_000}
    watching = await sessions.until(sessions.watching, bool)
    assert watching == {"a" * 32: beats[-1]["at_ms"] + 45_000}
    kept = await sessions.until(sessions.beats, lambda rows: len(rows) == 2)
    assert [sn for row in kept for sn in row["beat.sn"]] == list(range(len(beats)))
    assert await differing(sessions.settings, AGENTS) == []
