"""What can be asked of playback sessions: each measure with its unit, its meaning and its formula.

Formulas are over rows of `analytics_views` (schemas.analytics.tables) and count those that are `kept`: a
name that the query gives to what its filters say of robots. A condition in each sum is cheaper than a group
of those that are left out, by up to a third of a query. All are sums, divided last: a share of many views is
no mean of shares. Definitions follow CTA-2066 where it has them. What would be divided by nothing is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.analytics.views import WATCHED_MS

PEOPLE: Final = "people"
VIEWER_BITS: Final = 14
VIEWER_ERROR: Final = 1.04 / 2 ** (VIEWER_BITS / 2)
"""Standard error of HyperLogLog with 2^14 registers: 0.8 %."""


class Measure(NamedTuple):
    """`formula` is ClickHouse's. `adds`: it is a sum, so nothing at all is 0 and not null."""

    unit: str
    about: str
    formula: str
    adds: bool = True


def _count(condition: str) -> str:
    return f"countIf(kept AND {condition})"


def _sum(column: str) -> str:
    return f"sumIf({column}, kept)"


def _reached(percent: int) -> Measure:
    return Measure(
        "views",
        f"views of which at least {percent} % of the film's length was played, each second counted once",
        _count(f"counted AND covered_ms * 100 >= film_ms * {percent}"),
    )


def _share(about: str, part: str, whole: str) -> Measure:
    return Measure("share, 0-1", about, _divided(part, whole), adds=False)


def _divided(part: str, whole: str) -> str:
    return f"if({whole} = 0, NULL, {part} / {whole})"


_SESSIONS: Final = "countIf(kept)"
_VIEWS: Final = _count("counted")
# One that still starts has not left: it has when nothing was heard for as long as it counts as watched.
_EXITS: Final = _count(
    f"exited_before_start AND last_at_ms < toUnixTimestamp64Milli(now64(3)) - {WATCHED_MS}"
)
MEASURES: Final[Mapping[str, Measure]] = {
    "views": Measure("views", "sessions that showed a first frame, autoplay included", _VIEWS),
    "engaged_views": Measure(
        "views", "views with 10 s played, or half of a film under 20 s", _count("counted AND engaged")
    ),
    "sessions": Measure("sessions", "attempts to play, those that showed nothing included", _SESSIONS),
    "viewers": Measure(
        PEOPLE,
        "different viewers of views, estimated by HyperLogLog (2^14 registers: standard error "
        f"{VIEWER_ERROR:.1%}, small numbers exact). A viewer is an account, or an anonymous id in one "
        "browser; who asked not to be tracked is in `views` and not here",
        f"uniqCombined64If({VIEWER_BITS})(viewer_hash, kept AND counted AND viewer_hash != 0)",
    ),
    "watched_ms": Measure(
        "ms", "wall clock with startup, stalls and seeks, without pauses", _sum("watched_ms")
    ),
    "playing_ms": Measure("ms", "wall clock of playing", _sum("playing_ms")),
    "media_ms": Measure("ms", "media played; what was played twice counts twice", _sum("media_ms")),
    "stalled_ms": Measure("ms", "rebuffering after the start, seeks left out", _sum("stalled_ms")),
    "stalls": Measure("times", "how often playback stalled", _sum("stalls")),
    "seeks": Measure("times", "how often viewers sought", _sum("seeks")),
    "switches": Measure("times", "changes of the rendition", _sum("switches")),
    "dropped_frames": Measure("frames", "frames that were not shown", _sum("dropped_frames")),
    "finished_views": Measure(
        "views", "views that reached the end, however they got there", _count("counted AND finished")
    ),
    "completed_views": _reached(90),
    **{f"reached_{percent}": _reached(percent) for percent in (25, 50, 75, 95)},
    "failures": Measure("sessions", "sessions that a fatal error ended", _count("failed")),
    "start_failures": Measure(
        "sessions", "those that failed before a first frame", _count("failed AND NOT started")
    ),
    "exits_before_start": Measure(
        "sessions",
        f"sessions left before a first frame, without an error: silent for {WATCHED_MS // 1000} s",
        _EXITS,
    ),
    "engaged_rate": _share("engaged views of all views", _count("counted AND engaged"), _VIEWS),
    "finished_rate": _share("views that reached the end", _count("counted AND finished"), _VIEWS),
    "completion_rate": _share(
        "views with 90 % of the film played", _count("counted AND covered_ms * 100 >= film_ms * 90"), _VIEWS
    ),
    "failure_rate": _share("sessions that failed", _count("failed"), _SESSIONS),
    "exit_rate": _share("sessions left before the start", _EXITS, _SESSIONS),
    "stalled_share": _share("stalled_ms of watched_ms", _sum("stalled_ms"), _sum("watched_ms")),
    "stalled_views_rate": _share("views that stalled", _count("counted AND stalls > 0"), _VIEWS),
    "average_playing_ms": Measure(
        "ms", "playing_ms of a view, on average", _divided(_sum("playing_ms"), _VIEWS), adds=False
    ),
    "stalls_per_hour": Measure(
        "times an hour", "stalls in an hour of playing",
        _divided(f"{_sum('stalls')} * 3600000", _sum("playing_ms")),
        adds=False,
    ),
    "bitrate_kbps": Measure(
        "kbit/s", "bit rate by playing time, where players told it",
        _divided(f"{_sum('kbits')} * 1000", _sum("bitrate_ms")), adds=False,
    ),
    **{
        f"startup_{name}_ms": Measure(
            "ms",
            f"{words} of the time to the first frame, of sessions that showed one; above 1,024 ms in steps "
            "of 16 ms, at most 30 s",
            f"quantilesTimingIf(0.5, 0.95)(startup_ms, kept)[{place}]",
            adds=False,
        )
        for name, words, place in (("median", "median", 1), ("p95", "95th percentile", 2))
    },
}  # fmt: skip
LARGE: Final = frozenset(("viewers", "startup_median_ms", "startup_p95_ms"))
"""Measures of which ClickHouse keeps much for each group: kilobytes, not a number."""
DEFAULT: Final = ("views", "engaged_views", "viewers", "playing_ms")

OF_RENDITION: Final[Mapping[str, Measure]] = {
    "views": Measure("views", "views that played some of it in this rendition", _VIEWS),
    "viewers": MEASURES["viewers"],
    "playing_ms": Measure("ms", "wall clock of playing this rendition", _sum("rendition_time")),
}
"""What can be asked by rendition: a view may have played several, so most sums would be no one's."""
