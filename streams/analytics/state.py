"""What is remembered of a playback session while it lasts. Pure.

Everything in it is a function of the set of beats that were heard, not of the order in which they came:
minima, maxima, unions, and sums over steps between beats of consecutive numbers, each of which is added once,
when the second of its two beats is heard. An ordinary session is about 700 bytes. Bounds far from what
players do keep a hostile one small. Of renditions the first by name are kept: that is a function of the set.
Which beats and ranges are left out beyond the bounds does depend on the order, since what a later beat would
have joined cannot be known before; such a session is marked (`full`), and shown as `approximate`. Of one that
is not marked, nothing was left out.

Of two beats of one number with different content the first that is heard counts. Players that keep to what
the guide says send none: a beat's content is what they said, whenever and with whichever others they say it
(`gateways.analytics.beats`). One that lies confuses its own session alone, whose number nobody else has.
"""

from __future__ import annotations

from typing import Any, Final, NotRequired, TypedDict

from streams.analytics.spans import Spans

# A beat as steps need it: (sn, ts_ms, state, playhead_ms, rate, rendition, bitrate_kbps, kind).
Beat = tuple[int, int, str, int | None, float, str, int | None, str]
# Consecutive ones: [first Beat, last Beat, whether it had played since a start or seek by its end (None: as
# before the run), how long and how often it waited at its head, before the first beat that tells].
Run = list[Any]

MOST_CHANGES: Final = 2000  # in plays; a range that would add to them is left out
MOST_RENDITIONS: Final = 32  # the first by name
FARTHEST_MS: Final = 30 * 86_400_000  # of a film
FAR_MS: Final = 4_102_444_800_000  # 2100-01-01: no time is later


class Sums(TypedDict):
    """Added up over steps."""

    watched_ms: int
    playing_ms: int
    media_ms: int
    stalled_ms: int
    stalls: int
    seeks: int
    switches: int
    kbps_ms: int  # bit rate times playing time
    bitrate_ms: int
    rendition_ms: dict[str, int]
    plays: dict[str, int]  # second of the film -> change
    covered: Spans  # of the film, milliseconds
    active: Spans  # by the player's clock, milliseconds
    full: bool  # something was left out


class Segments(TypedDict):
    """What of a rendition was asked for."""

    asked: str  # bit n is segment n; hexadecimal
    starved: str  # those that an empty buffer waited for
    covered: Spans
    kbps: int  # highest bit rate that was said


class Served(TypedDict):
    """What segment requests with CMCD said."""

    renditions: dict[str, Segments]
    begun_ms: int  # by our clock, as all of it
    last_ms: int
    active: Spans
    full: bool  # something was left out


class View(TypedDict):
    """The decider's document of one session. None: never heard of, or over for long."""

    heard_ms: int  # when the newest report was put on the log
    rank: list[Any]  # of the report that `who` is from: the lowest
    who: dict[str, Any]  # who watches what with what
    words: dict[str, list[Any]]  # of `who`, what a report may not know: [rank, word] of the lowest that does
    owner_id: str
    film_ms: int | None
    runs: list[Run]  # by number
    beats: int
    clamped: int
    begun_ms: int  # by our clock
    last_ms: int
    shift_ms: int  # what brings the player's clock to ours
    start_ts: int | None  # by the player's clock: first frame asked for
    frame_ts: int | None  # first frame shown
    finished: bool
    fatal: list[Any] | None  # [sn, code] of the first
    max_playhead_ms: int
    counters: list[int]  # highest said: stalled_ms, stalls, dropped frames
    sums: Sums
    served: NotRequired[Served]
    held: NotRequired[bool]  # known by returned dead letters alone: it may be settled
    day: NotRequired[int]  # that its measure was last put under


def no_sums() -> Sums:
    return {
        "watched_ms": 0, "playing_ms": 0, "media_ms": 0, "stalled_ms": 0, "stalls": 0, "seeks": 0,
        "switches": 0, "kbps_ms": 0, "bitrate_ms": 0, "rendition_ms": {}, "plays": {}, "covered": [],
        "active": [], "full": False,
    }  # fmt: skip
