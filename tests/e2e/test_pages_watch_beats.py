"""What the watch page tells analytics, by what a person does and by what the network does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise

import pytest

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_data import Json

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

VIDEO = "document.querySelector('video')"


def told(surface: Surface) -> list[Json]:
    """All beats by their number: what was sent twice counts once."""
    by_number = {beat["sn"]: beat for report in surface.stub.reports for beat in report["beats"]}
    return [by_number[number] for number in sorted(by_number)]


async def until_told(surface: Surface, wanted: Callable[[Json], bool]) -> Json:
    await surface.until(lambda: any(wanted(beat) for beat in told(surface)))
    return next(beat for beat in told(surface) if wanted(beat))


def film(surface: Surface) -> Json:
    item = stub_data.asset("Harbour at first light", "ready", duration_s=12)
    surface.stub.put(item)
    surface.stub.open_analytics()
    return item


@pytest.mark.parametrize(("query", "engine"), [("", "hls.js"), ("?player=dash", "shaka-player")])
async def test_a_session_from_its_start_to_its_end(surface: Surface, query: str, engine: str) -> None:
    item = film(surface)
    await surface.open(f"/watch/{item['id']}{query}")
    first = await until_told(surface, lambda beat: beat["kind"] == "first_frame")
    await surface.until_page(f"{VIDEO}.currentTime > 0.4")
    await surface.page.evaluate(f"{VIDEO}.pause()")
    paused = await until_told(surface, lambda beat: beat["sn"] > first["sn"] and beat["state"] == "paused")
    await surface.page.evaluate(f"{VIDEO}.currentTime = 8")
    sought = await until_told(surface, lambda beat: beat["sn"] > paused["sn"] and beat["kind"] == "seek")
    await surface.until_page(f"!{VIDEO}.seeking")
    await surface.page.evaluate(f"{VIDEO}.play()")
    again = await until_told(surface, lambda beat: beat["sn"] > sought["sn"] and beat["state"] == "playing")
    await surface.page.evaluate(f"{VIDEO}.playbackRate = 2")
    await until_told(surface, lambda beat: beat["rate"] == 2)
    await surface.until_page(f"{VIDEO}.ended")
    await until_told(surface, lambda beat: beat["state"] == "ended")

    report = surface.stub.reports[0]
    assert (report["asset"], report["player"].partition(" ")[0]) in ((item["id"], engine), (item["id"], ""))
    assert any(each["player"].startswith(engine) for each in surface.stub.reports)
    assert len({each["sid"] for each in surface.stub.reports}) == 1
    assert len(report["viewer"]) == 32
    beats = told(surface)
    assert [beat["sn"] for beat in beats] == list(range(len(beats)))
    assert (beats[0]["kind"], beats[0]["state"]) == ("start", "starting")
    assert first["playhead_ms"] < 1000
    # A seek is told from where it began: what lies between was not played.
    assert abs(sought["playhead_ms"] - paused["playhead_ms"]) < 300
    assert again["playhead_ms"] >= 7900
    assert {beat["rendition"] for beat in beats} - {""} <= {rung["name"] for rung in item["renditions"]}
    assert all(beat["ts_ms"] <= after["ts_ms"] for beat, after in pairwise(beats))
    states = [state for state, _ in groupby(beat["state"] for beat in beats)]
    assert states[:2] == ["starting", "playing"]
    assert states[-1] == "ended"


async def test_a_stall_a_failing_service_and_leaving(surface: Surface) -> None:
    surface.stub.fail("POST", "/v1/beats", 503, "The service", "It is away.", times=2)
    surface.tolerate("503")
    item = film(surface)
    late = [surface.stub.hold(f"/v1/assets/{item['id']}/hls/{rung}/3.m4s") for rung in ("180p", "360p")]
    await surface.open(f"/watch/{item['id']}")
    stalled = await until_told(surface, lambda beat: beat["state"] == "rebuffering")
    for gate in late:
        gate.set()
    over = await until_told(surface, lambda beat: beat["sn"] > stalled["sn"] and beat["state"] == "playing")
    assert over["stalls_total"] >= 1
    assert over["stalled_total_ms"] > 0
    await surface.page.goto("about:blank")
    await until_told(surface, lambda beat: beat["kind"] == "end")
    beats = told(surface)
    assert [beat["sn"] for beat in beats] == list(range(len(beats)))


async def test_a_film_that_waits_for_a_click_has_not_begun(surface: Surface) -> None:
    """Where browsers refuse to begin by themselves, the wait for the viewer is no slow start of ours."""
    await surface.page.add_init_script(
        """const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
          if (window.clicked) return play.call(this);
          window.refused = true;
          return Promise.reject(new DOMException("no", "NotAllowedError"));
        };"""
    )
    item = film(surface)
    await surface.open(f"/watch/{item['id']}")
    await surface.until_page("window.refused")
    idle = await until_told(surface, lambda beat: beat["state"] == "preloading")
    await surface.page.evaluate(f"window.clicked = true; {VIDEO}.play()")
    start = await until_told(surface, lambda beat: beat["kind"] == "start" and beat["sn"] > idle["sn"])
    first = await until_told(surface, lambda beat: beat["kind"] == "first_frame")
    assert start["state"] == "starting"
    assert start["sn"] < first["sn"]
