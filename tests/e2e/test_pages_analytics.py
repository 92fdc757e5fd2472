"""The analytics overview: numbers, those before, what is watched now, time and filters in its address."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_analytics import StubAnalytics

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DAY_MS = 86_400_000


def with_films(surface: Surface) -> StubAnalytics:
    surface.stub.put(
        *(stub_data.asset(title) for title in ("Night train", "Glacier crossing", "Old quarter"))
    )
    return surface.stub.open_analytics()


async def opened(surface: Surface, path: str = "/analytics") -> tuple[Page, StubAnalytics]:
    service = with_films(surface)
    return await surface.open(path), service


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Numbers of this time").get_by_role("button").filter(has_text=name)


async def saved(page: Page, name: str) -> list[dict[str, str]]:
    async with page.expect_download() as download:
        await page.get_by_role("button", name=f"Export {name} as CSV").click()
    file = Path(await (await download.value).path())
    return list(csv.DictReader(file.read_text().splitlines()))  # noqa: ASYNC240  # a few lines


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_time_is_shown_beside_the_time_before(surface: Surface, theme: str) -> None:
    await surface.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page, service = await opened(surface)
    await expect(tile(page, "Views")).to_contain_text("▲ 13.")
    await expect(tile(page, "Startup")).to_contain_text("640 ms")
    await expect(panel(page, "Trend").locator("canvas")).to_be_visible()
    await expect(page.get_by_text("37 sessions of robots are left out.")).to_be_visible()
    await expect(page.locator("kl-fresh")).to_contain_text("As of just now")
    videos = panel(page, "Videos")
    await expect(videos.get_by_role("row")).to_have_count(4)
    await expect(videos.get_by_role("link", name="Night train")).to_be_visible()
    await expect(panel(page, "Countries").get_by_role("row").nth(1)).to_contain_text("Germany")
    for name in (
        "Quality of experience",
        "Startup time",
        "Watching at once",
        "Delivered bytes",
        "Renditions",
    ):
        await expect(panel(page, name).get_by_role("button", name="Export")).to_be_visible()
    await expect(page.get_by_role("link", name="Analytics", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    trend, *_ = [asked for asked in service.questions("/v1/metrics") if asked.get("group_by") == "time"]
    assert trend["compare"] == "previous"
    assert trend["interval"] == "day"
    assert "to" not in trend, "it goes on until now"
    assert await surface.barriers() == []


async def test_a_tile_chooses_what_is_drawn_and_keys_read_it(surface: Surface) -> None:
    page, _ = await opened(surface)
    await tile(page, "Stalled").click()
    await expect(page).to_have_url(re.compile(r"\?metric=stalled_share$"))
    chart = page.get_by_role("slider", name="Stalled by day")
    await expect(panel(page, "Trend")).to_contain_text("Stalled: what stalled_share is.")
    behind = page.get_by_role("link", name="Why? The sessions behind it")
    await expect(behind).to_have_attribute("href", "/analytics/views")
    await expect(panel(page, "Trend").locator("canvas")).to_be_visible()
    await chart.focus()
    await page.keyboard.press("Home")
    await expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(r"^\w{3}, .+: Stalled 0\.\d+%, Before 0\.\d+%$")
    )
    first = await chart.get_attribute("aria-valuetext")
    await page.keyboard.press("ArrowRight")
    await expect(chart).not_to_have_attribute("aria-valuetext", first or "")
    await expect(chart).to_have_attribute("aria-valuenow", "1")
    await page.get_by_role("button", name="Trend as a table").click()
    table = panel(page, "Trend").get_by_role("table")
    await expect(table.get_by_role("columnheader").nth(1)).to_have_text("Stalled")
    await expect(table.get_by_role("row")).to_have_count(31)
    assert await surface.barriers() == []


async def test_what_is_watched_now_comes_live_and_moves_nothing_else(surface: Surface) -> None:
    page, service = await opened(surface)
    now = panel(page, "Watching now")
    await expect(now.locator(".big")).to_have_text("42viewers")
    await expect(now.get_by_role("link", name="Night train")).to_be_visible()
    assert service.wishes == [{"type": "watch"}]
    await expect(now.locator("canvas")).to_be_visible()
    await page.evaluate("window.kept = document.querySelector('kl-live canvas')")
    await service.say(viewers=43)
    await expect(now.locator(".big")).to_have_text("43viewers")
    assert await page.evaluate("window.kept === document.querySelector('kl-live canvas')")
    service.now = {"viewers": 7}
    await service.drop()
    await expect(now.locator(".big")).to_have_text("7viewers")  # it comes back by itself
    await expect(now.get_by_text("Live", exact=True)).to_be_visible()
    rows = await saved(page, "Watching now")
    assert len(rows) >= 30  # the minute may have changed


async def test_time_zone_and_filters_stand_in_the_address(surface: Surface) -> None:
    page, service = await opened(surface)
    await panel(page, "Countries").get_by_role("button", name="Germany").click()
    await expect(page).to_have_url(re.compile(r"\?country=DE$"))
    await page.get_by_role("button", name="24 hours").click()
    await page.get_by_label("Time zone").locator("option[value='Asia/Tokyo']").wait_for(state="attached")
    await page.get_by_label("Time zone").select_option("Asia/Tokyo")
    await surface.until(lambda: any(asked.get("timezone") == "Asia/Tokyo" for _, asked in service.asked))
    question = next(
        asked
        for _, asked in reversed(service.asked)
        if asked.get("group_by") == "time" and "metrics" in asked
    )
    assert (question["country"], question["interval"]) == ("DE", "hour")
    await page.reload()
    taken = page.get_by_role("button", name="Take the filter away: Country Germany")
    await expect(taken).to_be_visible()
    await expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    await expect(page.get_by_role("button", name="24 hours")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("link", name="Night train").last.click()
    await expect(page).to_have_url(re.compile(r"/analytics/videos/.+country=DE.*range=24h.*tz=Asia%2FTokyo"))
    await page.go_back()
    await taken.click()
    await expect(taken).to_have_count(0)
    await page.go_back()
    await expect(taken).to_be_visible()


async def test_days_are_those_of_the_zone(surface: Surface) -> None:
    page, service = await opened(surface, "/analytics?from=2026-03-28&to=2026-03-30&tz=Europe/Berlin")
    await expect(page.get_by_label("From", exact=True)).to_have_value("2026-03-28")
    await surface.until(lambda: bool(service.questions("/v1/startup")))
    asked = service.questions("/v1/startup")[0]
    begin_ms = 1_774_652_400_000  # 2026-03-28T00:00:00+01:00; the clocks change that night
    assert int(asked["from"]) == begin_ms
    assert int(asked["to"]) == begin_ms + 3 * DAY_MS - 3_600_000
    await page.get_by_label("To", exact=True).fill("2026-03-28")
    ends = f"{begin_ms + DAY_MS}"
    await surface.until(lambda: any(asked["to"] == ends for asked in service.questions("/v1/startup")))


async def test_nothing_watched_says_what_to_do(surface: Surface) -> None:
    service = with_films(surface)
    service.views, service.bots, service.now = 0, 0, {"viewers": 0}
    page = await surface.open("/analytics")
    await expect(page.get_by_role("heading", name="Nothing was watched in this time")).to_be_visible()
    await expect(page.get_by_text("Nobody watches anything now.")).to_be_visible()
    await expect(page.get_by_text("No robot was seen.")).to_be_visible()
    await expect(panel(page, "Startup time")).to_contain_text("No session showed a first frame")
    assert await surface.barriers() == []
    await page.get_by_role("button", name="Look at 90 days").click()
    await expect(page).to_have_url(re.compile(r"\?range=90d$"))


async def test_panels_wait_and_fail_for_themselves(surface: Surface) -> None:
    surface.tolerate("503")
    with_films(surface)
    gate = surface.stub.hold("/v1/delivery")
    surface.stub.fail("GET", "/v1/startup", 503, "Unavailable", "ClickHouse does not answer now.", times=1)
    page = await surface.open("/analytics")
    await expect(panel(page, "Delivered bytes")).to_have_attribute("aria-busy", "true")
    startup = panel(page, "Startup time")
    await expect(startup.get_by_role("alert")).to_contain_text("ClickHouse does not answer now.")
    await expect(startup.get_by_role("button", name="Copy trace id")).to_be_visible()
    await expect(panel(page, "Countries").get_by_role("row").nth(1)).to_be_visible()
    assert await surface.barriers() == []
    await startup.get_by_role("button", name="Try again").click()
    await expect(startup.locator("canvas")).to_be_visible()
    gate.set()
    await expect(panel(page, "Delivered bytes").locator("canvas")).to_be_visible()


async def test_old_numbers_stay_when_new_ones_do_not_come(surface: Surface) -> None:
    surface.tolerate("503")
    page, service = await opened(surface)
    await expect(tile(page, "Views")).to_contain_text("▲")
    surface.stub.fail("GET", "/v1/metrics", 503, "Unavailable", "ClickHouse does not answer now.", times=99)
    service.age_ms = 300_000
    await page.get_by_role("button", name="7 days").click()
    await expect(panel(page, "Trend")).to_contain_text("These numbers are old")
    await expect(tile(page, "Views")).to_contain_text("▲")
    await expect(page.locator("kl-fresh")).to_contain_text("min ago")
    said = page.get_by_role("alert")
    await expect(said).to_have_count(1)  # of what fails in many panels
    await expect(said).to_contain_text("ClickHouse does not answer now.")
    surface.stub.heal()
    service.age_ms = 0
    await said.get_by_role("button", name="Try again").click()
    await expect(said).to_have_count(0)
    await expect(page.locator("kl-fresh")).to_contain_text("just now")


async def test_every_panel_is_exported_whole(surface: Surface) -> None:
    page, service = await opened(surface)
    await expect(panel(page, "Trend").locator("canvas")).to_be_visible()
    trend = await saved(page, "Trend")
    assert len(trend) == 30
    assert float(trend[0]["views"]) > float(trend[0]["previous_views"]) > 0
    countries = await saved(page, "Countries")
    assert [row["Country"] for row in countries] == ["DE", "US", "FR", "JP", "BR", ""]
    assert "1000" in {asked.get("limit") for asked in service.questions("/v1/metrics")}
    sent = await saved(page, "Delivered bytes")
    assert int(sent[0]["bytes"]) > 0


async def test_all_fits_on_a_phone(surface: Surface) -> None:
    await surface.page.set_viewport_size({"width": 390, "height": 844})
    service = with_films(surface)
    surface.stub.open_chat()
    film = next(iter(surface.stub.assets))
    session = service.session(1)["view_id"]
    for path in ("", f"/videos/{film}", "/views", f"/views/{session}", "/system"):
        page = await surface.open(f"/analytics{path}")
        await expect(page.get_by_role("region").first).to_be_visible()
        await surface.until_page("!document.querySelector('[aria-busy=true]')")
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    await expect(page.get_by_role("link", name="Analytics", exact=True)).to_be_in_viewport()


async def test_who_may_not_see_numbers_is_not_led_there(surface: Surface) -> None:
    surface.tolerate("403")
    with_films(surface)
    surface.stub.permissions = ["session", "assets:read"]
    for path in ("/v1/metrics", "/v1/startup", "/v1/delivery", "/v1/concurrency"):
        surface.stub.fail("GET", path, 403, "Forbidden", "Your roles do not allow this.", times=99)
    page = await surface.open("/analytics")
    await expect(page.get_by_role("heading", name="Analytics is not for this session")).to_be_visible()
    await expect(page.get_by_role("link", name="Analytics", exact=True)).to_have_count(0)


async def test_without_the_service_pages_say_so(surface: Surface) -> None:
    page = await surface.open("/analytics")
    await expect(page.get_by_role("heading", name="Nothing is counted here")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Main").get_by_text("Analytics")).to_have_count(0)


async def test_a_film_leads_to_its_numbers(surface: Surface) -> None:
    surface.stub.account_id = "a" * 32
    surface.stub.put(stub_data.asset("Mine", owner_id="a" * 32), stub_data.asset("Theirs", owner_id="b" * 32))
    surface.stub.open_analytics()
    surface.stub.permissions = ["session", "assets:read", "analytics:read:own"]
    page = await surface.open()
    await page.get_by_role("button", name="More for Theirs").click()
    await expect(page.get_by_role("menuitem", name="Copy link")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Analytics")).to_have_count(0)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="More for Mine").click()
    await page.get_by_role("menuitem", name="Analytics").click()
    await expect(page).to_have_url(re.compile("/analytics/videos/"))
    await expect(page.get_by_role("heading", name="Mine")).to_be_visible()
