"""Every formula by sessions worked out by hand, after CTA-2066: read the table, add it up, compare."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.analytics.telling import FILM_MS, measured, report, session

Told = tuple[Any, ...]
START: dict[str, Any] = {"kind": "start"}
FRAME: dict[str, Any] = {"kind": "first_frame"}
SEEK: dict[str, Any] = {"kind": "seek"}
HD: dict[str, Any] = {"rendition": "1080p", "bitrate_kbps": 5000}
SHORT: dict[str, Any] = {"film_ms": 12_000}

# What happens: (second of the clock, state from then on, second of the film[, more]). What that makes.
SESSIONS: dict[str, tuple[dict[str, Any], list[Told], dict[str, Any]]] = {
    "60 s of film, 10 s of stall, 30 s of pause: 70 s watched": (
        {"film_ms": 60_000},
        [
            (0, "playing", 0, FRAME),
            (20, "rebuffering", 20),
            (30, "playing", 20),
            (40, "paused", 30),
            (70, "playing", 30),
            (100, "ended", 60),
        ],
        {
            "watched_ms": 70_000,
            "playing_ms": 60_000,
            "media_ms": 60_000,
            "covered_ms": 60_000,
            "stalled_ms": 10_000,
            "stalls": 1,
            "seeks": 0,
            "finished": True,
            "started": True,
            "counted": True,
            "engaged": True,
            "plays": {"0": 1, "60": -1},
            "coverage": {"0": 1, "60": -1},
            "startup_ms": None,
            "max_playhead_ms": 60_000,
            "gaps": 0,
            "reasons": [],
        },
    ),
    "startup is watched, but no stall": (
        {},
        [(0, "starting", 0, START), (2.5, "playing", 0, FRAME), (12.5, "paused", 10)],
        {"startup_ms": 2_500, "watched_ms": 12_500, "playing_ms": 10_000, "stalled_ms": 0, "stalls": 0},
    ),
    "what loads before anybody wants to play is no startup": (
        {},
        [(0, "preloading", 0), (60, "starting", 0, START), (61, "playing", 0, FRAME), (71, "paused", 10)],
        {"startup_ms": 1_000, "watched_ms": 11_000},
    ),
    "a player that says no first frame has shown it when it plays": (
        {},
        [(0, "starting"), (0.8, "playing", 0), (5.8, "paused", 5)],
        {"startup_ms": 800, "started": True, "playing_ms": 5_000},
    ),
    "seeking is watched, and neither played nor stalled": (
        {},
        [
            (0, "playing", 0, FRAME),
            (10, "seeking", 300, SEEK),
            (11, "seeking", 320, SEEK),
            (12, "playing", 320),
            (22, "paused", 330),
        ],
        {
            "watched_ms": 22_000,
            "playing_ms": 20_000,
            "media_ms": 20_000,
            "covered_ms": 20_000,
            "stalled_ms": 0,
            "seeks": 1,
            "plays": {"0": 1, "10": -1, "320": 1, "330": -1},
            "max_playhead_ms": 330_000,
        },
    ),
    "waiting directly after a seek is the seek's, until it plays again": (
        {},
        [
            (0, "playing", 0, FRAME),
            (10, "seeking", 300, SEEK),
            (11, "rebuffering", 300),
            (14, "paused", 300),
            (15, "rebuffering", 300),
            (16, "playing", 300),
            (26, "rebuffering", 310),
            (28, "playing", 310),
            (30, "paused", 312),
        ],
        {"watched_ms": 29_000, "stalled_ms": 2_000, "stalls": 1, "seeks": 1, "playing_ms": 22_000},
    ),
    "also of a player that says nothing but where it jumps to": (
        {},
        [
            (0, "playing", 0, FRAME),
            (10, "playing", 300, SEEK),
            (10.2, "rebuffering", 300),
            (13, "playing", 300),
            (23, "paused", 310),
        ],
        {"watched_ms": 23_000, "stalled_ms": 0, "stalls": 0, "seeks": 1},
    ),
    "waiting before the first frame is startup, whatever the player calls it": (
        {},
        [
            (0, "starting", 0, START),
            (1, "rebuffering", 0),
            (3, "playing", 0, FRAME),
            (13, "rebuffering", 10),
            (14, "playing", 10),
            (20, "paused", 16),
        ],
        {"startup_ms": 3_000, "watched_ms": 20_000, "stalled_ms": 1_000, "stalls": 1, "playing_ms": 16_000},
    ),
    "a player that never says it starts: waiting until the first frame is its start all the same": (
        {},
        [(0, "rebuffering", 0), (2, "playing", 0, FRAME), (12, "paused", 10)],
        {"watched_ms": 12_000, "stalled_ms": 0, "stalls": 0, "startup_ms": None},
    ),
    "a first frame that is shown before it plays ends the start": (
        {},
        [(0, "starting", 0, START), (1, "rebuffering", 0, FRAME), (3, "playing", 0), (13, "paused", 10)],
        {"startup_ms": 1_000, "stalled_ms": 2_000, "stalls": 1, "watched_ms": 13_000},
    ),
    "what is seen twice is played twice and covered once": (
        {},
        [(0, "playing", 0, FRAME), (20, "playing", 10, SEEK), (30, "paused", 20)],
        {
            "media_ms": 30_000,
            "covered_ms": 20_000,
            "seeks": 1,
            "plays": {"0": 1, "10": 1, "20": -2},
            "coverage": {"0": 1, "20": -1},
        },
    ),
    "at twice the speed the film goes twice as far as the clock": (
        {},
        [(0, "playing", 0, {"kind": "first_frame", "rate": 2.0}), (10, "paused", 20)],
        {"playing_ms": 10_000, "media_ms": 20_000, "covered_ms": 20_000},
    ),
    "a playhead that is not told: media by the clock, no curve": (
        {},
        [(0, "playing", None, FRAME), (10, "paused")],
        {"playing_ms": 10_000, "media_ms": 10_000, "covered_ms": 0, "plays": {}, "coverage": {}},
    ),
    "a playhead that jumps without a seek was not played through": (
        {},
        [(0, "playing", 0, FRAME), (10, "playing", 500), (20, "paused", 510)],
        {"media_ms": 20_000, "plays": {"0": 1, "10": -1, "500": 1, "510": -1}},
    ),
    "bit rate times time, by rendition": (
        {},
        [(0, "playing", 0, FRAME), (10, "playing", 10, HD), (30, "paused", 30, HD)],
        {
            "kbits": 10 * 2_000 + 20 * 5_000,
            "bitrate_ms": 30_000,
            "switches": 1,
            "rendition_ms": {"720p": 10_000, "1080p": 20_000},
        },
    ),
    "a fatal error": (
        {},
        [(0, "starting", 0, START), (3, "failed", None, {"kind": "error", "error": "drm-7"})],
        {
            "failed": True,
            "error": "drm-7",
            "started": False,
            "exited_before_start": False,
            "counted": False,
            "reasons": ["no_first_frame", "too_short"],
            "startup_ms": None,
            "watched_ms": 3_000,
        },
    ),
    "an error that it survives ends nothing": (
        {},
        [(0, "playing", 0, FRAME), (5, "playing", 5, {"kind": "error", "error": "net"}), (9, "paused", 9)],
        {"failed": False, "error": "", "playing_ms": 9_000},
    ),
    "who leaves before the first frame": (
        {},
        [(0, "starting", 0, START), (4, "starting", 0, {"kind": "end"})],
        {"exited_before_start": True, "started": False, "failed": False, "startup_ms": None},
    ),
    "short of engaged": (
        {},
        [(0, "playing", 0, FRAME), (9.9, "paused", 9.9)],
        {"engaged": False, "counted": True, "reasons": ["too_short"]},
    ),
    "half of a short film is engaged": (
        SHORT,
        [(0, "playing", 0, FRAME), (6, "paused", 6)],
        {"engaged": True, "counted": True, "reasons": []},
    ),
    "covered is at most the film": (
        SHORT,
        [(0, "playing", 0, FRAME), (15, "paused", 15)],
        {"covered_ms": 12_000, "media_ms": 15_000, "plays": {"0": 1, "12": -1}, "max_playhead_ms": 12_000},
    ),
    "nowhere beyond the film's end is anything played": (
        SHORT,
        [(0, "playing", 0, FRAME), (5, "playing", 500_000, SEEK), (6, "paused", 501)],
        {"covered_ms": 5_000, "plays": {"0": 1, "5": -1}, "coverage": {"0": 1, "5": -1}},
    ),
    "a robot, and a film that is not there": (
        {"bot": True, "film_ms": None},
        [(0, "playing", 0, FRAME), (20, "paused", 20)],
        {"counted": False, "reasons": ["bot", "unknown_video"], "engaged": True, "playing_ms": 20_000},
    ),
    "the player's own counters know better": (
        {},
        [
            (0, "playing", 0, FRAME),
            (30, "playing", 24, {"stalls_total": 3, "stalled_total_ms": 6_000, "dropped_frames_total": 12}),
        ],
        {"stalls": 3, "stalled_ms": 6_000, "dropped_frames": 12, "media_ms": 24_000},
    ),
    "counters that cannot be are believed as far as it was watched": (
        {},
        [
            (0, "playing", 0, FRAME),
            (10, "paused", 10, {"stalls_total": 2**31 - 1, "stalled_total_ms": 7 * 86_400_000}),
        ],
        {"stalls": 100, "stalled_ms": 10_000, "watched_ms": 10_000, "counted": True},
    ),
    "a lid that was closed: no step counts more than five minutes": (
        {},
        [(0, "playing", 0, FRAME), (30_000, "paused", 300)],
        {"playing_ms": 300_000, "media_ms": 300_000},
    ),
    "a clock that was put back": (
        {},
        [(100, "playing", 0, FRAME), (50, "playing", 10), (60, "paused", 20)],
        {"playing_ms": 10_000, "media_ms": 10_000},
    ),
    "nothing but a pause": (
        {},
        [(0, "paused", 0)],
        {"watched_ms": 0, "active": {}, "started": False, "revision": 1, "exited_before_start": True},
    ),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_worked_out_by_hand(name: str) -> None:
    who, told, expected = SESSIONS[name]
    found = measured([report(session(*told), **who)])
    assert {name: found[name] for name in expected} == expected


def test_minutes_that_are_watched_are_those_with_any_watching_in_them() -> None:
    """From 08:27:00: two minutes of playing, ten of pause, ten seconds more; the pause is nobody's minute."""
    told = [(0, "playing", 0, FRAME), (120, "paused", 120), (720, "playing", 120), (730, "paused", 130)]
    minute = 1_763_800_020 // 60
    expected = {str(minute): 1, str(minute + 2): -1, str(minute + 12): 1, str(minute + 13): -1}
    assert measured([report(session(*told))])["active"] == expected


def test_of_a_gap_one_minute_counts_until_it_is_closed() -> None:
    told = session((0, "playing", 0, FRAME), (100, "playing", 100), (200, "paused", 200))
    first, middle, last = (report([one]) for one in told)
    without = measured([first, last])
    assert (without["playing_ms"], without["media_ms"], without["gaps"]) == (60_000, 60_000, 1)
    whole = measured([first, last, middle])
    assert (whole["playing_ms"], whole["media_ms"], whole["gaps"]) == (200_000, 200_000, 0)
    assert whole["plays"] == {"0": 1, "200": -1}


def test_waiting_in_a_run_that_is_not_joined_yet_is_a_stall_once_it_is_known_what_was_before() -> None:
    """Of a pair that waits, the beat before says whether it had played, or sought."""
    for state, stalls, stalled_ms in (("playing", 1, 4_000), ("seeking", 0, 0)):
        told = session(
            (0, "playing", 0, FRAME), (10, state, 10), (11, "paused", 10), (12, "rebuffering", 10),
            (16, "waiting", 10), (17, "playing", 10),
        )  # fmt: skip
        first, before, *rest = (report([one]) for one in told)
        assert measured([first, *rest])["stalls"] == 1  # a guess: it had played at the first
        for order in ([first, before, *rest], [*rest[::-1], first, before], [before, *rest, first]):
            found = measured(order)
            assert (found["stalls"], found["stalled_ms"]) == (stalls, stalled_ms)


def test_a_whole_film() -> None:
    """Ten minutes, a beat every ten seconds."""
    steps = [(n * 10.0, "playing", n * 10.0) for n in range(1, 60)]
    found = measured([report(session((0, "playing", 0, FRAME), *steps, (600, "ended", 600)))])
    assert (found["covered_ms"], found["finished"], found["revision"]) == (FILM_MS, True, 61)
    assert found["coverage"] == found["plays"] == {"0": 1, "600": -1}
