"""Whatever order, pieces and number its beats come in, a session measures the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.analytics.views import MOST_RUNS
from streams.analytics import runs, spans, steps
from tests.unit.analytics import reference
from tests.unit.analytics.telling import (
    FILM_MS,
    T0,
    beat,
    decided,
    measured,
    measures,
    report,
    segment,
    served,
)

STATES = ("starting", "playing", "playing", "playing", "seeking", "rebuffering", "paused", "waiting", "ended")


@st.composite
def sessions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Beats of one session as a player might send them, or one that lies; some never sent."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 40))
    at_s, head_s, found = 0.0, 0.0, []
    for sn in range(count):
        state = rng.choice(STATES)
        playhead = rng.choice([head_s, head_s, head_s, None, rng.uniform(0, 900)])
        more = {
            "kind": rng.choice(["state", "interval", "seek", "first_frame", "start", "other"]),
            "rendition": rng.choice(["720p", "1080p", ""]),
            "bitrate_kbps": rng.choice([None, 0, 2000, 5000]),
            "rate": rng.choice([0.5, 1.0, 1.0, 2.0]),
        }
        found.append(beat(sn, at_s, state, playhead, **more))
        spent = rng.choice([0.0, 0.4, 5.0, 5.003, 10.0, 70.0, 400.0, -3.0])
        at_s += spent
        head_s += max(0.0, spent) + rng.choice([0, 0, 0, 0.3, -0.2])
        head_s = max(0.0, head_s)
    lost = draw(st.sets(st.integers(0, count - 1), max_size=count - 1))
    return [one for one in found if one["sn"] not in lost]


def cut(rng: random.Random, beats: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """In any pieces, some of them again, in any order."""
    told = [*beats, *rng.choices(beats, k=rng.randint(0, len(beats)))]
    rng.shuffle(told)
    pieces = []
    while told:
        size = rng.randint(1, len(told))
        pieces.append(told[:size])
        told = told[size:]
    return pieces


@settings(max_examples=150)
@given(sessions(), st.randoms(use_true_random=False))
def test_the_measure_is_that_of_the_set(beats: list[dict[str, Any]], rng: random.Random) -> None:
    whole = measured([report(beats)])
    assert reference.comparable(whole) == reference.measured(beats, FILM_MS)
    for _ in range(3):
        assert measured(map(report, cut(rng, beats))) == whole


@settings(max_examples=50)
@given(sessions(), st.randoms(use_true_random=False))
def test_beats_sent_again_arrive_later_and_change_nothing(
    beats: list[dict[str, Any]], rng: random.Random
) -> None:
    """A player that had no answer sends the same beats, which by our clock are a moment later then."""
    again = [{**one, "at_ms": one["at_ms"] + 1500} for one in beats]
    told = [report(beats), report(again)]
    whole = measured(told)
    pieces = [report([one]) for one in [*beats, *again]]
    rng.shuffle(pieces)
    # Who it is says the report of the lowest number, and all of these say the same.
    assert measured(told[::-1]) == measured(pieces) == whole
    assert whole["started_at_ms"] == min(one["at_ms"] for one in beats)


@settings(max_examples=100)
@given(sessions(), st.randoms(use_true_random=False), st.integers(1, 4), st.sampled_from([2, 4, 8]))
def test_of_what_does_not_fit_the_session_tells(
    beats: list[dict[str, Any]], rng: random.Random, most_runs: int, most: int
) -> None:
    """Whatever the order: a session that is not called approximate is measured as if there were no bounds."""
    expected = reference.measured(beats, FILM_MS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "MOST_RUNS", most_runs)
        patch.setattr(steps, "MOST_CHANGES", most)
        patch.setattr(spans, "MOST_NUMBERS", most)
        for pieces in ([beats], *(cut(rng, beats) for _ in range(3))):
            found = measured(map(report, pieces))
            if "approximate" not in found["reasons"]:
                assert reference.comparable(found) == expected
            assert found["gaps"] < most_runs


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([1.0, 2.0])), min_size=2, max_size=20),
       st.randoms(use_true_random=False))  # fmt: skip
def test_of_too_many_renditions_the_same_stay_in_any_order(
    told: list[tuple[str, float]], rng: random.Random
) -> None:
    beats, at_s, expected = [], 0.0, dict[str, int]()
    for sn, (name, spent) in enumerate(told):
        beats.append(beat(sn, at_s, "playing", None, rendition=name))
        at_s += spent
        if sn < len(told) - 1:
            expected[name] = expected.get(name, 0) + round(spent * 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "MOST_RENDITIONS", 3)
        for _ in range(3):
            found = measured(map(report, cut(rng, beats)))["rendition_ms"]
            assert found == {name: expected[name] for name in sorted(expected)[:3]}


def test_what_is_left_out_is_said_at_once() -> None:
    state, _ = decided(report([beat(sn * 2, sn, "playing", sn)]) for sn in range(MOST_RUNS))
    [found] = measures(
        decided([report([beat(sn * 2 + 50, MOST_RUNS, "playing", 0) for sn in [MOST_RUNS]])], state)[1]
    )
    assert "approximate" in found["reasons"]
    assert found["counted"]


def test_a_report_that_tells_nothing_new_is_not_answered() -> None:
    first = report([beat(0, 0, "playing", 0), beat(1, 10, "playing", 10)])
    state, outs = decided([first])
    assert len(measures(outs)) == 1
    assert decided([first, report([beat(1, 10, "playing", 10)])], state)[1] == []


def test_revisions_grow_and_each_measure_is_whole() -> None:
    beats = [beat(sn, sn * 10.0, "playing", sn * 10.0) for sn in range(5)]
    found = measures(decided(report([one]) for one in beats)[1])
    assert [one["revision"] for one in found] == [1, 2, 3, 4, 5]
    assert [one["media_ms"] for one in found] == [0, 10_000, 20_000, 30_000, 40_000]


def test_state_stays_small_whatever_is_sent() -> None:
    """A player that counts by tens, and jumps about."""
    beats = [
        beat(sn * 10, sn * 2.0, "playing", (sn * 37) % 590, kind="seek", rendition=f"r{sn}")
        for sn in range(3000)
    ]
    state, _ = decided(report(beats[at : at + 100]) for at in range(0, 3000, 100))
    assert len(state["runs"]) == MOST_RUNS
    beats = [beat(sn, sn * 2.0, "playing", (sn * 7919) % 500_000, kind="seek") for sn in range(5000)]
    state, outs = decided(report(beats[at : at + 100]) for at in range(0, 5000, 100))
    assert len(state["runs"]) == 1
    assert len(state["sums"]["covered"]) <= 2000
    assert len(measures(outs)[-1]["plays"]) <= 2002


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.sampled_from([None, 800, 2000])), min_size=1),
       st.randoms(use_true_random=False))  # fmt: skip
def test_segment_requests_are_sets_too(asked: list[tuple[int, bool, int | None]], rng: random.Random) -> None:
    segments = [
        segment(number, n * 1.5, starved=starved, bitrate_kbps=kbps)
        for n, (number, starved, kbps) in enumerate(asked)
    ]
    whole = measured([served(segments)])
    numbers = {number for number, _, _ in asked}
    assert (whole["revision"], whole["media_ms"]) == (len(numbers), 2000 * len(numbers))
    assert whole["stalls"] == len({number for number, starved, _ in asked if starved})
    assert (whole["source"], whole["started"], whole["startup_ms"]) == ("cmcd1", True, None)
    pieces = [served([one]) for one in [*segments, *segments]]
    rng.shuffle(pieces)
    assert measured(pieces) == whole


def test_a_player_that_reports_knows_better_than_its_requests() -> None:
    told = report([beat(0, 0, "playing", 0), beat(1, 10, "paused", 10)])
    asked = served([segment(0, 0), segment(1, 1)])
    one, other = measured([told, asked]), measured([asked, told])
    assert one == other
    assert (one["source"], one["media_ms"], one["revision"], one["started_at_ms"]) == ("json", 10_000, 4, T0)


def test_of_two_reports_that_say_who_it_is_the_same_one_counts_in_any_order() -> None:
    one, other = (report([beat(0, 0, "playing", 0)], country=country) for country in ("DE", "FR"))
    assert measured([one, other])["country"] == measured([other, one])["country"] == "DE"


def test_who_it_is_says_the_report_of_the_lowest_number() -> None:
    early = report([beat(0, 0, "playing", 0)], country="DE", film_ms=None, owner_id="")
    late = report([beat(1, 10, "paused", 10)], country="FR")
    one, other = measured([early, late]), measured([late, early])
    assert one == other
    assert (one["country"], one["film_ms"], one["owner_id"]) == ("DE", FILM_MS, "owner")


def test_what_the_first_report_does_not_know_says_the_next_that_does() -> None:
    """Players know their name once they have loaded; the streaming gateway may know the country."""
    told = [
        report([beat(0, 0, "starting")], player="", country="DE"),
        report([beat(1, 1, "playing", 0)], player="hls.js 1.7", country=""),
        report([beat(2, 9, "paused", 8)], player="hls.js 1.8", country="FR"),
        served([segment(0, 0)], player="HLS", browser="Chrome"),
    ]
    found = [measured(order) for order in (told, told[::-1], [told[2], told[0], told[3], told[1]])]
    assert found[0] == found[1] == found[2]
    assert (found[0]["player"], found[0]["country"], found[0]["browser"]) == ("hls.js 1.7", "DE", "Firefox")
