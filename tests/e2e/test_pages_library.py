"""The library in every state it can be in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_server import GUEST, KEY, TRACE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def card(surface: Surface, title: str):  # type: ignore[no-untyped-def]
    return surface.page.locator(".card", has_text=title)


async def test_empty_library_says_what_to_do(surface: Surface) -> None:
    page = await surface.open()
    await expect(page.get_by_role("heading", name="Your first film goes here")).to_be_visible()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_loading_shows_skeletons_then_films(surface: Surface) -> None:
    surface.stub.put(*stub_data.library(3))
    gate = surface.stub.hold("/v1/assets")
    page = await surface.open()
    await expect(page.locator(".grid[aria-busy=true] .skeleton").first).to_be_visible()
    gate.set()
    await expect(page.locator(".card[data-id]")).to_have_count(3)
    await expect(page.locator(".skeleton")).to_have_count(0)


async def test_every_state_is_told_apart(surface: Surface) -> None:
    surface.stub.put(*stub_data.library())
    await surface.open()
    await expect(card(surface, "Harbour at first light")).to_contain_text("Chunk 4 of 12")
    await expect(card(surface, "Harbour at first light")).to_contain_text("Plays already")
    await expect(card(surface, "Glacier crossing")).to_contain_text("Checking the file")
    await expect(card(surface, "City in the rain")).to_contain_text("This file is not a video. Choose an MP4")
    await expect(card(surface, "City in the rain").get_by_role("link", name="Why?")).to_be_visible()
    await expect(card(surface, "Night train")).to_contain_text("1080p")


async def test_error_has_remedy_trace_and_retry(surface: Surface) -> None:
    surface.tolerate("503")
    surface.stub.put(*stub_data.library(2))
    surface.stub.fail(
        "GET", "/v1/assets", 503, "The store is away", "Redis does not answer: see `kinolog status`."
    )
    page = await surface.open()
    notice = page.get_by_role("alert")
    await expect(notice).to_contain_text("The library could not be read")
    await expect(notice).to_contain_text("Redis does not answer")
    await expect(notice.get_by_title(TRACE)).to_be_visible()
    await notice.get_by_role("button", name="Try again").click()
    await expect(page.locator(".card[data-id]")).to_have_count(2)


async def test_upload_by_button_shows_progress_and_becomes_a_film(surface: Surface, tmp_path: Path) -> None:
    first, second = tmp_path / "first_film.mp4", tmp_path / "second.mp4"
    first.write_bytes(b"\0" * 300_000)
    second.write_bytes(b"\0" * 200_000)
    page = await surface.open()
    gate = surface.stub.hold("/v1/assets")
    await page.locator("#files").set_input_files([first, second])
    upload = page.locator(".card.upload", has_text="first film")
    await expect(upload.get_by_role("progressbar")).to_be_visible()
    await expect(page.locator(".card.upload", has_text="second")).to_contain_text("Waiting for its turn")
    gate.set()
    await expect(page.locator(".card[data-id]")).to_have_count(2)
    await expect(page.locator(".card.upload")).to_have_count(0)
    assert [(one["title"], one["size"]) for one in surface.stub.uploads] == [
        ("first film", 300_000),
        ("second", 200_000),
    ]
    assert len({one["key"] for one in surface.stub.uploads}) == 2


async def test_a_title_of_joined_emoji_stays_whole(surface: Surface, tmp_path: Path) -> None:
    title = "\U0001f468\u200d\U0001f469\u200d\U0001f467 by the sea"
    film = tmp_path / f"{title}.mp4"
    film.write_bytes(b"film")
    page = await surface.open()
    await page.locator("#files").set_input_files(film)
    await expect(page.locator(".card[data-id] h2")).to_have_text(title)
    assert [one["title"] for one in surface.stub.uploads] == [title]


async def test_progress_is_live(surface: Surface) -> None:
    item = stub_data.asset("Slow film", "processing", age_s=5)
    surface.stub.put(item)
    page = await surface.open()
    film = card(surface, "Slow film")
    await expect(film).to_contain_text("Encoding the first seconds")
    await surface.until(lambda: surface.stub.watched(f"asset/{item['id']}"))
    surface.stub.progress(item["id"], percent=50, chunks_done=6, chunks_total=12, eta_s=40, work=[])
    await expect(film).to_contain_text("Chunk 6 of 12 · 40 s left")
    await expect(film.locator(".cells .done")).to_have_count(6)
    surface.stub.change(item["id"], state="ready")
    await expect(film).to_contain_text("1080p")
    await expect(page.locator(".cells")).to_have_count(0)


async def test_drop_anywhere_uploads(surface: Surface) -> None:
    page = await surface.open()
    await expect(page.get_by_text("Your first film goes here")).to_be_visible()
    transfer = await page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["abc"], "dropped.mp4", {type: "video/mp4"}));
            return transfer;
        }"""
    )
    await page.dispatch_event(".side", "dragenter", {"dataTransfer": transfer})
    await expect(page.get_by_text("Drop to upload")).to_be_visible()
    await page.dispatch_event(".side", "drop", {"dataTransfer": transfer})
    await expect(page.get_by_text("Drop to upload")).to_be_hidden()
    await expect(page.locator(".card[data-id]", has_text="dropped")).to_be_visible()


async def test_hopeless_files_are_refused_before_a_byte_leaves(surface: Surface, tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "notes.txt"
    empty.write_bytes(b"")
    text.write_text("hello")
    page = await surface.open()
    await page.locator("#files").set_input_files([empty, text])
    await expect(card(surface, "empty")).to_contain_text("This file is empty")
    await expect(card(surface, "notes")).to_contain_text("This is not a video")
    await card(surface, "notes").get_by_role("button", name="Remove").click()
    await expect(card(surface, "notes")).to_have_count(0)
    assert surface.stub.uploads == []


async def test_failed_upload_can_be_retried(surface: Surface, tmp_path: Path) -> None:
    surface.tolerate("507")
    surface.stub.fail(
        "POST", "/v1/assets", 507, "The object store is full", "Free some space, then try again."
    )
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0" * 50_000)
    page = await surface.open()
    await page.locator("#files").set_input_files(film)
    upload = page.locator(".card.upload")
    await expect(upload).to_contain_text("Free some space, then try again.")
    await expect(upload.get_by_title(TRACE)).to_be_visible()
    await upload.get_by_role("button", name="Try again").click()
    await expect(page.locator(".card[data-id]", has_text="film")).to_be_visible()


async def test_search_by_key_and_in_the_address(surface: Surface) -> None:
    surface.stub.put(*stub_data.library())
    page = await surface.open()
    await expect(page.locator(".card[data-id]")).to_have_count(14)
    await page.keyboard.press("/")
    await page.keyboard.type("night")
    await expect(page.locator(".card[data-id]")).to_have_count(1)
    await expect(page).to_have_url(f"{surface.base}/?q=night")
    await page.reload()
    await expect(page.locator(".card[data-id]")).to_have_count(1)
    await page.locator("#search").fill("nothing like it")
    await expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    await page.get_by_role("button", name="Show all films").click()
    await expect(page.locator(".card[data-id]")).to_have_count(14)


async def test_long_libraries_come_in_pages(surface: Surface) -> None:
    surface.stub.put(*stub_data.library(60))
    page = await surface.open()
    await expect(page.locator(".card[data-id]")).to_have_count(48)
    await page.get_by_role("button", name="Show more").click()
    await expect(page.locator(".card[data-id]")).to_have_count(60)


async def test_older_films_that_cannot_be_read_say_why_and_can_be_asked_for_again(surface: Surface) -> None:
    surface.tolerate("503")
    surface.stub.put(*stub_data.library(60))
    page = await surface.open()
    await expect(page.locator(".card[data-id]")).to_have_count(48)
    surface.stub.fail("GET", "/v1/assets", 503, "The store is away", "Redis does not answer.", times=1000)
    await page.get_by_role("button", name="Show more").click()
    notice = page.get_by_role("alert")
    await expect(notice).to_contain_text("The older films could not be read")
    await expect(notice).to_contain_text("Redis does not answer.")
    surface.stub.heal()
    await notice.get_by_role("button", name="Try again").click()
    await expect(page.locator(".card[data-id]")).to_have_count(60)


async def test_delete_asks_first(surface: Surface) -> None:
    surface.stub.put(stub_data.asset("Night train"), stub_data.asset("Rehearsal"))
    page = await surface.open()
    for decision, left in (("Keep it", 2), ("Delete", 1)):
        await page.get_by_role("button", name="More for Night train").click()
        await card(surface, "Night train").get_by_role("menuitem", name="Delete…").click()
        await expect(page.get_by_role("dialog", name="Delete “Night train”?")).to_be_visible()
        await page.get_by_role("button", name=decision, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(page.locator(".card[data-id]")).to_have_count(left)
    assert [item["title"] for item in surface.stub.assets.values() if item["state"] == "deleted"] == [
        "Night train"
    ]


async def test_menu_asked_for_before_its_code_is_there_opens_when_it_is(surface: Surface) -> None:
    surface.stub.put(stub_data.asset("Night train"), stub_data.asset("Rehearsal"))
    gate = asyncio.Event()

    async def later(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await surface.page.route("**/dropdown/dropdown.js*", later)
    page = await surface.open()
    await page.get_by_role("button", name="More for Night train").click()
    gate.set()
    await expect(card(surface, "Night train").get_by_role("menuitem", name="Delete…")).to_be_visible()
    await expect(card(surface, "Rehearsal").get_by_role("menuitem", name="Delete…")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menuitem", name="Delete…")).to_have_count(0)


async def test_sign_in_with_key(surface: Surface) -> None:
    surface.tolerate("401")
    surface.stub.signed_in = False
    surface.stub.put(*stub_data.library(2))
    page = await surface.open()
    dialog = page.get_by_role("dialog", name="Sign in to Kinolog")
    await expect(page.locator(".sign-in form")).to_contain_text(
        "admin_api_key in .kinolog/credentials.json, in the folder where Kinolog was started"
    )
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    await page.get_by_label("API key").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.locator("#api-key-error")).to_have_text(
        "This key is not known here. Check it and try again."
    )
    await page.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.locator(".card[data-id]")).to_have_count(2)
    await expect(dialog).to_be_hidden()


async def test_code_of_a_link_signs_in_and_leaves_the_address(surface: Surface) -> None:
    surface.stub.signed_in = False
    item = stub_data.asset("Night train")
    surface.stub.put(item)
    page = await surface.open(f"/watch/{item['id']}#code=good")
    await expect(page.get_by_role("heading", name="Night train")).to_be_visible()
    await expect(page).to_have_url(f"{surface.base}/watch/{item['id']}")


async def test_old_link_says_so_and_asks_for_the_key(surface: Surface) -> None:
    surface.tolerate("401")
    surface.stub.signed_in = False
    item = stub_data.asset("Night train")
    surface.stub.put(item)
    page = await surface.open(f"/watch/{item['id']}#code=old")
    await expect(page.locator("#api-key-error")).to_contain_text("This link no longer signs in")
    await expect(page).to_have_url(f"{surface.base}/watch/{item['id']}")
    await page.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Night train")).to_be_visible()


async def test_a_guest_is_offered_a_key_in_place_of_what_only_a_key_can_do(surface: Surface) -> None:
    surface.stub.permissions = GUEST
    surface.stub.put(stub_data.asset("Night train"))
    page = await surface.open("/?q=train")
    offer = page.get_by_role("button", name="Sign in with an API key")
    await expect(offer).to_be_visible()
    await expect(page.get_by_role("button", name="Upload")).to_have_count(0)
    await page.get_by_role("button", name="More for Night train").click()
    await expect(card(surface, "Night train").get_by_role("menuitem", name="Events")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Delete…")).to_have_count(0)
    await page.keyboard.press("Escape")
    dialog = page.get_by_role("dialog", name="Sign in to Kinolog")
    await offer.click()
    await page.get_by_role("button", name="Not now").click()
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("u")
    await page.get_by_label("API key", exact=True).fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Upload")).to_be_visible()
    await expect(dialog).to_be_hidden()
    await expect(offer).to_have_count(0)
    await expect(page).to_have_url(f"{surface.base}/?q=train")


async def test_an_upload_that_is_refused_is_sent_again_after_signing_in(
    surface: Surface, tmp_path: Path
) -> None:
    surface.tolerate("403")
    surface.stub.fail("POST", "/v1/assets", 403, "The credential does not allow this", "Use another.")
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    page = await surface.open()
    await page.locator("#files").set_input_files(film)
    await page.locator(".card.upload").get_by_role("button", name="Sign in with an API key").click()
    await page.get_by_label("API key", exact=True).fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.locator(".card[data-id]", has_text="film")).to_be_visible()
