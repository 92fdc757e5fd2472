"""A session's measure the plain way: all of its beats sorted, gone through once, nothing kept cleverly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any

LOADING = {"starting", "seeking", "rebuffering", "waiting"}
KNOWN_MS, GAP_MS, SLACK_MS, FAR_MS = 300_000, 60_000, 1_000, 1 << 62


def measured(beats: Iterable[dict[str, Any]], film_ms: int | None) -> dict[str, Any]:
    """What can be compared of a measure; maps as what they stand for."""
    everything = list(beats)
    by_number: dict[int, dict[str, Any]] = {}
    for one in everything:
        by_number.setdefault(one["sn"], one)
    line = [by_number[sn] for sn in sorted(by_number)]
    steps = [(a, b, _spent(a, b)) for a, b in pairwise(line)]
    playing = [(a, b, ms) for a, b, ms in steps if a["state"] == "playing" and ms]
    played = [_range(a, b, ms) for a, b, ms in playing]
    stalling = _stalling(line)
    watched = [(a, ms) for a, _, ms in steps if a["state"] in LOADING | {"playing"}]
    shift = min(one["at_ms"] - one["ts_ms"] for one in everything)
    return {
        "revision": len(line),
        "watched_ms": sum(ms for _, ms in watched),
        "playing_ms": sum(ms for _, _, ms in playing),
        "stalled_ms": sum(ms for a, _, ms in steps if a["state"] == "rebuffering" and a["sn"] in stalling),
        "stalls": sum(_stalls(a, b) for a, b in pairwise(line) if b["sn"] in stalling),
        "seeks": sum(_seeks(b) and a["state"] != "seeking" for a, b in pairwise(line)),
        "switches": sum(
            bool(a["rendition"] and b["rendition"] and a["rendition"] != b["rendition"])
            for a, b in pairwise(line)
        ),
        "kbits": sum(ms * a["bitrate_kbps"] for a, _, ms in playing if a["bitrate_kbps"] is not None) // 1000,
        "bitrate_ms": sum(ms for a, _, ms in playing if a["bitrate_kbps"] is not None),
        "rendition_ms": _by_rendition(playing),
        "media_ms": sum(ms for _, _, ms in played),
        "covered_ms": len(_union((f, min(t, film_ms or t)) for f, t, _ in played if f is not None)),
        "plays": _plays((f, t) for f, t, _ in played if f is not None)
        if film_ms is None
        else {
            second: n
            for second, n in _plays((f, t) for f, t, _ in played if f is not None).items()
            if second * 1000 < film_ms
        },
        "active": {minute for a, ms in watched if ms for minute in _minutes(a["ts_ms"] + shift, ms)},
        "started_at_ms": min(one["at_ms"] for one in everything),
        "last_at_ms": max(one["at_ms"] for one in everything),
        "gaps": sum(b["sn"] > a["sn"] + 1 for a, b in pairwise(line)),
        "max_playhead_ms": min(max(one["playhead_ms"] or 0 for one in line), film_ms or FAR_MS),
        "finished": any(one["state"] == "ended" for one in line),
    }


def comparable(measure: dict[str, Any]) -> dict[str, Any]:
    """The same of a ViewMeasured."""
    names = set(measured([{**_NOTHING}], None))
    found = {name: measure[name] for name in names}
    found["plays"] = {second: n for second, n in _running(measure["plays"]).items() if n}
    found["active"] = {minute for minute, n in _running(measure["active"]).items() if n}
    return found


_NOTHING = {
    "sn": 0, "ts_ms": 0, "at_ms": 0, "kind": "state", "state": "paused", "playhead_ms": None, "rate": 1.0,
    "rendition": "", "bitrate_kbps": None,
}  # fmt: skip


def _spent(a: dict[str, Any], b: dict[str, Any]) -> int:
    most = KNOWN_MS if b["sn"] == a["sn"] + 1 else GAP_MS
    return max(0, min(b["ts_ms"] - a["ts_ms"], most))


def _stalling(line: list[dict[str, Any]]) -> set[int]:
    """Beats after which waiting is a stall: it has played since the start, and since the last seek."""
    found, played = set(), False
    for one in line:
        if _seeks(one) or one["state"] == "starting":
            played = False
        elif one["state"] == "playing" or one["kind"] == "first_frame":
            played = True
        if played:
            found.add(one["sn"])
    return found


def _seeks(b: dict[str, Any]) -> bool:
    return b["kind"] == "seek" or b["state"] == "seeking"


def _stalls(a: dict[str, Any], b: dict[str, Any]) -> bool:
    seeks = _seeks(b) and a["state"] != "seeking"
    return b["state"] == "rebuffering" and a["state"] != "rebuffering" and not seeks


def _range(a: dict[str, Any], b: dict[str, Any], ms: int) -> tuple[int | None, int, int]:
    """(from, to, how much) of media."""
    expected = int(ms * a["rate"])
    begin, reached = a["playhead_ms"], None if _seeks(b) else b["playhead_ms"]
    if begin is None:
        return None, 0, expected
    ahead = reached is not None and begin <= reached <= begin + expected + SLACK_MS
    end = reached if ahead else begin + expected
    return begin, end, end - begin


def _by_rendition(playing: list[tuple[dict[str, Any], dict[str, Any], int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for a, _, ms in playing:
        if a["rendition"]:
            found[a["rendition"]] += ms
    return dict(found)


def _union(ranges: Iterable[tuple[int, int]]) -> set[int]:
    """Every millisecond."""
    return {ms for begin, end in ranges for ms in range(begin, end)}


def _plays(ranges: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for begin, end in ranges:
        found.update(range((begin + 500) // 1000, (end + 500) // 1000))
    return dict(found)


def _minutes(begin_ms: int, ms: int) -> range:
    return range(begin_ms // 60_000, (begin_ms + ms - 1) // 60_000 + 1)


def _running(changes: dict[str, int]) -> dict[int, int]:
    """Every unit between the first change and the last to its running sum."""
    if not changes:
        return {}
    units = range(min(map(int, changes)), max(map(int, changes)) + 1)
    return dict(zip(units, accumulate(changes.get(str(unit), 0) for unit in units), strict=True))
