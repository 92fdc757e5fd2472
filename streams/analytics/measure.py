"""A session's measure: what its state says, in numbers that can be added up over sessions. Pure.

Formulas after CTA-2066 and, where players count themselves, CMCD (CTA-5004-B): `docs/guides/analytics.md` has
them as a table. Everything is a sum, a count or a flag of this session; ratios are for who asks.
"""

from __future__ import annotations

from typing import Any, Final

from streams.analytics.runs import with_gaps
from streams.analytics.segments import count, sums_of
from streams.analytics.spans import changes, length, touched
from streams.analytics.state import FARTHEST_MS, Sums, View

ENGAGED_MS: Final = 10_000
SHORT_MS: Final = 20_000  # of a film under this, half of it is enough
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
SHORTEST_STALL_MS: Final = 100  # players count no shorter ones
MOST_STARTUP_MS: Final = DAY_MS


def measure(view_id: str, view: View) -> dict[str, Any]:
    """The data of ViewMeasured, without `moved_from_day`."""
    beats, served = view["beats"], view.get("served")
    if served is not None and not beats:
        sums, begun_ms, last_ms, shift_ms = sums_of(served), served["begun_ms"], served["last_ms"], 0
        started, state, plays = bool(sums["covered"]), "playing", changes(sums["covered"], 1000)
    else:
        sums, begun_ms, last_ms = with_gaps(view["runs"], view["sums"]), view["begun_ms"], view["last_ms"]
        started, state, plays = view["frame_ts"] is not None, view["runs"][-1][1][2], sums["plays"]
        shift_ms = view["shift_ms"]
    stalled_ms, stalls, dropped = view["counters"]
    film_ms, fatal = view["film_ms"], view["fatal"]
    media_ms = sums["media_ms"]
    engaged = media_ms >= ENGAGED_MS or (
        film_ms is not None and film_ms < SHORT_MS and 0 < film_ms <= 2 * media_ms
    )
    against = _against(view, started)
    return {
        "view_id": view_id,
        "revision": beats + (count(served) if served is not None else 0),
        **view["who"],
        **{name: word for name, (_, word) in view["words"].items()},
        "owner_id": view["owner_id"],
        "film_ms": film_ms,
        "started_at_ms": begun_ms,
        "last_at_ms": last_ms,
        "startup_ms": _startup_ms(view),
        "started": started,
        "engaged": engaged,
        "failed": fatal is not None,
        "error": fatal[1] if fatal is not None else "",
        "exited_before_start": not started and fatal is None,
        "finished": view["finished"],
        **_times(sums, film_ms),
        # What a player counts itself is believed as far as the time that it was watched allows.
        "stalled_ms": max(sums["stalled_ms"], min(stalled_ms, sums["watched_ms"])),
        "stalls": max(sums["stalls"], min(stalls, sums["watched_ms"] // SHORTEST_STALL_MS)),
        "seeks": sums["seeks"],
        "switches": sums["switches"],
        "kbits": sums["kbps_ms"] // 1000,
        "bitrate_ms": sums["bitrate_ms"],
        "rendition_ms": sums["rendition_ms"],
        "dropped_frames": dropped,
        "max_playhead_ms": min(view["max_playhead_ms"], film_ms or FARTHEST_MS),
        "plays": _up_to(plays, film_ms),
        "coverage": _up_to(changes(sums["covered"], 1000), film_ms),
        # A player that changes its clock while it plays would put minutes anywhere.
        "active": touched(sums["active"], MINUTE_MS, shift_ms, begun_ms, last_ms + MINUTE_MS),
        "state": state,
        "counted": not against,
        "reasons": _reasons(against, engaged, sums["full"]),
        "clamped": view["clamped"],
        "gaps": max(0, len(view["runs"]) - 1),
    }


def _reasons(against: list[str], engaged: bool, full: bool) -> list[str]:
    found = [*against]
    if not engaged:
        found.append("too_short")
    if full:
        found.append("approximate")
    return sorted(found)


def _up_to(curve: dict[str, int], film_ms: int | None) -> dict[str, int]:
    """Changes by second, those beyond the film's end put to it: a player that lies makes no curve longer."""
    end = -(-film_ms // 1000) if film_ms else None
    if end is None or all(int(second) <= end for second in curve):
        return curve
    found: dict[str, int] = {}
    for second, more in curve.items():
        at = str(min(int(second), end))
        found[at] = found.get(at, 0) + more
    return {second: more for second, more in found.items() if more}


def _times(sums: Sums, film_ms: int | None) -> dict[str, int]:
    times = {name: sums[name] for name in ("watched_ms", "playing_ms", "media_ms")}
    return {**times, "covered_ms": length(sums["covered"], film_ms)}


def _startup_ms(view: View) -> int | None:
    """From the first wish to play to the first frame; none where either is unknown."""
    start, frame = view["start_ts"], view["frame_ts"]
    if start is None or frame is None or frame < start:
        return None
    return min(frame - start, MOST_STARTUP_MS)


def _against(view: View, started: bool) -> list[str]:
    """What keeps it from being counted as a view."""
    found = []
    if view["who"]["bot"]:
        found.append("bot")
    if not started:
        found.append("no_first_frame")
    if view["film_ms"] is None:
        found.append("unknown_video")
    return found
