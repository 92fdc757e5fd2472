"""A player's beats as they may go on the log: each number in its range, both clocks kept, oddities counted.

A beat that nobody could place in its session (no sequence number, no time, no object) is refused by a code.
Everything else that is out of its range is brought into it, and its name told in `clamped`: a player whose
clock is a year off, or that reports minus five dropped frames, still watched the film.

What is made of a beat depends on the beat alone, `at_ms` excepted: sent again, later, or together with
others, it is the same beat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from schemas.analytics.events import Beat

MOST_BEATS: Final = 1000
"""Of one report: a player that was offline for hours."""
DAY_MS: Final = 86_400_000
LAST_TS_MS: Final = 4_102_444_800_000  # the year 2100
LONGEST_FILM_MS: Final = 7 * DAY_MS
MOST: Final = 2**31 - 1
MOST_KBPS: Final = 1_000_000
SLOWEST, FASTEST = 0.0625, 16.0  # the playback rates that browsers take
LONGEST_TEXT: Final = 64

KINDS: Final = frozenset(
    ("start", "first_frame", "state", "interval", "bitrate", "seek", "error", "end", "other")
)
STATES: Final = frozenset(
    ("starting", "playing", "seeking", "rebuffering", "paused", "waiting", "ended", "failed", "preloading",
     "other")
)  # fmt: skip


class Refused(NamedTuple):
    """A beat that is not taken: which one of its report, and why (`_why_not` has the codes)."""

    number: int
    code: str


def checked(raw: Sequence[Any], received_at_ms: int) -> tuple[list[Beat], list[Refused]]:
    """The beats of a report as they may go on the log, and those that may not. Never raises.

    `raw` is what JSON gave. A beat's own time is kept as told. By our clock it was as long before the report
    came as it was before the last beat: a day at most.
    """
    refused: list[Refused] = []
    found: list[tuple[dict[str, Any], int]] = []
    for index, one in enumerate(raw):
        code = _why_not(one)
        if code:
            refused.append(Refused(index, code))
        else:
            found.append((one, one["sn"]))
    if not found:
        return [], refused
    last_ts_ms = _time(max(found, key=lambda one: one[1])[0]["ts_ms"])
    return [_beat(one, received_at_ms, last_ts_ms) for one, _ in found], refused


def _why_not(raw: Any) -> str:
    if not isinstance(raw, dict):
        return "not_an_object"
    sn = raw.get("sn")
    if not isinstance(sn, int) or isinstance(sn, bool) or not 0 <= sn <= MOST:
        return "bad_sn"
    ts_ms = raw.get("ts_ms")
    if isinstance(ts_ms, bool) or not isinstance(ts_ms, int | float) or not math.isfinite(ts_ms):
        return "bad_ts"
    state = raw.get("state")
    return "" if isinstance(state, str) and state in STATES else "bad_state"


def _beat(raw: dict[str, Any], received_at_ms: int, last_ts_ms: int) -> Beat:
    clamped: list[str] = []
    ts_ms = _time(raw["ts_ms"])
    if ts_ms != int(raw["ts_ms"]):
        clamped.append("ts_ms")
    kind = raw.get("kind", "other")
    if not isinstance(kind, str) or kind not in KINDS:
        clamped.append("kind")
        kind = "other"
    playhead_ms = _number(raw, "playhead_ms", 0, LONGEST_FILM_MS, clamped)
    bitrate_kbps = _number(raw, "bitrate_kbps", 0, MOST_KBPS, clamped)
    stalled_total_ms = _number(raw, "stalled_total_ms", 0, LONGEST_FILM_MS, clamped)
    stalls_total = _number(raw, "stalls_total", 0, MOST, clamped)
    dropped_frames_total = _number(raw, "dropped_frames_total", 0, MOST, clamped)
    rate = _number(raw, "rate", SLOWEST, FASTEST, clamped)
    return {
        "sn": raw["sn"],
        "ts_ms": ts_ms,
        "at_ms": received_at_ms - min(max(0, last_ts_ms - ts_ms), DAY_MS),
        "kind": cast(Any, kind),  # one of KINDS
        "state": raw["state"],
        "playhead_ms": None if playhead_ms is None else int(playhead_ms),
        "rate": 1.0 if rate is None else float(rate),
        "rendition": _text(raw, "rendition", clamped),
        "bitrate_kbps": None if bitrate_kbps is None else int(bitrate_kbps),
        "stalled_total_ms": None if stalled_total_ms is None else int(stalled_total_ms),
        "stalls_total": None if stalls_total is None else int(stalls_total),
        "dropped_frames_total": None if dropped_frames_total is None else int(dropped_frames_total),
        "error": _text(raw, "error", clamped),
        "clamped": clamped,
    }


def _time(said: float) -> int:
    """A client's clock within reason: any time from 1970 to 2100."""
    return min(max(int(said), 0), LAST_TS_MS)


def _number(
    raw: dict[str, Any], name: str, least: float, most: float, clamped: list[str]
) -> int | float | None:
    value = raw.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        clamped.append(name)
        return None
    if value < least:
        clamped.append(name)
        return least
    if value > most:
        clamped.append(name)
        return most
    return value


def _text(raw: dict[str, Any], name: str, clamped: list[str]) -> str:
    value = raw.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    clamped.append(name)
    return plain(value) if isinstance(value, str) else ""


def plain(text: str) -> str:
    """What can be read of a text, at most LONGEST_TEXT characters."""
    return "".join(one for one in text[:LONGEST_TEXT] if one.isprintable())
