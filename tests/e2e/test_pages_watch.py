"""The watch page: both players, every state, controls by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_data import Json
from tests.e2e.stub_server import GUEST, KEY

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def ready(surface: Surface, state: str = "ready", **more: object) -> Json:
    item = stub_data.asset("Harbour at first light", state, duration_s=12, **more)
    surface.stub.put(item)
    surface.stub.append(item["id"], *stub_data.log_of(item["id"]))
    return item


async def playing(surface: Surface, beyond_s: float = 0.3) -> None:
    """Waits until pictures move: time runs and frames were decoded."""
    video = "document.querySelector('video')"
    await surface.until_page(
        f"{video}?.currentTime > {beyond_s} && {video}.videoWidth > 0 && !{video}.paused"
    )


@pytest.mark.parametrize(("query", "engine"), [("", "hls.js"), ("?player=dash", "shaka-player")])
async def test_both_players_play_and_show_statistics(surface: Surface, query: str, engine: str) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}{query}")
    await playing(surface)
    await page.keyboard.press("i")
    panel = page.get_by_role("complementary", name="Playback statistics")
    await expect(panel).to_contain_text(engine)
    await expect(panel).to_contain_text("dropped")
    await page.keyboard.press("i")
    await expect(panel).to_be_hidden()


async def test_switching_the_protocol_keeps_the_place(surface: Surface) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}")
    await playing(surface)
    await page.evaluate("document.querySelector('video').currentTime = 6")
    await playing(surface, 6)
    await page.get_by_role("button", name="DASH").click()
    await expect(page).to_have_url(f"{surface.base}/watch/{item['id']}?player=dash")
    await expect(page.get_by_role("button", name="DASH")).to_have_attribute("aria-pressed", "true")
    await surface.until_page("document.querySelector('kl-player').engine?.name.startsWith('shaka')")
    await playing(surface, 5.5)


async def test_quality_menu_has_the_ladder_and_pins_a_rung(surface: Surface) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}")
    await playing(surface)
    await page.locator("media-rendition-menu-button").click()
    menu = page.locator("media-rendition-menu")
    await expect(menu.get_by_text("360p", exact=True)).to_be_visible()
    await menu.get_by_text("360p", exact=True).click()
    await surface.until_page("document.querySelector('video').videoHeight === 360")
    await surface.until_page("document.querySelector('kl-player').engine.stats().rung?.height === 360")


async def test_keys_drive_the_player_from_anywhere(surface: Surface) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}")
    await playing(surface)
    video = "document.querySelector('video')"
    await page.keyboard.press("k")
    assert await page.evaluate(f"{video}.paused")
    await page.evaluate(f"{video}.currentTime = 2")
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate(f"{video}.currentTime") == pytest.approx(7, abs=0.2)
    await page.keyboard.press("j")
    assert await page.evaluate(f"{video}.currentTime") == 0
    await page.keyboard.press(">")
    assert await page.evaluate(f"{video}.playbackRate") == 1.25
    await page.keyboard.press("m")
    assert await page.evaluate(f"{video}.muted")
    await page.keyboard.press("k")
    await playing(surface)


async def test_previews_come_from_the_storyboard(surface: Surface) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}")
    await playing(surface)
    await page.locator("media-time-range").hover()
    await surface.until_page(
        "document.querySelector('media-time-range')?.mediaPreviewImage?.includes('storyboard/0.jpg')"
    )


async def test_film_starts_by_itself_while_it_is_processed(surface: Surface) -> None:
    item = ready(surface, "processing", age_s=2)
    page = await surface.open(f"/watch/{item['id']}")
    await expect(page.get_by_role("heading", name="Encoding the first seconds…")).to_be_visible()
    await surface.until(lambda: surface.stub.watched(f"asset/{item['id']}"))
    playable = stub_data.asset("Harbour at first light", "playable", age_s=2, duration_s=12, id=item["id"])
    playable["links"]["hls"] = f"/v1/assets/{item['id']}/hls/master.m3u8"
    surface.stub.put(playable)
    await playing(surface)
    await expect(page.get_by_role("button", name="DASH")).to_be_disabled()
    surface.stub.progress(item["id"], percent=75, chunks_done=9, chunks_total=12, eta_s=8, work=[])
    await expect(page.locator(".encoding")).to_contain_text("Chunk 9 of 12")
    await expect(page.locator(".encoding")).to_contain_text("8 s left")
    surface.stub.change(item["id"], state="ready")
    await expect(page.locator(".encoding")).to_have_count(0)
    await expect(page.get_by_role("button", name="DASH")).to_be_enabled()
    await playing(surface)


async def test_quality_stays_low_until_the_film_is_whole(surface: Surface) -> None:
    surface.stub.encoded_segments = 4
    item = ready(surface, "playable")
    high: list[str] = []
    surface.page.on("request", lambda r: high.append(r.url) if "/360p/" in r.url else None)
    await surface.open(f"/watch/{item['id']}")
    await playing(surface, 5)
    assert high == []
    surface.stub.encoded_segments = None
    surface.stub.change(item["id"], state="ready")
    await surface.until_page("document.querySelector('kl-player').engine.stats().rung?.height === 360")
    await surface.until_page("document.querySelector('video').videoHeight === 360")


async def test_bound_of_quality_follows_the_lead_of_the_encoder(surface: Surface) -> None:
    page = await surface.open("/watch/nothing")
    surface.tolerate("404")

    async def bound(lead_s: float, *, capped: bool, levels: int = 4, growing: bool = True) -> int:
        given = {"lead_s": lead_s, "capped": capped, "levels": levels, "growing": growing}
        call = "async (given) => (await import('/web/watch/level-cap.js')).highestLevel(given)"
        return int(await page.evaluate(call, given))

    assert [await bound(lead, capped=True) for lead in (0, 29, 30)] == [1, 1, -1]
    assert [await bound(lead, capped=False) for lead in (30, 10, 9)] == [-1, -1, 1]
    assert [await bound(0, capped=True, levels=levels) for levels in (0, 1, 2, 3, 6)] == [-1, -1, 0, 1, 1]
    assert await bound(0, capped=True, growing=False) == -1


async def test_failure_is_a_sentence_and_a_way_to_the_cause(surface: Surface) -> None:
    broken = stub_data.failure("truncated", "The end of the file is missing. Export it again and upload it.")
    item = ready(surface, "failed", failure=broken)
    page = await surface.open(f"/watch/{item['id']}")
    await expect(page.get_by_role("heading", name="This film could not be processed")).to_be_visible()
    await expect(page.locator(".stage")).to_contain_text("The end of the file is missing.")
    await expect(page.locator(".stage")).to_contain_text("truncated")
    await expect(page.locator(".stage").get_by_role("link", name="Why?")).to_have_attribute(
        "href", f"/assets/{item['id']}/log"
    )
    await expect(page.locator("video")).to_have_count(0)


async def test_unknown_film(surface: Surface) -> None:
    surface.tolerate("404")
    page = await surface.open("/watch/nothing")
    await expect(page.get_by_role("heading", name="No film lives here")).to_be_visible()


@pytest.mark.parametrize("place", ["/watch/{id}", "/assets/{id}/log"])
async def test_what_another_key_may_see_is_read_after_signing_in(surface: Surface, place: str) -> None:
    surface.tolerate("403")
    item = ready(surface)
    surface.stub.permissions = GUEST
    surface.stub.fail(
        "GET", f"/v1/assets/{item['id']}", 403, "Not allowed", "This watch link opens another asset.", times=3
    )
    path = place.format(id=item["id"])
    page = await surface.open(path)
    notice = page.get_by_role("alert")
    await expect(notice).to_contain_text("This watch link opens another asset.")
    await expect(notice.get_by_role("button", name="Try again")).to_have_count(0)
    await notice.get_by_role("button", name="Sign in with an API key").click()
    surface.stub.heal()
    await page.get_by_label("API key", exact=True).fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Ready in every rendition").first).to_be_visible()
    await expect(page).to_have_url(surface.base + path)


async def test_media_that_does_not_arrive_ends_in_a_sentence(surface: Surface) -> None:
    surface.tolerate("503")
    item = ready(surface)
    surface.stub.fail("GET", f"/v1/assets/{item['id']}/hls", 503, "Store away", "Later.", times=1000)
    page = await surface.open(f"/watch/{item['id']}")
    await expect(page.locator(".over")).to_contain_text("did not arrive")
    surface.stub.heal()
    await page.locator(".over").get_by_role("button", name="Try again").click()
    await playing(surface)


async def test_newest_events_stand_beside_the_film(surface: Surface) -> None:
    item = ready(surface)
    page = await surface.open(f"/watch/{item['id']}")
    panel = page.get_by_role("region", name="On the log")
    await expect(panel.get_by_role("listitem").first).to_contain_text("Ready in every rendition")
    await surface.until(lambda: surface.stub.watched(f"log/{item['id']}"))
    writer = stub_data.LogWriter(item["id"] + "x")
    surface.stub.append(item["id"], writer.add("StoryboardAdded", {"tile_count": 12}, after_ms=70_000))
    await expect(panel.get_by_role("listitem").first).to_contain_text("Preview pictures added (12)")
