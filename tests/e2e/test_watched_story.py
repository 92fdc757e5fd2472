"""A film watched in a real browser with a pause, a seek and a stall: what analytics says is what happened."""

from __future__ import annotations

import asyncio
import re
import uuid
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Route, expect

from deploy.local.launcher import Stack
from tests.e2e.people import Somebody, somebody
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

METER: Final = Path(__file__).with_name("watch_meter.js").read_text()
VIDEO: Final = "document.querySelector('video')"
COVERED_S: Final = (
    f"((played) => Array.from({{length: played.length}}, (_, n) => played.end(n) - played.start(n))"
    f".reduce((a, b) => a + b, 0))({VIDEO}.played)"
)
BROWSER: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
)
"""One that is driven calls itself a robot, and robots are no viewers."""
TOLERANCE_MS: Final = 400
"""Of each turn from one state to another: both look at the clock, but not at the same moment."""
HELD_FROM: Final = 6
"""Segments from this number on wait for the test: what plays before them is some five seconds."""
STALL_MS: Final = 700
PAUSE_MS: Final = 600


class Gate:
    """Segments that the test lets through."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def pass_on(self, route: Route) -> None:
        number = re.search(r"/(\d+)\.m4s", route.request.url)
        if number is not None and int(number[1]) >= HELD_FROM:
            await self.open.wait()
        await route.continue_()


async def film_of(owner: Somebody, stack: Stack, path: Path) -> dict[str, Any]:
    """A public film of sixteen seconds."""
    clip = make_clip(path, frame_count=400, fps=Fraction(25), width=426, height=240)
    pages = stack.url("streaming")
    answer = await owner.context.request.post(
        f"{pages}/v1/assets",
        params={"title": "Sixteen seconds", "visibility": "public"},
        data=await asyncio.to_thread(clip.path.read_bytes),
        headers={"Content-Type": "video/mp4", "Origin": pages},
        timeout=PATIENCE_MS,
    )
    assert answer.status == 202, await answer.text()
    async with connected(stack) as api:
        return await api.until(str((await answer.json())["id"]), "ready")


async def of_film(window: Somebody, stack: Stack, asset_id: str, wanted: str) -> dict[str, Any]:
    """The film's one session, once it is `wanted`."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            answer = await window.context.request.get(
                f"{stack.url('analytics')}/v1/views", params={"asset": asset_id}, timeout=PATIENCE_MS
            )
            assert answer.status == 200, await answer.text()
            items: list[dict[str, Any]] = (await answer.json())["items"]
            if items and items[0]["state"] == wanted:
                assert len(items) == 1
                return items[0]
            await asyncio.sleep(0.1)


async def for_a_while(window: Somebody, spent_ms: int) -> None:
    """Until the page's clock is so much later: how long a state lasts is what is measured here."""
    began = await window.page.evaluate("performance.now()")
    await window.until_page(f"performance.now() - {began} >= {spent_ms}")


def lasting(spent_ms: int) -> str:
    """Some seconds as pages write them."""
    return f"{spent_ms / 1000:.1f}".removesuffix(".0") + " s"


async def pages_say(window: Somebody, stack: Stack, film: dict[str, Any], view: dict[str, Any]) -> None:
    """The film's owner sees this one session's numbers on the pages of analytics."""
    page, pages = window.page, stack.url("streaming")
    await page.goto(f"{pages}/analytics/videos/{film['id']}")
    for name, shown in (("Views", "1"), ("Playing time", lasting(view["playing_ms"])), ("Completed", None)):
        tile = page.locator("kl-trend .tile").filter(has_text=name)
        await expect(tile.locator("strong")).to_have_text(shown or re.compile(r"^\d.* ?%$"))
    retention = page.get_by_role("region", name="Retention", exact=True)
    await expect(retention.locator("canvas")).to_be_visible()
    await expect(retention).to_contain_text("1 view")
    delivered = page.get_by_role("region", name="Delivered bytes", exact=True)
    await expect(delivered.get_by_role("listitem").first).to_be_visible()
    await expect(
        page.get_by_role("region", name="Watching now").get_by_text("Live", exact=True)
    ).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)

    await page.get_by_role("link", name="Sessions", exact=True).last.click()
    await page.get_by_role("region", name="Playback sessions").locator("tbody a").first.click()
    await expect(page.get_by_role("heading", name="Counted as a view, and as an engaged one")).to_be_visible()
    facts = page.get_by_role("region", name="Facts")
    await expect(facts).to_contain_text(f"Playing{lasting(view['playing_ms'])}")
    beats = page.get_by_role("region", name="Beats", exact=True).locator("tbody tr")
    await expect(beats.filter(has_text="First frame")).to_have_count(1)
    await expect(beats.filter(has_text="Stalled").first).to_be_visible()

    await page.goto(f"{pages}/analytics")
    videos = page.get_by_role("region", name="Videos", exact=True)
    await expect(videos.get_by_role("link", name=film["title"])).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await page.goto(f"{pages}/analytics/system")
    await expect(page.get_by_role("region", name="Encodes").get_by_role("listitem").last).to_contain_text("1")


async def test_the_numbers_are_what_was_measured_in_the_page(
    browser: Browser, platform_stack: Stack, tmp_path: Path
) -> None:
    gate = Gate()
    async with somebody(browser, platform_stack) as ada:
        await ada.join("creator", name=f"Ada {uuid.uuid4().hex[:6]}")
        film = await film_of(ada, platform_stack, tmp_path / "sixteen.mp4")
        await ada.context.set_extra_http_headers({"User-Agent": BROWSER})
        await ada.page.add_init_script(METER)
        await ada.page.route("**/*.m4s*", gate.pass_on)
        await ada.page.goto(f"{platform_stack.url('streaming')}/watch/{film['id']}")

        await ada.until_page("window.meter.state === 'playing'")
        await ada.until_page(f"{VIDEO}.currentTime > 1")
        await ada.page.evaluate(f"{VIDEO}.pause()")
        await for_a_while(ada, PAUSE_MS)
        await ada.page.evaluate(f"{VIDEO}.play()")
        await ada.until_page("window.meter.state === 'stalled'")
        await for_a_while(ada, STALL_MS)
        gate.open.set()
        await ada.until_page("window.meter.state === 'playing'")
        await ada.until_page(f"{VIDEO}.currentTime > 7")
        await ada.page.evaluate(f"{VIDEO}.currentTime = 12")
        await ada.until_page("window.meter.state === 'ended'")

        meter = await ada.page.evaluate("window.meter")
        covered_ms = 1000 * await ada.page.evaluate(COVERED_S)
        view = await of_film(ada, platform_stack, film["id"], "ended")
        await pages_say(ada, platform_stack, film, view)
    assert (view["counted"], view["reasons"]) == (True, [])
    assert (view["finished"], view["failed"], view["device"]) == (True, False, "desktop")
    assert (view["stalls"], view["seeks"]) == (meter["stalls"], meter["seeks"])
    assert meter["seeks"] == 1
    assert meter["stalls"] >= 1  # a busy machine may add some
    close = {"abs": TOLERANCE_MS * meter["stalls"]}
    assert view["stalled_ms"] == pytest.approx(meter["stalledMs"], **close)
    assert view["stalled_ms"] >= STALL_MS - TOLERANCE_MS
    wide = {"abs": TOLERANCE_MS * (4 + meter["stalls"])}  # play, pause, play, seek: each may be a little off
    assert view["playing_ms"] == pytest.approx(meter["playingMs"], **wide)
    assert view["media_ms"] == pytest.approx(meter["playingMs"], **wide)
    assert view["covered_ms"] == pytest.approx(covered_ms, **wide)
    assert view["watched_ms"] - view["startup_ms"] == pytest.approx(meter["watchedMs"], **wide)
    assert view["startup_ms"] <= meter["startupMs"] + TOLERANCE_MS
