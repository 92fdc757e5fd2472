"""What the time between two beats was. Pure.

A beat says what the player does from then on, so the time up to the next one belongs to the first's state.
Definitions are those of CTA-2066, "Streaming Quality of Experience Events, Properties and Metrics": time
watched is all but pauses; a stall is waiting after the start that no seek caused.
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

NO_STALL: Final = (0, 0)


def plays_on(beat: Beat) -> bool | None:
    """Whether waiting after this beat is a stall; None: it is what it would have been before the beat.

    From a start or a seek on waiting is theirs, until the player plays, or shows its first frame.
    """
    state, kind = beat[2], beat[7]
    if kind == "seek" or state == "seeking" or state == "starting":
        return False
    return True if state == "playing" or kind == "first_frame" else None


def add_step(sums: Sums, a: Beat, b: Beat, most_ms: int) -> tuple[int, int]:
    """Add what happened from beat `a` to `b`, the next one that is known; at most `most_ms` of it counts.

    Gives how long it rebuffered and how often that began: what was up to `a` says whether these are stalls.
    """
    _, begin, state, playhead, rate, rendition, kbps, _ = a
    _, end, then, reached, _, rendition_then, _, kind = b
    sought = kind == "seek" or then == "seeking"
    spent = end - begin
    if spent < 0:
        spent = 0  # the player's clock was put back
    elif spent > most_ms:
        spent = most_ms
    if sought and state != "seeking":
        sums["seeks"] += 1
    begun = 1 if then == "rebuffering" and state != "rebuffering" and not sought else 0
    if begun and kind == "first_frame":
        sums["stalls"] += 1
        begun = 0
    if rendition_then != rendition and rendition and rendition_then:
        sums["switches"] += 1
    if state not in WATCHED or not spent:
        return (0, begun) if begun else NO_STALL
    sums["watched_ms"] += spent
    active = sums["active"]
    if active and active[-1] == begin:  # as nearly always: said here, a call of `add` is saved
        active[-1] = begin + spent
    elif not add(active, begin, begin + spent):
        sums["full"] = True
    if state == "playing":
        sums["playing_ms"] += spent
        if rendition:
            _shown(sums["rendition_ms"], rendition, spent)
        if kbps is not None:
            sums["kbps_ms"] += kbps * spent
            sums["bitrate_ms"] += spent
        # A seek's playhead is where it goes: how far playing had come the clock alone knows.
        _played(sums, playhead, None if sought else reached, int(spent * rate))
    return (spent if state == "rebuffering" else 0), begun


def _shown(by_name: dict[str, int], rendition: str, spent: int) -> None:
    """Of too many names the first stay: one that is last of the known is never among the first of all."""
    by_name[rendition] = by_name.get(rendition, 0) + spent
    if len(by_name) > MOST_RENDITIONS:
        del by_name[max(by_name)]


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
    elif not add(covered, begin, end):
        sums["full"] = True
    plays = sums["plays"]
    if len(plays) < MOST_CHANGES:
        change(plays, (begin + 500) // 1000, (end + 500) // 1000)
    else:
        sums["full"] = True
