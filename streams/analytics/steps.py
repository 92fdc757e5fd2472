"""What the time between two beats was. Pure.

A beat says what the player does from then on, so the time up to the next one belongs to the first's state.
Definitions are those of CTA-2066, "Streaming Quality of Experience Events, Properties and Metrics": time
watched is all but pauses; rebuffering is waiting after the start that no seek caused.
"""

from __future__ import annotations

from typing import Final

from streams.analytics.spans import add, change
from streams.analytics.state import MOST_CHANGES, MOST_RENDITIONS, Beat, Sums

KNOWN_MS: Final = 300_000  # of a step between consecutive beats counts at most: a player speaks more often
GAP_MS: Final = 60_000  # where beats are missing between the two
SLACK_MS: Final = 1_000  # a playhead may be ahead of the clock by so much, its steps are no seeks

# loading or playing: watched, for time and for the number of viewers
WATCHED: Final = frozenset(("starting", "playing", "seeking", "rebuffering", "waiting"))


def add_step(sums: Sums, a: Beat, b: Beat, most_ms: int) -> None:
    """Add what happened from beat `a` to `b`, the next one that is known; at most `most_ms` of it counts."""
    _, begin, state, playhead, rate, rendition, kbps, _ = a
    _, end, then, reached, _, rendition_then, _, sought = b
    spent = end - begin
    if spent < 0:
        spent = 0  # the player's clock was put back
    elif spent > most_ms:
        spent = most_ms
    if (sought or then == "seeking") and state != "seeking":
        sums["seeks"] += 1
    elif then == "rebuffering" and state != "rebuffering":
        sums["stalls"] += 1
    if rendition_then != rendition and rendition and rendition_then:
        sums["switches"] += 1
    if state not in WATCHED or not spent:
        return
    sums["watched_ms"] += spent
    active = sums["active"]
    if active and active[-1] == begin:  # as nearly always: said here, a call of `add` is saved
        active[-1] = begin + spent
    else:
        add(active, begin, begin + spent)
    if state == "playing":
        sums["playing_ms"] += spent
        if rendition:
            by_name = sums["rendition_ms"]
            if rendition in by_name or len(by_name) < MOST_RENDITIONS:
                by_name[rendition] = by_name.get(rendition, 0) + spent
        if kbps is not None:
            sums["kbps_ms"] += kbps * spent
            sums["bitrate_ms"] += spent
        # A seek's playhead is where it goes: how far playing had come the clock alone knows.
        _played(sums, playhead, None if sought or then == "seeking" else reached, int(spent * rate))
    elif state == "rebuffering":
        sums["stalled_ms"] += spent


def _played(sums: Sums, begin: int | None, reached: int | None, expected: int) -> None:
    """Media from `begin` on, as much as the clock allows, no farther than where the player was found then."""
    if begin is None:
        sums["media_ms"] += expected
        return
    end = begin + expected
    if reached is not None and begin <= reached <= end + SLACK_MS:
        end = reached
    sums["media_ms"] += end - begin
    covered = sums["covered"]
    if covered and covered[-1] == begin:
        covered[-1] = end
    else:
        add(covered, begin, end)
    plays = sums["plays"]
    if len(plays) < MOST_CHANGES:
        change(plays, (begin + 500) // 1000, (end + 500) // 1000)
