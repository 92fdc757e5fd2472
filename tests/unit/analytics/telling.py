"""Playback sessions in a few words: beats, reports of them, and what the decider makes of these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.analytics.views import BEATS_REPORTED, PLAYBACK, SEGMENTS_SERVED, VIEW_MEASURED
from schemas.event import Event
from schemas.wiring import TIMER_DUE
from streams.analytics.rules import decide
from streams.engine import Out

VIEW = "5" * 32
T0 = 1_763_800_020_000  # 2025-11-22 08:27:00 UTC, a whole minute
FILM_MS = 600_000

WHO: dict[str, Any] = {
    "asset_id": "sunset", "owner_id": "owner", "film_ms": FILM_MS, "viewer": "7" * 32, "player": "test 1",
    "country": "DE", "device": "desktop", "os": "Linux", "browser": "Firefox", "referrer": "", "bot": False,
}  # fmt: skip


def beat(sn: int, at_s: float, state: str, head_s: float | None = None, **more: Any) -> dict[str, Any]:
    """Beat `sn`, `at_s` seconds after the session's first, with the playhead at `head_s`."""
    ts_ms = T0 + round(at_s * 1000)
    plain = {
        "sn": sn, "ts_ms": ts_ms, "at_ms": ts_ms, "kind": "state", "state": state,
        "playhead_ms": None if head_s is None else round(head_s * 1000), "rate": 1.0, "rendition": "720p",
        "bitrate_kbps": 2000, "stalled_total_ms": None, "stalls_total": None, "dropped_frames_total": None,
        "error": "", "clamped": [],
    }  # fmt: skip
    return {**plain, **more}


def session(*told: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Beats of (at_s, state[, head_s[, fields]]), numbered as they stand."""
    beats = []
    for sn, (at_s, state, *rest) in enumerate(told):
        head_s = rest[0] if rest else None
        beats.append(beat(sn, at_s, state, head_s, **(rest[1] if len(rest) > 1 else {})))
    return beats


def report(beats: Sequence[dict[str, Any]], view_id: str = VIEW, **more: Any) -> Event:
    """One report, received when its last beat was made."""
    received_ms = max(each["at_ms"] for each in beats)
    data = {"view_id": view_id, **WHO, "source": "json", "received_at_ms": received_ms, "beats": list(beats)}
    return Event(BEATS_REPORTED, view_id, {**data, **more}, at_ms=received_ms, topic=PLAYBACK)


def segment(number: int, at_s: float, **more: Any) -> dict[str, Any]:
    """Two seconds of the film, asked for with CMCD."""
    plain = {
        "number": number, "rendition": "720p", "start_ms": number * 2000, "duration_ms": 2000,
        "at_ms": T0 + round(at_s * 1000), "bytes": 500_000, "cmcd": True, "starved": False,
        "bitrate_kbps": 2000,
    }  # fmt: skip
    return {**plain, **more}


def served(segments: Sequence[dict[str, Any]], view_id: str = VIEW, **more: Any) -> Event:
    """What the streaming gateway sent in one go."""
    at_ms = max(each["at_ms"] for each in segments)
    data = {"view_id": view_id, **WHO, "segments": list(segments), **more}
    return Event(SEGMENTS_SERVED, view_id, data, at_ms=at_ms, topic=PLAYBACK)


def due(due_at_ms: int, view_id: str = VIEW) -> Event:
    data = {"timer_id": f"view:{view_id}", "due_at_ms": due_at_ms, "note": ""}
    return Event(TIMER_DUE, view_id, data, at_ms=due_at_ms, topic=PLAYBACK)


def decided(events: Iterable[Event], state: Any = None) -> tuple[Any, list[Out]]:
    """State and all outputs; the state goes through JSON between two events, as in the store."""
    outs: list[Out] = []
    for event in events:
        before = json.dumps(state)
        new, made = decide(state, event)
        assert json.dumps(state) == before, "the state that a decider is given is not its own"
        outs += made
        state = json.loads(json.dumps(new))
    return state, outs


def measures(outs: Iterable[Out]) -> list[dict[str, Any]]:
    return [out.data for out in outs if out.type == VIEW_MEASURED]


def measured(events: Iterable[Event]) -> dict[str, Any]:
    """The last measure, without what tells of the one before."""
    last = measures(decided(events)[1])[-1]
    return {name: value for name, value in last.items() if name != "moved_from_day"}
