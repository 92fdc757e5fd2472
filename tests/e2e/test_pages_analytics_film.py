"""One film's numbers over its scrubber, playback sessions and what was decided on them, and the system."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_analytics import UNCOUNTED, StubAnalytics
from tests.e2e.test_pages_analytics import opened, panel, saved, with_films

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LENGTH_S = 12


async def of_film(surface: Surface) -> tuple[Page, StubAnalytics, str]:
    film = stub_data.asset("Harbour at first light", duration_s=LENGTH_S)
    surface.stub.put(film)
    service = surface.stub.open_analytics()
    page = await surface.open(f"/analytics/videos/{film['id']}")
    await expect(panel(page, "Retention").locator("canvas")).to_be_visible()
    return page, service, film["id"]


async def at_second(surface: Surface, second: float) -> None:
    await surface.until_page(f"Math.abs(document.querySelector('video').currentTime - {second}) < 0.7")


async def test_the_curve_is_the_scrubber_of_the_film(surface: Surface) -> None:
    page, service, film_id = await of_film(surface)
    retention = panel(page, "Retention")
    assert not [request for request, _ in service.asked if "hls" in request], (
        "nothing is sent before it is asked for"
    )
    box = await retention.locator(".u-over").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] * 8 / (LENGTH_S - 1), box["y"] + 20)
    await at_second(surface, 8)
    await expect(retention.locator(".mark")).to_be_visible()
    await expect(page.locator("kl-screen .mono")).to_have_text("0:08 / 0:12")

    chart = retention.get_by_role("slider")
    await chart.focus()
    await page.keyboard.press("Home")
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(r"^0:03: Watched by \d+.*, Played \d+")
    )
    await page.keyboard.press("Enter")
    await at_second(surface, 3)

    await retention.get_by_role("button", name="Most replayed at").click()
    await at_second(surface, 7)
    await panel(page, "Chat along the film").get_by_role("slider").focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await at_second(surface, 11)

    await page.get_by_role("button", name="Play", exact=True).click()
    await surface.until_page("document.querySelector('video').ended")
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert surface.stub.reports == [], "to look something up is no view"
    asked = service.questions(f"/v1/videos/{film_id}/chat")
    assert asked[0] == {"step_ms": "1000"}


async def test_a_film_has_all_of_its_numbers(surface: Surface) -> None:
    page, service, film_id = await of_film(surface)
    await expect(page.get_by_role("heading", name="Harbour at first light")).to_be_visible()
    await expect(panel(page, "Watching now").locator(".big")).to_have_text("42viewers")
    assert service.wishes == [{"type": "watch", "asset": film_id}]
    for name in (
        "Quality of experience",
        "Chat along the film",
        "Startup time",
        "Countries",
        "Devices and more",
    ):
        await expect(panel(page, name).get_by_role("button", name="Export")).to_be_visible()
    await expect(panel(page, "Delivered bytes").locator("canvas")).to_be_visible()
    asked = [query for path, query in service.asked if path in ("/v1/metrics", "/v1/delivery", "/v1/startup")]
    assert {query["asset"] for query in asked} == {film_id}
    rows = await saved(page, "Retention")
    assert [int(row["second"]) for row in rows] == list(range(LENGTH_S))
    assert await surface.barriers() == []
    await page.get_by_role("link", name="Sessions", exact=True).last.click()
    await expect(page.get_by_role("button", name="Only this film")).to_be_visible()
    assert service.questions("/v1/views")[-1]["asset"] == film_id


async def test_a_film_that_nobody_has_watched_or_that_is_gone(surface: Surface) -> None:
    surface.tolerate("404")
    service = with_films(surface)
    service.views, service.messages, service.now = 0, [], {"viewers": 0}
    page = await surface.open(f"/analytics/videos/{next(iter(surface.stub.assets))}")
    await expect(panel(page, "Retention")).to_contain_text("Nobody has watched this film in this time.")
    await expect(panel(page, "Chat along the film")).to_contain_text("Nothing is said")
    await expect(page.locator("kl-screen video")).to_be_visible()
    await page.goto(f"{surface.base}/analytics/videos/none")
    await expect(page.get_by_role("heading", name="No film lives here")).to_be_visible()


async def test_sessions_are_listed_and_narrowed(surface: Surface) -> None:
    page, service = await opened(surface, "/analytics/views")
    sessions = panel(page, "Playback sessions").locator("tbody tr")
    await expect(sessions).to_have_count(50)
    await page.get_by_role("button", name="Show more").click()
    await expect(sessions).to_have_count(69)
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    rows = await saved(page, "Playback sessions")
    assert len(rows) == 69
    assert await surface.barriers() == []
    await page.get_by_role("button", name="Not counted").click()
    await expect(sessions).to_have_count(1)
    await expect(sessions).to_contain_text("No first frame")
    assert service.questions("/v1/views")[-1]["which"] == "uncounted"
    await sessions.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(f"/analytics/views/{UNCOUNTED}"))


async def test_why_a_view_was_not_counted(surface: Surface) -> None:
    page, _ = await opened(surface, f"/analytics/views/{UNCOUNTED}")
    decision = panel(page, "Decision")
    await expect(decision.get_by_role("heading", name="Why was this view not counted?")).to_be_visible()
    await expect(decision).to_contain_text("No first frame was shown, and a view begins with it.")
    await expect(decision).to_contain_text("The viewer left before the first frame.")
    beats = panel(page, "Beats").locator("tbody tr")
    await expect(beats).to_have_count(3)
    await expect(beats.nth(1)).to_contain_text("Came again")
    await expect(beats.nth(2)).to_contain_text("Gap before")
    await expect(beats.nth(2)).to_contain_text("Mended: playhead_ms")
    assert await surface.barriers() == []
    said = await saved(page, "Beats")
    assert [row["sn"] for row in said] == ["0", "1", "4"]


async def test_a_counted_session_and_one_that_is_not_there(surface: Surface) -> None:
    surface.tolerate("404")
    page, service = await opened(surface)
    view_id = service.session(1)["view_id"]
    await page.goto(f"{surface.base}/analytics/views/{view_id}")
    await expect(panel(page, "Decision")).to_contain_text("Counted as a view, and as an engaged one")
    strip = page.get_by_role("img", name="States from the first beat to the last")
    await expect(strip.locator("rect")).to_have_count(9)
    await expect(panel(page, "Facts")).to_contain_text(
        "Computer" if service.session(1)["device"] == "desktop" else "Phone"
    )
    await page.goto(f"{surface.base}/analytics/views/{'0' * 32}")
    await expect(page.get_by_role("heading", name="No such session")).to_be_visible()


async def test_the_system_says_what_is_away(surface: Surface) -> None:
    page, service = await opened(surface, "/analytics/system")
    services = panel(page, "Services")
    await expect(services.get_by_role("listitem").nth(2)).to_contain_text("Numbers (ClickHouse)answers")
    await expect(services).to_contain_text("Playback sessions")
    behind = services.get_by_role("table", name="Behind the log").get_by_role("row")
    await expect(behind).to_have_count(3)
    await expect(behind.nth(2)).to_contain_text("Writing into ClickHouse")
    await expect(panel(page, "Encodes").get_by_role("listitem")).to_have_count(4)
    await expect(panel(page, "From play to the end")).to_contain_text("Reached the end")
    assert await surface.barriers() == []
    service.up = False
    await page.reload()
    await expect(services).to_contain_text("Players still report")
    await expect(behind.nth(1)).to_have_text(re.compile(r"Writing into ClickHouse\s*5,000\s*42 s"))
