"""Who may see a film: shown, and changed by those who may."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_server import ADMINISTRATOR, CREATOR

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
ME = "a" * 32


def creator(surface: Surface) -> None:
    surface.stub.permissions, surface.stub.account_id = CREATOR, ME


async def test_an_owner_shows_a_film_to_everybody(surface: Surface) -> None:
    creator(surface)
    item = stub_data.asset("Harbour at first light", "uploaded", owner_id=ME)
    surface.stub.put(item)
    page = await surface.open(f"/watch/{item['id']}")
    await page.get_by_role("button", name="Who may see it: Only you").click()
    await expect(page.get_by_role("menuitem", name="Anyone with the link")).to_be_visible()
    assert await surface.barriers() == []
    await page.get_by_role("menuitem", name="Public").click()
    await expect(page.get_by_role("button", name="Who may see it: Public")).to_be_visible()
    assert surface.stub.assets[item["id"]]["visibility"] == "public"


async def test_a_refused_change_says_so_and_shows_what_holds(surface: Surface) -> None:
    item = stub_data.asset("Harbour at first light", "uploaded")
    surface.stub.put(item)
    surface.tolerate("503")
    surface.stub.fail("PATCH", "/v1/assets", 503, "Not answering", "The log takes no requests now.")
    page = await surface.open(f"/watch/{item['id']}")
    await page.get_by_role("button", name="Who may see it").click()
    await page.get_by_role("menuitem", name="Public").click()
    await expect(page.locator(".toast")).to_have_text("The log takes no requests now.")
    await expect(page.get_by_role("button", name="Who may see it: Only you")).to_be_visible()


async def test_cards_show_it_and_offer_to_change_one_s_own_only(surface: Surface) -> None:
    creator(surface)
    surface.stub.put(
        stub_data.asset("Mine", owner_id=ME),
        stub_data.asset("Theirs", owner_id="b" * 32, visibility="public"),
    )
    page = await surface.open()
    mine, theirs = page.locator(".card", has_text="Mine"), page.locator(".card", has_text="Theirs")
    await expect(theirs.locator(".badge.top")).to_have_text("Public")
    await expect(mine.locator(".badge.top")).to_have_count(0)
    await page.get_by_role("button", name="More for Theirs").click()
    await expect(theirs.get_by_role("menuitem", name="Copy link")).to_be_visible()
    for offer in ("Anyone with the link", "Delete…", "Events"):
        await expect(theirs.get_by_role("menuitem", name=offer)).to_have_count(0)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="More for Mine").click()
    await mine.get_by_role("menuitem", name="Anyone with the link").click()
    await expect(mine.locator(".badge.top")).to_have_text("Anyone with the link")
    await page.get_by_role("button", name="Public", exact=True).click()
    await expect(page.locator(".card[data-id]")).to_have_count(1)
    await expect(theirs).to_be_visible()


async def test_a_viewer_begins_with_what_is_public(surface: Surface) -> None:
    surface.stub.permissions, surface.stub.account_id = ["assets:read:own", "session"], ME
    surface.stub.put(stub_data.asset("Theirs", visibility="public"), stub_data.asset("Hidden"))
    page = await surface.open()
    await expect(page.get_by_role("button", name="Public", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(page.locator(".card[data-id]")).to_have_count(1)
    await expect(page.locator(".card", has_text="Theirs")).to_be_visible()


async def test_a_stranger_sees_a_public_film_and_is_asked_nothing(surface: Surface) -> None:
    surface.tolerate("401")  # the question who is signed in
    surface.stub.signed_in = False
    item = stub_data.asset("Harbour at first light", "uploaded", visibility="public")
    surface.stub.put(item)
    page = await surface.open(f"/watch/{item['id']}")
    await expect(page.get_by_role("heading", name="Harbour at first light")).to_be_visible()
    await expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    await expect(page.get_by_role("button", name="Who may see it")).to_have_count(0)
    await expect(page.get_by_role("link", name="Why?")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_who_changes_or_deletes_somebody_else_s_film_is_asked_why(surface: Surface) -> None:
    surface.stub.permissions, surface.stub.account_id = ADMINISTRATOR, ME
    surface.stub.put(
        stub_data.asset("Mine", owner_id=ME),
        stub_data.asset("Theirs", owner_id="b" * 32, visibility="public"),
    )
    page = await surface.open()
    mine, theirs = page.locator(".card", has_text="Mine"), page.locator(".card", has_text="Theirs")
    for decision in ("Cancel", "Change"):
        await page.get_by_role("button", name="More for Theirs").click()
        await theirs.get_by_role("menuitem", name="Only you").click()
        dialog = page.get_by_role("dialog", name="Change who may see “Theirs”?")
        await expect(page.get_by_text("its owner only")).to_be_visible()
        assert await surface.barriers() == []
        await page.get_by_label("Reason").fill("not for everybody")
        await page.get_by_role("button", name=decision, exact=True).click()
        await expect(dialog).to_have_count(0)
    await expect(theirs.locator(".badge.top")).to_have_count(0)
    for name, card in (("Theirs", theirs), ("Mine", mine)):
        await page.get_by_role("button", name=f"More for {name}").click()
        await card.get_by_role("menuitem", name="Delete…").click()
        await expect(page.get_by_role("dialog", name=f"Delete “{name}”?")).to_be_visible()
        if name == "Theirs":
            await page.get_by_label("Reason").fill("shows somebody else")
            assert await surface.barriers() == []
        else:
            await expect(page.get_by_label("Reason")).to_have_count(0)
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(card).to_have_count(0)
    assert surface.stub.reasons == ["not for everybody", "shows somebody else", None]
