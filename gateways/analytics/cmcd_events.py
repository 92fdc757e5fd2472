"""Lines of CMCD's event mode (CTA-5004-B) as beats: what hls.js, shaka-player and dash.js send by themselves.

hls.js 1.7 and shaka-player 5.2 send no playhead (`pt`): of their sessions the place in the film comes from
the segments they ask for, where they name the same session.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from gateways.core import cmcd
from gateways.core.cmcd import CmcdInvalid, Record

KINDS: Final = {"ps": "state", "t": "interval", "bc": "bitrate", "e": "error", "sk": "seek"}
STATES: Final = {
    "s": "starting",
    "p": "playing",
    "k": "seeking",
    "r": "rebuffering",
    "a": "paused",
    "w": "waiting",
    "e": "ended",
    "f": "failed",
    "d": "preloading",
}
QUIT: Final = "q"
_TOTALS: Final = (
    ("playhead_ms", "pt"),
    ("rate", "pr"),
    ("bitrate_kbps", "br"),
    ("stalled_total_ms", "bsda"),
    ("stalls_total", "bsa"),
    ("dropped_frames_total", "dfa"),
)


class Spoken(NamedTuple):
    """One line: of which session and film, by what kind of player, and its beat for `beats.checked`."""

    sid: str
    asset: str
    player: str
    beat: dict[str, Any]


def spoken(line: str) -> Spoken:
    """Raises CmcdInvalid. What is missing in the beat itself is its check's affair."""
    record = cmcd.parse(line)
    sid, asset = cmcd.text(record, "sid"), cmcd.text(record, "cid")
    if not sid or not asset:
        raise CmcdInvalid("an event names its session (`sid`) and its film (`cid`)")
    return Spoken(sid, asset, cmcd.player(record), _beat(record))


def _beat(record: Record) -> dict[str, Any]:
    event, state = cmcd.text(record, "e"), cmcd.text(record, "sta")
    beat: dict[str, Any] = {
        "sn": record.get("sn"),
        "ts_ms": record.get("ts"),
        # Who closes the player neither plays on nor has seen the end.
        "kind": "end" if state == QUIT else KINDS.get(event, "other"),
        "state": "paused" if state == QUIT else STATES.get(state, "other"),
        "error": cmcd.text(record, "ec"),
    }
    for name, key in _TOTALS:
        found = cmcd.number(record, key)
        if found is not None and (name != "rate" or found > 0):  # `pr=0` says that it does not play now
            beat[name] = found
    return beat
