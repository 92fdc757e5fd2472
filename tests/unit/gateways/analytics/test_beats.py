"""Beats with whatever in them: they fit their schema, and say what was brought into its range."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.analytics.beats import DAY_MS, LAST_TS_MS, LONGEST_FILM_MS, checked
from gateways.analytics.cmcd_events import spoken
from gateways.core.cmcd import CmcdInvalid
from schemas.wire import codec

NOW_MS = 1_800_000_000_000
YEAR_MS = 365 * DAY_MS


def one(**fields: Any) -> Any:
    sent = {"sn": 0, "state": "playing", "ts_ms": NOW_MS, "kind": "state", **fields}
    beats, refused = checked([sent], NOW_MS)
    assert refused == []
    return beats[0]


def test_a_beat_as_it_should_be_is_left_as_it_is() -> None:
    beat = one(
        playhead_ms=1500, rate=1.5, rendition="720p", bitrate_kbps=2900, stalled_total_ms=10, stalls_total=1,
        dropped_frames_total=2, error="e",
    )  # fmt: skip
    assert beat == {
        "sn": 0, "ts_ms": NOW_MS, "at_ms": NOW_MS, "kind": "state", "state": "playing", "playhead_ms": 1500,
        "rate": 1.5, "rendition": "720p", "bitrate_kbps": 2900, "stalled_total_ms": 10, "stalls_total": 1,
        "dropped_frames_total": 2, "error": "e", "clamped": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("playhead_ms", -5, 0),
        ("playhead_ms", 1e300, LONGEST_FILM_MS),
        ("playhead_ms", "12", None),
        ("playhead_ms", True, None),
        ("playhead_ms", math.nan, None),
        ("playhead_ms", math.inf, LONGEST_FILM_MS),
        ("rate", 0, 0.0625),
        ("rate", -1, 0.0625),
        ("rate", 99, 16.0),
        ("rate", [], 1.0),
        ("rendition", 5, ""),
        ("rendition", "x" * 65, "x" * 64),
        ("rendition", "a\x00b", "ab"),
        ("error", "\n", ""),
        ("bitrate_kbps", -1, 0),
        ("bitrate_kbps", 10**15, 1_000_000),
        ("stalled_total_ms", -1, 0),
        ("stalls_total", 2**40, 2**31 - 1),
        ("dropped_frames_total", -3, 0),
        ("kind", "dance", "other"),
        ("kind", {}, "other"),
        ("ts_ms", -1, 0),
        ("ts_ms", 10**18, LAST_TS_MS),
    ],
)
def test_what_is_out_of_its_range_is_brought_in_and_named(field: str, sent: Any, kept: Any) -> None:
    beat = one(**{field: sent})
    assert beat[field] == kept
    assert beat["clamped"] == [field]
    codec().encode("kinolog.analytics.BeatsReported", _event(beat))


@pytest.mark.parametrize("off_ms", [0, YEAR_MS, -YEAR_MS, 5 * YEAR_MS])
def test_a_clock_that_is_off_keeps_both_times(off_ms: int) -> None:
    sent = [
        {"sn": sn, "state": "playing", "kind": "interval", "ts_ms": NOW_MS + off_ms - (3 - sn) * 10_000}
        for sn in range(4)
    ]
    beats, _ = checked(sent, NOW_MS)
    assert [beat["ts_ms"] - NOW_MS - off_ms for beat in beats] == [-30_000, -20_000, -10_000, 0]
    assert [beat["at_ms"] - NOW_MS for beat in beats] == [-30_000, -20_000, -10_000, 0]
    assert all(beat["clamped"] == [] for beat in beats)


def test_a_clock_that_jumps_within_a_report_is_kept_and_moves_our_time_by_a_day_at_most() -> None:
    sent = [{"sn": 0, "state": "playing", "ts_ms": 5}, {"sn": 1, "state": "playing", "ts_ms": NOW_MS}]
    first, second = checked(sent, NOW_MS)[0]
    assert (first["ts_ms"], first["clamped"]) == (5, [])
    assert (second["ts_ms"], second["at_ms"]) == (NOW_MS, NOW_MS)
    assert first["at_ms"] == NOW_MS - DAY_MS


@pytest.mark.parametrize("ts_ms", [None, "now", True, math.nan, math.inf, [], {}])
def test_a_beat_without_a_time_is_refused(ts_ms: Any) -> None:
    """Sent again it would be another beat of the same number."""
    assert checked([{"sn": 0, "state": "playing", "ts_ms": ts_ms}], NOW_MS) == ([], [(0, "bad_ts")])


def _event(*beats: Any) -> dict[str, Any]:
    return {
        "view_id": "0" * 32, "asset_id": "a", "owner_id": "", "film_ms": None, "viewer": "", "source": "json",
        "player": "", "country": "", "device": "other", "os": "", "browser": "", "referrer": "", "bot": False,
        "received_at_ms": NOW_MS, "beats": list(beats),
    }  # fmt: skip


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
_FIELDS = (
    "sn", "ts_ms", "kind", "state", "playhead_ms", "rate", "rendition", "bitrate_kbps", "stalled_total_ms",
    "stalls_total", "dropped_frames_total", "error",
)  # fmt: skip
_PLAUSIBLE = st.fixed_dictionaries(
    {
        "sn": st.integers(0, 50),
        "state": st.sampled_from(["playing", "paused"]),
        "ts_ms": st.floats() | st.integers(-10, 2**64 - 1),
    },
    optional={name: _JSON for name in _FIELDS if name not in ("sn", "state", "ts_ms")},
)
_BEAT = st.one_of(_JSON, _PLAUSIBLE, st.dictionaries(st.sampled_from(_FIELDS), _JSON))


@given(st.lists(_BEAT, max_size=6))
def test_whatever_is_sent_each_beat_is_taken_or_refused_and_fits_the_schema(sent: list[Any]) -> None:
    beats, refused = checked(sent, NOW_MS)
    assert len(beats) + len(refused) == len(sent)
    codec().encode("kinolog.analytics.BeatsReported", _event(*beats))
    for beat in beats:
        assert abs(beat["at_ms"] - NOW_MS) <= DAY_MS
        assert 0.0625 <= beat["rate"] <= 16
        assert beat["playhead_ms"] is None or 0 <= beat["playhead_ms"] <= LONGEST_FILM_MS


@given(st.lists(_PLAUSIBLE, min_size=1, max_size=6))
def test_a_beat_is_the_same_in_whatever_company_and_whenever_it_is_sent(sent: list[Any]) -> None:
    together, refused = checked(sent, NOW_MS)
    alone = [made for one in sent for made in checked([one], NOW_MS + 9000)[0]]
    assert [{**beat, "at_ms": 0} for beat in together] == [{**beat, "at_ms": 0} for beat in alone]
    assert len(together) + len(refused) == len(sent)


@given(st.one_of(st.text(max_size=200), st.from_regex(r'sid="s",cid="a",(sn|ts|pt|pr|sta|e|ec)=[^,]{1,20}')))
def test_lines_become_beats_or_their_own_error(line: str) -> None:
    try:
        found = spoken(line)
    except CmcdInvalid:
        return
    beats, refused = checked([found.beat], NOW_MS)
    assert len(beats) + len(refused) == 1
    codec().encode("kinolog.analytics.BeatsReported", _event(*beats))


@pytest.mark.parametrize(
    ("line", "kind", "state"),
    [
        ("e=ps,sta=p", "state", "playing"),
        ("e=t,sta=r", "interval", "rebuffering"),
        ("e=bc,br=(800)", "bitrate", "other"),
        ('e=e,ec=("fragLoadError"),sta=f', "error", "failed"),
        ("e=ps,sta=q", "end", "paused"),
        ("e=ps,sta=e", "state", "ended"),
        ("e=m,sta=d", "other", "preloading"),
        ("e=rr,sta=zz", "other", "other"),
        ("e=ps,sta=a,pr=0", "state", "paused"),
    ],
)
def test_what_players_say_in_cmcd(line: str, kind: str, state: str) -> None:
    beat = spoken(f'cid="a",sid="s",sn=1,ts={NOW_MS},v=2,{line}').beat
    [made], _ = checked([beat], NOW_MS)
    assert (made["kind"], made["state"], made["clamped"]) == (kind, state, [])
