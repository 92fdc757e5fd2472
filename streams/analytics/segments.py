"""What segment requests with CMCD v1 (CTA-5004) say of a session that no player reports on. Pure.

They have no numbers in a session and no playhead, so what was asked for stands for what was played:
distinct media, each segment once, by rendition. A request that says `bs` (buffer starved) tells of one stall,
not of how long it was. All of it is sets and maxima, so repeats and order change nothing; an estimate it is.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.media.plan import AUDIO_RENDITION
from streams.analytics.spans import add
from streams.analytics.state import FAR_MS, MOST_RENDITIONS, Served, Sums, View, no_sums

MOST_SEGMENT: Final = 50_000  # highest number that counts: 28 hours of two seconds each


def add_segments(view: View, segments: list[dict[str, Any]]) -> bool:
    """Whether they tell anything new."""
    known = [segment for segment in segments if segment["cmcd"]]
    begun_ms, last_ms = (choose(segment["at_ms"] for segment in known) for choose in (min, max))
    if not 0 <= begun_ms <= last_ms <= FAR_MS:
        raise ValueError(f"segments are not in their range: {known}")
    served = view.setdefault(
        "served",
        {"renditions": {}, "begun_ms": begun_ms, "last_ms": last_ms, "active": [], "full": False},
    )
    before = served["begun_ms"], served["last_ms"]
    served["begun_ms"], served["last_ms"] = min(begun_ms, before[0]), max(last_ms, before[1])
    told = before != (served["begun_ms"], served["last_ms"])
    for segment in known:
        if not add(served["active"], segment["at_ms"], segment["at_ms"] + segment["duration_ms"]):
            served["full"] = True
        told |= _add(served, segment)
    return told


def _add(served: Served, segment: dict[str, Any]) -> bool:
    known = served["renditions"]
    name, number = segment["rendition"], segment["number"]
    if not 0 <= number <= MOST_SEGMENT or segment["start_ms"] < 0:
        return False
    own = known.get(name)
    if own is None:
        if len(known) >= MOST_RENDITIONS:
            served["full"] = True
            return False
        own = known[name] = {"asked": "0", "starved": "0", "covered": [], "kbps": 0}
    bit = 1 << number
    asked, starved = int(own["asked"], 16), int(own["starved"], 16)
    kbps = segment["bitrate_kbps"] or 0
    if asked & bit and (starved & bit or not segment["starved"]) and kbps <= own["kbps"]:
        return False
    own["asked"] = f"{asked | bit:x}"
    if segment["starved"]:
        own["starved"] = f"{starved | bit:x}"
    own["kbps"] = max(own["kbps"], kbps)
    if not add(own["covered"], segment["start_ms"], segment["start_ms"] + segment["duration_ms"]):
        served["full"] = True
    return True


def count(served: Served) -> int:
    """Distinct segments."""
    return sum(int(one["asked"], 16).bit_count() for one in served["renditions"].values())


def sums_of(served: Served) -> Sums:
    """The session as if each segment had been played once, from when it was asked for."""
    sums, known = no_sums(), served["renditions"]
    pictures = {name: own for name, own in known.items() if name != AUDIO_RENDITION} or known
    starved = 0
    for name, own in sorted(pictures.items()):
        covered = own["covered"]
        for begin, end in zip(covered[::2], covered[1::2], strict=True):
            if not add(sums["covered"], begin, end):
                sums["full"] = True
        spent = sum(covered[1::2]) - sum(covered[::2])
        sums["rendition_ms"][name] = spent
        if own["kbps"]:
            sums["kbps_ms"] += own["kbps"] * spent
            sums["bitrate_ms"] += spent
        starved |= int(own["starved"], 16)
    sums["stalls"] = starved.bit_count()
    sums["switches"] = len(pictures) - 1
    spent = sum(sums["covered"][1::2]) - sum(sums["covered"][::2])
    sums["watched_ms"] = sums["playing_ms"] = sums["media_ms"] = spent
    sums["active"] = served["active"]
    sums["full"] = sums["full"] or served["full"]
    return sums
