"""What a session's decider says and forgets beside the measure, and what projections make of it."""

from __future__ import annotations

import pytest

from schemas.event import Event
from streams.analytics.projections import TRIM_EVERY, assets, beats, delivery, licences, live, views
from streams.analytics.rules import SILENT_MS, TIMERS, decide
from streams.engine import Out, Refuse
from tests.unit.analytics.telling import (
    T0,
    VIEW,
    beat,
    decided,
    due,
    measures,
    report,
    segment,
    served,
    session,
)

DAY_MS = 86_400_000


def timers(outs: list[Out]) -> list[int]:
    return [out.data["due_at_ms"] for out in outs if out.topic == TIMERS]


def measure_event(data: dict[str, object], at_ms: int = T0, offset: int = 7) -> Event:
    return Event(
        "kinolog.analytics.ViewMeasured", VIEW, data, at_ms=at_ms, topic="t", partition=3, offset=offset
    )


def test_a_silent_session_is_let_go_after_a_day() -> None:
    state, outs = decided([report([beat(0, 0, "playing", 0)]), report([beat(1, 3600, "paused", 60)])])
    assert timers(outs) == [T0 + SILENT_MS]
    state, outs = decided([due(T0 + SILENT_MS)], state)
    later = T0 + 3_600_000 + SILENT_MS
    assert (timers(outs), state is None) == ([later], False)
    assert decided([due(later)], state) == (None, [])
    assert decided([due(later)], None) == (None, [])  # a reminder may come twice


def test_what_goes_on_after_that_is_another_row() -> None:
    first = measures(decided([report([beat(0, 0, "playing", 0)])])[1])[0]
    again = measures(decided([report([beat(9, SILENT_MS / 1000 + 60, "playing", 0)])])[1])[0]
    row, other = (views(measure_event(data))[0] for data in (first, again))
    assert row["day"] < other["day"]


def test_a_report_put_on_the_log_again_after_that_is_refused() -> None:
    old = report([beat(0, 0, "playing", 0)])
    for event in (old, served([segment(0, 0)])):
        event.at_ms = T0 + SILENT_MS + 1
        with pytest.raises(Refuse, match="report_too_old"):
            decide(None, event)


def redriven(event: Event) -> Event:
    event.redriven = "analytics.view"
    return event


def test_a_dead_letter_of_a_session_that_is_settled_replaces_nothing() -> None:
    """It has the time that it had; what time it is says the timer."""
    letter = redriven(report([beat(0, 0, "playing", 0)]))
    state, outs = decided([letter, redriven(report([beat(1, 9, "playing", 9)]))])
    assert (measures(outs), timers(outs)) == ([], [T0])
    late = due(T0)
    late.at_ms = T0 + 9_000 + SILENT_MS + 1
    assert decided([late], state) == (None, [])


def test_a_dead_letter_of_a_session_that_is_not_is_measured() -> None:
    told = session((0, "playing", 0), (9, "paused", 9))
    first, second = (report([one]) for one in told)
    soon = due(T0)
    soon.at_ms = T0 + 9_500
    whole = measures(decided([first, second])[1])[-1]
    for events in (
        [redriven(first), soon, second],
        [redriven(first), second, soon],
        [first, redriven(second)],
    ):
        state, outs = decided(events)
        assert measures(outs)[-1] == whole
        assert "held" not in state
        first.redriven = second.redriven = ""
    assert timers(decided([redriven(first), soon])[1]) == [T0, T0 + SILENT_MS]


def test_a_start_that_turns_out_to_be_on_the_day_before_moves_the_row() -> None:
    midnight = (T0 // DAY_MS + 1) * DAY_MS
    to_midnight = (midnight - T0) / 1000
    late = report([beat(1, to_midnight + 5, "playing", 10)])
    early = report([beat(0, to_midnight - 5, "playing", 0)])
    first, moved = measures(decided([late, early])[1])
    assert (first["moved_from_day"], moved["moved_from_day"]) == (None, midnight // DAY_MS)
    [row, gone] = views(measure_event(moved))
    assert (row["gone"], row["day"], gone["gone"], gone["day"]) == (
        0, midnight // DAY_MS - 1, 1, midnight // DAY_MS
    )  # fmt: skip
    assert "moved_from_day" not in row
    assert [len(views(measure_event(each))) for each in (first, moved)] == [1, 2]


def test_requests_without_cmcd_are_delivery_alone() -> None:
    event = served([segment(0, 0, cmcd=False)])
    assert decide(None, event) == (None, [])
    assert len(delivery(event)) == 1


def test_delivery_is_a_row_a_rendition() -> None:
    event = served(
        [segment(0, 0), segment(1, 1), segment(0, 1, rendition="audio", bytes=7)], view_id="asset:sunset"
    )
    event.id = "x"
    rows = {row["rendition"]: row for row in delivery(event)}
    assert {name: (row["requests"], row["bytes"]) for name, row in rows.items()} == {
        "720p": (2, 1_000_000), "audio": (1, 7)
    }  # fmt: skip
    assert {(row["id"], row["view_id"], row["day"]) for row in rows.values()} == {("x", "", T0 // DAY_MS)}


def test_sound_is_no_picture() -> None:
    asked = [segment(0, 0), segment(0, 0, rendition="audio", bitrate_kbps=128)]
    found = measures(decided([served(asked)])[1])[0]
    assert (found["rendition_ms"], found["kbits"], found["media_ms"]) == ({"720p": 2000}, 4_000, 2_000)


def test_who_watches_now() -> None:
    played, paused = measures(
        decided([report([one]) for one in session((0, "playing", 0), (9, "paused", 9))])[1]
    )
    add, trim = live(measure_event(played, T0 + 5000, offset=TRIM_EVERY))
    assert (add.command, add.args) == ("ZADD", (T0 + 45_000, f"{VIEW}sunset"))
    assert (trim.command, trim.args) == ("ZREMRANGEBYSCORE", ("-inf", T0 + 5000 - 600_000))
    assert live(measure_event(played)) == [add]
    [gone] = live(measure_event(paused))
    assert (gone.command, gone.args) == ("ZREM", (f"{VIEW}sunset",))
    assert live(measure_event({**played, "bot": True}))[0].command == "ZREM"
    assert live(Event("kinolog.engine.RequestRefused", VIEW, {})) == []


def test_a_report_is_kept_as_it_came() -> None:
    told = session((0, "playing", 0), (9, "paused", 9))
    [row] = beats(report([told[1], told[0]]))
    assert (row["beat.sn"], row["beat.state"], row["view_id"]) == ([1, 0], ["paused", "playing"], VIEW)


def test_steps_of_a_film() -> None:
    created = Event("kinolog.media.AssetCreated", "a1", {"owner_id": "o"}, at_ms=5)
    ready = Event("kinolog.media.AssetReady", "a1", {}, at_ms=9)
    rows = [row for event in (created, ready) for row in assets(event)]
    assert [(row["step"], row["subject"], row["owner_id"], row["at_ms"]) for row in rows] == [
        ("created", "a1", "o", 5), ("ready", "a1", "", 9)
    ]  # fmt: skip
    assert assets(Event("kinolog.media.AssetChanged", "a1", {})) == []


def test_steps_on_the_way_to_a_licence() -> None:
    data = {"stream_id": "s", "asset_id": "a1", "asked_at_ms": 5}
    told = [Event(f"kinolog.drm.Licence{name}", "acc", data, at_ms=6) for name in ("Granted", "Denied")]
    rows = [row for event in told for row in licences(event)]
    assert [(row["domain"], row["step"], row["subject"], row["asset_id"], row["at_ms"]) for row in rows] == [
        ("drm", "asked", "s", "a1", 5), ("drm", "granted", "s", "a1", 6),
        ("drm", "asked", "s", "a1", 5), ("drm", "denied", "s", "a1", 6),
    ]  # fmt: skip
    assert licences(Event("kinolog.drm.StreamKept", "acc", {})) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"sn": -1}, {"ts_ms": -1}, {"ts_ms": 2**60}, {"at_ms": -1}, {"at_ms": 2**60}, {"playhead_ms": -1},
        {"playhead_ms": 2**50}, {"rate": 0.0}, {"rate": -1.0}, {"rate": float("nan")}, {"rate": 1e9},
        {"bitrate_kbps": -1},
    ],
)  # fmt: skip
def test_what_no_column_could_hold_is_a_dead_letter(odd: dict[str, float]) -> None:
    event = report([{**beat(0, 0, "playing", 0), **odd}])
    event.at_ms = event.data["received_at_ms"] = T0
    with pytest.raises(ValueError, match="not in its range"):
        decide(None, event)


@pytest.mark.parametrize("odd", [{"at_ms": -1}, {"at_ms": 2**60}, {"bytes": -1}])
def test_nor_of_what_was_delivered(odd: dict[str, int]) -> None:
    event = served([segment(0, 0, **odd)])
    with pytest.raises(ValueError, match="not in their range"):
        delivery(event)
    if "at_ms" in odd:
        event.at_ms = max(odd["at_ms"], 0)
        with pytest.raises(ValueError, match="not in their range"):
            decide(None, event)


def test_a_clock_that_is_changed_while_it_plays_puts_no_minute_anywhere() -> None:
    """Seventy years ahead in one report, right in the next: by our clock they are ten seconds apart."""
    beats = session((0, "playing", 0), (5, "playing", 5), (10, "playing", 10), (15, "paused", 15))
    ahead = [{**one, "ts_ms": one["ts_ms"] + 2_200_000_000_000} for one in beats[:2]]
    found = measures(decided([report(ahead), report(beats[2:])])[1])[-1]
    assert (found["started_at_ms"], found["last_at_ms"]) == (T0, T0 + 15_000)
    assert found["active"] == {str(T0 // 60_000): 1, str(T0 // 60_000 + 1): -1}
