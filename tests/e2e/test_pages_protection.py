"""How films are protected: chosen before an upload, or asked for on the page of a film that is finished."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from deploy.local.launcher import Stack
from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.people import somebody
from tests.e2e.stub_data import Json
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def dialog(surface: Surface) -> Locator:
    return surface.page.locator("wa-dialog")


async def upload(surface: Surface, folder: Path, name: str) -> Json:
    path = folder / f"{name}.mp4"
    path.write_bytes(b"film")
    await surface.page.locator("#files").set_input_files(path)
    await expect(surface.page.locator(".card[data-id]", has_text=name)).to_be_visible()
    [sent] = [one for one in surface.stub.uploads if one["title"] == name]
    return sent["protection"]  # type: ignore[no-any-return]


async def test_uploads_are_protected_as_was_chosen(surface: Surface, tmp_path: Path) -> None:
    surface.stub.open_drm()
    surface.stub.policies = ["default", "rentals"]
    page, ask = await surface.open(), dialog(surface)

    async def used(name: str) -> Json:
        """What an upload is sent with once the dialog's choice is taken."""
        await ask.get_by_role("button", name="Use it").click()
        await expect(ask).to_have_count(0)
        return await upload(surface, tmp_path, name)

    assert await upload(surface, tmp_path, "in clear") == {}
    await page.get_by_role("button", name="Protection of uploads: none").click()
    await expect(ask.get_by_role("radio", name=re.compile("^None"))).to_be_checked()
    await expect(ask.get_by_role("checkbox")).to_have_count(0)

    # what suits most films is chosen already; FairPlay takes cbcs alone
    await ask.get_by_role("radio", name=re.compile("^cenc")).check()
    await expect(ask.get_by_role("checkbox", name=re.compile("^Clear Key"))).to_be_checked()
    await expect(ask.get_by_role("checkbox", name=re.compile("^FairPlay"))).to_be_disabled()
    assert await surface.barriers() == []
    assert await used("usual") == {"protection": "cenc", "systems": "clearkey", "policy": "default"}

    # all of it chosen; then FairPlay goes again with its scheme
    await page.get_by_role("button", name="Protection of uploads: cenc").click()
    await ask.get_by_role("radio", name=re.compile("^cbcs")).check()
    await ask.get_by_role("checkbox", name=re.compile("^FairPlay")).check()
    await ask.get_by_label("Policy").select_option("rentals")
    assert await used("for all") == {
        "protection": "cbcs",
        "systems": "clearkey,fairplay",
        "policy": "rentals",
    }
    await page.get_by_role("button", name="Protection of uploads: cbcs").click()
    await ask.get_by_role("checkbox", name=re.compile("^Clear Key")).uncheck()
    await ask.get_by_role("radio", name=re.compile("^cenc")).check()
    await expect(ask.get_by_text("Choose one system or more")).to_be_visible()
    await expect(ask.get_by_role("button", name="Use it")).to_be_disabled()
    await ask.get_by_role("radio", name=re.compile("^None")).check()
    assert await used("in clear again") == {}


async def test_only_who_may_is_offered_protection(surface: Surface) -> None:
    page = await surface.open()
    await expect(page.get_by_role("button", name="Upload")).to_be_visible()
    await expect(page.get_by_role("button", name="Protection of uploads")).to_have_count(
        0
    )  # nobody gives licences
    surface.stub.open_drm()
    surface.stub.permissions = ["assets:read:own", "drm:read", "session"]
    await surface.open()
    await expect(page.get_by_role("heading", name="Library")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await expect(page.get_by_role("button", name="Protection of uploads")).to_have_count(0)


async def test_a_finished_film_is_protected_and_followed_until_it_is(surface: Surface) -> None:
    surface.tolerate("404")  # of the drm service, as long as the film is in clear
    stub = surface.stub
    stub.open_drm()
    item = stub_data.asset("Harbour at first light", "ready")
    stub.put(item)
    page, ask = await surface.open(), dialog(surface)
    await page.get_by_role("button", name="More for Harbour").click()
    await page.get_by_role("menuitem", name="Protection").click()
    await page.get_by_role("button", name="Protect this film…").click()
    await expect(ask.get_by_role("radio", name=re.compile("^None"))).to_have_count(0)
    await ask.get_by_role("button", name="Protect", exact=True).click()
    bar = page.get_by_role("progressbar", name="Protection")
    await expect(bar).to_be_visible()
    wish = {"scheme": "cenc", "systems": ["clearkey"], "policy": "default", "reason": None}
    assert stub.wishes == [wish]
    asked = stub.assets[item["id"]]["protecting"]
    stub.change(item["id"], protecting={**asked, "percent": 40})
    await expect(page.get_by_text("40 % of it is encoded again")).to_be_visible()
    assert await surface.barriers() == []

    # it fails once, and says why; then it is done
    failure = {"code": "source_missing", "sentence": "The upload is not there any more."}
    stub.change(item["id"], protecting=None, protection_failure=failure)
    await expect(page.get_by_role("alert")).to_contain_text("The upload is not there any more.")
    await page.get_by_role("button", name="Protect this film…").click()
    await ask.get_by_role("button", name="Protect", exact=True).click()
    await expect(bar).to_be_visible()
    keys = [{"label": "audio", "kid": "a" * 32}, {"label": "sd", "kid": "b" * 32}]
    shown = {"scheme": "cenc", "systems": ["clearkey"], "version": 1}
    stub.films[item["id"]] = {
        "asset_id": item["id"], "title": item["title"], "owner_id": None, "access": "free",
        "policy_id": "default", "policy_version": 0, "rules": {}, "stopped": False,
        "protection": {**shown, "keys": keys},
    }  # fmt: skip
    protection = {**shown, "policy": "default", "keys": {"audio": "a" * 32, "sd": "b" * 32}}
    stub.change(item["id"], protecting=None, protection_failure=None, protection=protection)
    await expect(page.get_by_role("list", name="Keys").locator("li")).to_have_count(2)
    await page.get_by_role("button", name="Protect it otherwise…").click()
    await expect(ask.get_by_role("radio", name=re.compile("^cenc"))).to_be_checked()


async def test_a_film_in_clear_is_protected_by_its_owner(
    browser: Browser, platform_stack: Stack, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frame_count=24, width=320, height=180)
    async with connected(platform_stack) as api, somebody(browser, platform_stack) as ada:
        asset_id = await api.upload_file(clip.path)
        await api.until(asset_id, "ready")
        ada.tolerate("404")
        await ada.join("admin", name="Ada")
        page = ada.page
        await page.goto(f"{platform_stack.url('streaming')}/assets/{asset_id}/protection")
        await page.get_by_role("button", name="Protect this film…").click()
        ask = page.locator("wa-dialog")
        await ask.get_by_role("radio", name=re.compile("^cbcs")).check()
        await ask.get_by_label("Reason").fill("a claim of its makers")
        await ask.get_by_role("button", name="Protect", exact=True).click()
        await expect(page.get_by_role("list", name="Keys").locator("li")).to_have_count(2)
        await expect(page.get_by_text("cbcs (AES-CBC pattern)")).to_be_visible()
        found = await api.until(asset_id, "ready")
        assert (found["protection"]["scheme"], found["protection"]["systems"]) == ("cbcs", ["clearkey"])
