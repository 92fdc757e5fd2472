"""Playback sessions made up for tests, as rows of `analytics_views`."""

from __future__ import annotations

import hashlib
import random
from typing import Any

Row = dict[str, Any]
DAY_MS = 86_400_000
BEGIN_MS = 1_774_656_000_000  # 2026-03-28T00:00:00Z: the next night clocks change in Europe


def a_view(number: int, **changes: Any) -> Row:
    """A view of a minute, complete and unremarkable, but for `changes`."""
    started_at_ms = changes.get("started_at_ms", BEGIN_MS + number * 1000)
    row: Row = {
        "topic": "analytics.view.events", "partition": number % 12, "offset": number, "gone": 0,
        "day": started_at_ms // DAY_MS, "view_id": _hash(f"view {number}"),
        "revision": 5, "asset_id": "film-a", "owner_id": "o" * 32, "film_ms": 60_000,
        "viewer": _hash(f"viewer {number}"), "source": "json", "player": "hls.js 1.7",
        "country": "DE", "device": "desktop", "os": "Linux", "browser": "Firefox",
        "referrer": "example.org", "bot": False, "started_at_ms": started_at_ms,
        "last_at_ms": started_at_ms + 61_000, "startup_ms": 500, "started": True, "engaged": True,
        "failed": False, "error": "", "exited_before_start": False, "finished": True, "watched_ms": 60_500,
        "playing_ms": 60_000, "media_ms": 60_000, "covered_ms": 60_000, "stalled_ms": 0, "stalls": 0,
        "seeks": 0, "switches": 0, "kbits": 120_000, "bitrate_ms": 60_000, "rendition_ms": {"720p": 60_000},
        "dropped_frames": 0, "max_playhead_ms": 60_000, "plays": {"0": 1, "60": -1},
        "coverage": {"0": 1, "60": -1},
        "active": {str(started_at_ms // 60_000): 1, str((started_at_ms + 61_000) // 60_000 + 1): -1},
        "state": "ended", "counted": True, "reasons": [], "clamped": 0, "gaps": 0,
    }  # fmt: skip
    return row | changes


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def random_views(seed: int, number: int, days: int = 4) -> list[Row]:
    """Sessions of all sorts: never started, failed, robots', of unknown films, untracked."""
    dice = random.Random(seed)
    return [_random_view(dice, seed * 1_000_000 + each, days) for each in range(number)]


def _random_view(dice: random.Random, number: int, days: int) -> Row:
    film = dice.randrange(6)
    film_ms = (30 + 40 * film) * 1000
    started, bot, known = dice.random() > 0.1, dice.random() < 0.1, dice.random() > 0.05
    failed = dice.random() < (0.1 if started else 0.5)
    begin_s = dice.randrange(film_ms // 1000)
    spans = []
    for _ in range(dice.randrange(1, 4) if started else 0):
        end_s = dice.randrange(begin_s, film_ms // 1000 + 1)
        spans.append((begin_s, end_s))
        begin_s = dice.randrange(max(1, film_ms // 1000))
    seconds = {second for begin, end in spans for second in range(begin, end)}
    playing_ms = sum(end - begin for begin, end in spans) * 1000
    stalls = dice.randrange(3) if started else 0
    stalled_ms = stalls * dice.randrange(100, 4000)
    startup_ms = (dice.randrange(50, 1000) if dice.random() < 0.7 else dice.randrange(1000, 9000)) * started
    watched_ms = playing_ms + stalled_ms + startup_ms
    at_ms = BEGIN_MS + dice.randrange(days * DAY_MS)
    minutes = [at_ms // 60_000, (at_ms + watched_ms) // 60_000 + 1]
    split_ms = dice.randrange(playing_ms + 1)
    engaged = playing_ms >= min(10_000, film_ms // 2) and started
    reasons = ["bot"] * bot + ["no_first_frame"] * (not started) + ["unknown_video"] * (not known)
    return a_view(
        number, started_at_ms=at_ms, day=at_ms // DAY_MS, last_at_ms=at_ms + watched_ms,
        asset_id=f"film-{film}" if known else f"made-up-{film}", owner_id=str(film % 3) * 32 if known else "",
        film_ms=film_ms if known else None,
        viewer="" if dice.random() < 0.1 else _hash(str(dice.randrange(60))),
        country=dice.choice(["DE", "US", "FR", ""]), device=dice.choice(["desktop", "mobile", "tv"]),
        browser=dice.choice(["Firefox", "Chrome"]), player=dice.choice(["hls.js 1.7", "shaka 5.2"]),
        referrer=dice.choice(["example.org", "news.example", ""]), bot=bot, started=started,
        engaged=engaged, failed=failed, error="network" if failed else "",
        exited_before_start=not started and not failed, finished=started and dice.random() < 0.4,
        startup_ms=startup_ms if started else None, watched_ms=watched_ms, playing_ms=playing_ms,
        media_ms=playing_ms, covered_ms=len(seconds) * 1000, stalled_ms=stalled_ms, stalls=stalls,
        seeks=len(spans), switches=dice.randrange(3), kbits=playing_ms * dice.randrange(1, 5),
        bitrate_ms=playing_ms if dice.random() < 0.8 else 0, dropped_frames=dice.randrange(9),
        rendition_ms={"360p": split_ms, "1080p": playing_ms - split_ms} if started else {},
        max_playhead_ms=max((end for _, end in spans), default=0) * 1000,
        plays=changes_of(spans), coverage=changes_of(_runs(seconds)),
        active={str(minutes[0]): 1, str(minutes[1]): -1}, counted=not reasons,
        reasons=sorted(reasons + ["too_short"] * (not engaged)),
    )  # fmt: skip


def changes_of(spans: list[tuple[int, int]]) -> dict[str, int]:
    """Spans as what changes at their begins and ends."""
    found: dict[str, int] = {}
    for begin, end in spans:
        for second, change in ((begin, 1), (end, -1)):
            found[str(second)] = found.get(str(second), 0) + change
    return {second: change for second, change in found.items() if change}


def _runs(seconds: set[int]) -> list[tuple[int, int]]:
    return [(second, second + 1) for second in sorted(seconds)]
