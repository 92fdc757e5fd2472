"""What a report adds to what is known of a session. Pure."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from schemas.analytics.views import BEATS_REPORTED
from schemas.event import Event
from streams.analytics.runs import add_beat
from streams.analytics.segments import add_segments
from streams.analytics.state import FAR_MS, FARTHEST_MS, View, no_sums

_NEVER_MS: Final = 1 << 62
MOST_RATE: Final = 16
_WHO: Final = ("asset_id", "viewer", "player", "country", "device", "os", "browser", "referrer", "bot")
_WORDS: Final = ("player", "country", "os", "browser", "referrer")  # "" says nothing, and is no answer
_by_number: Final = itemgetter("sn")


def unheard(at_ms: int) -> View:
    """A session that nothing is known of."""
    return {
        "heard_ms": at_ms, "rank": [], "who": {}, "words": {}, "owner_id": "", "film_ms": None, "runs": [],
        "beats": 0, "clamped": 0, "begun_ms": _NEVER_MS, "last_ms": 0, "shift_ms": _NEVER_MS,
        "start_ts": None, "frame_ts": None, "finished": False, "fatal": None, "max_playhead_ms": 0,
        "counters": [0, 0, 0], "sums": no_sums(),
    }  # fmt: skip


def own(view: View) -> View:
    """A copy of what `hear` changes in place."""
    sums = view["sums"].copy()
    for name in ("rendition_ms", "plays", "covered", "active"):
        sums[name] = sums[name].copy()
    mine: View = {
        **view, "runs": [run.copy() for run in view["runs"]], "sums": sums, "words": view["words"].copy()
    }  # fmt: skip
    if "served" in view:
        served = view["served"]
        renditions = {
            name: {**one, "covered": one["covered"].copy()} for name, one in served["renditions"].items()
        }
        mine["served"] = {**served, "active": served["active"].copy(), "renditions": renditions}  # type: ignore[typeddict-item]
    return mine


def reported_ms(event: Event) -> int:
    """When the report came to the gateway, milliseconds since 1970."""
    if event.type == BEATS_REPORTED:
        received_ms: int = event.data["received_at_ms"]
        return received_ms
    at_ms: int = max(segment["at_ms"] for segment in event.data["segments"])
    return at_ms


def hear(view: View, event: Event) -> bool:
    """Add a report to `view`; whether it told anything new.

    Gateways keep everything in its range. Raises ValueError for what is not: no column could hold it.
    """
    data, before = event.data, _extremes(view)
    if event.type == BEATS_REPORTED:
        told = _beats(view, data["beats"])
        rank, source = [0, min(map(_by_number, data["beats"])), data["received_at_ms"]], data["source"]
    else:
        told = add_segments(view, data["segments"])
        rank, source = [1, 0, reported_ms(event)], "cmcd1"
    # Of a session that moves on, the first report says who it is; of two that say they are, one by its words.
    if not view["rank"] or rank <= view["rank"]:
        who = {**{name: data[name] for name in _WHO}, "source": source}
        if rank != view["rank"] or _said(who) < _said(view["who"]):
            view["rank"], view["who"] = rank, who
    words = view["words"]
    for name in _WORDS:  # the first report that knows it at all
        word = data[name]
        if word and (name not in words or [rank, word] < words[name]):
            words[name] = [rank, word]
    view["film_ms"] = max(view["film_ms"] or 0, data["film_ms"] or 0) or None
    view["owner_id"] = max(view["owner_id"], data["owner_id"])
    return told or before != _extremes(view)


def _extremes(view: View) -> tuple[Any, ...]:
    """What a report can change without a beat that is new."""
    return (
        view["begun_ms"], view["last_ms"], view["shift_ms"], view["rank"], view["who"], view["film_ms"],
        view["owner_id"], view["sums"]["full"], view["words"].copy(), view.get("served", {}).get("full"),
    )  # fmt: skip


def _said(who: dict[str, Any]) -> list[str]:
    return [str(value) for value in who.values()]


def _beats(view: View, beats: list[dict[str, Any]]) -> bool:
    before = view["beats"]
    runs, sums = view["runs"], view["sums"]
    begun, last, shift = view["begun_ms"], view["last_ms"], view["shift_ms"]
    start, frame, farthest = view["start_ts"], view["frame_ts"], view["max_playhead_ms"]
    for beat in sorted(beats, key=_by_number):
        sn, ts, at = beat["sn"], beat["ts_ms"], beat["at_ms"]
        state, kind, playhead = beat["state"], beat["kind"], beat["playhead_ms"]
        if at < begun:
            begun = at
        if at > last:
            last = at
        if at - ts < shift:
            shift = at - ts
        rate, kbps = beat["rate"], beat["bitrate_kbps"]
        if not (
            sn >= 0 <= ts <= FAR_MS
            and 0 <= at <= FAR_MS
            and 0 <= (playhead or 0) <= FARTHEST_MS
            and 0 < rate <= MOST_RATE
            and (kbps or 0) >= 0
        ):
            raise ValueError(f"beat {sn} is not in its range: {beat}")
        known = (sn, ts, state, playhead, rate, beat["rendition"], kbps, kind)
        added = add_beat(runs, sums, known)
        if not added.new:
            if added.full:
                sums["full"] = True
            continue
        view["beats"] += 1
        if beat["clamped"]:
            view["clamped"] += 1
        if playhead is not None and playhead > farthest:
            farthest = playhead
        if state == "ended":
            view["finished"] = True
        elif state == "failed":
            if view["fatal"] is None or sn < view["fatal"][0]:
                view["fatal"] = [sn, beat["error"]]
        elif state == "playing" or kind == "first_frame":
            if frame is None or ts < frame:
                frame = ts
        elif (state == "starting" or kind == "start") and (start is None or ts < start):
            start = ts
        stalled, stalls = beat["stalled_total_ms"], beat["stalls_total"]
        dropped = beat["dropped_frames_total"]
        if stalled or stalls or dropped:
            counters, said = view["counters"], (stalled or 0, stalls or 0, dropped or 0)
            if said[0] > counters[0] or said[1] > counters[1] or said[2] > counters[2]:
                view["counters"] = [max(pair) for pair in zip(counters, said, strict=True)]
    view["begun_ms"], view["last_ms"], view["shift_ms"] = begun, last, shift
    view["start_ts"], view["frame_ts"], view["max_playhead_ms"] = start, frame, farthest
    return view["beats"] > before
