"""What the session inspector says of each beat, and that the decider decided so."""

from __future__ import annotations

import random
from typing import Any

from gateways.analytics.beat_log import told
from schemas.analytics.views import MOST_RUNS
from schemas.event import Event
from streams.analytics.projections import beats as rows_of
from tests.unit.analytics.telling import beat, measured, report


def shown(events: list[Event]) -> tuple[dict[int, list[str]], int]:
    """Of the rows that are kept of these reports."""
    found, repeated = told([row for event in events for row in rows_of(event)])
    return {one["sn"]: one["decided"] for one in found}, repeated


def beats(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    return [beat(sn, sn, "playing", sn, **more) for sn in numbers]


def test_each_beat_has_what_was_decided_on_it() -> None:
    found, repeated = shown(
        [report(beats(0, 5)), report(beats(3)), report(beats(0)), report(beats(6, clamped=["rate"]))]
    )
    assert found == {0: ["repeated"], 3: ["late", "gap_before"], 5: ["gap_before"], 6: ["clamped:rate"]}
    assert repeated == 1


def test_beats_for_which_there_was_no_room_are_told() -> None:
    """A beat beside a known one is taken; one that comes again when there is room again, too."""
    many = [report(beats(sn * 2)) for sn in range(MOST_RUNS)]
    apart, beside, between = report(beats(5000)), report(beats(2 * MOST_RUNS - 1)), report(beats(1))
    found, repeated = shown([*many, apart, beside, apart])
    assert [sn for sn, decided in found.items() if "left_out" in decided] == [5000]
    assert repeated == 1
    found, _ = shown([*many, apart, between, apart])
    assert [sn for sn, decided in found.items() if "left_out" in decided] == []


def test_it_says_what_the_decider_did() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        numbers = rng.sample(range(500), 400)
        events = [report(beats(*numbers[at : at + 4])) for at in range(0, 400, 4)]
        found, _ = shown(events)
        taken = [sn for sn, decided in found.items() if "left_out" not in decided]
        measure = measured(events)
        assert measure["revision"] == len(taken)
        assert ("approximate" in measure["reasons"]) == (len(taken) < len(found))
