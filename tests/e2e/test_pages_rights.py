"""Rights in a browser before the real stack: a policy, who may watch a film, the trial, switches, the log."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from deploy.local.launcher import Stack
from tests.e2e.people import Somebody, somebody
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import PATIENCE_MS
from tests.support.cinema import Office

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def until_told(log: Locator, text: str) -> None:
    """Reads the log anew until it has this: it is a moment behind."""
    anew = log.get_by_role("button", name="Read anew")
    async with asyncio.timeout(PATIENCE_MS / 1000):
        await expect(anew).to_be_enabled()
        while text not in (await log.text_content() or ""):
            await anew.click()
            await expect(anew).to_be_enabled()


async def test_an_office_rules_a_film_and_sees_what_was_decided(
    browser: Browser, platform_stack: Stack, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frame_count=24, fps=Fraction(12), width=320, height=180)
    pages, policy = platform_stack.url("streaming"), f"screens-{uuid.uuid4().hex[:6]}"
    async with connected(platform_stack) as api:
        asset_id = await api.upload_file(clip.path, visibility="public", protection="cenc")
        await api.until(asset_id, "ready")
    async with somebody(browser, platform_stack) as ada, somebody(browser, platform_stack) as vera:
        await ada.join("admin", name="Ada")
        await vera.join("viewer", name="Vera")
        page = ada.page

        # a policy is written in words
        ada.tolerate("404")  # it is not there until its rules are
        await page.goto(f"{pages}/rights")
        await page.get_by_role("button", name="New policy").click()
        await page.get_by_label("Name").fill(policy)
        await page.get_by_role("button", name="Write its rules").click()
        await page.locator("[name=max_streams]").fill("2")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("version 1", exact=True)).to_be_visible()

        # and rewritten: what it said before stays to be seen
        await page.locator("[name=max_streams]").fill("3")
        await page.locator("[name=max_devices]").fill("5")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("version 2", exact=True)).to_be_visible()
        versions = page.get_by_role("list", name="Versions")
        newest, first = versions.locator("[data-version='2']"), versions.locator("[data-version='1']")
        await expect(newest.locator("del")).to_have_text("At most 2 films at once.")
        await expect(newest.locator("ins")).to_have_text(["At most 3 films at once.", "At most 5 devices."])
        await expect(first.locator("ins")).to_have_text(["At most 2 films at once."])
        await expect(first.locator("del")).to_have_count(0)

        # the film: keys by their ids alone, who may watch it, and what a viewer would be told
        await page.goto(f"{pages}/assets/{asset_id}/protection")
        await expect(page.get_by_role("list", name="Keys").locator("li")).to_have_count(2)
        await page.get_by_role("button", name="Change").click()
        await page.get_by_role("radio", name=re.compile("^Rent")).check()
        await page.get_by_label("Policy").select_option(policy)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("link", name=policy)).to_be_visible()
        trial = page.locator("kl-trial")
        await trial.get_by_label("Account id").fill(vera.account_id)
        await trial.get_by_role("button").click()
        await expect(trial).to_contain_text("rented or bought")

        # a right, given here as a shop would
        await page.goto(f"{pages}/rights/accounts/{vera.account_id}")
        await page.get_by_role("button", name="Give a right").click()
        await page.get_by_label("Right", exact=True).select_option("bought")
        await page.get_by_label("Film id").fill(asset_id)
        await page.get_by_role("button", name="Give it").click()
        await expect(page.get_by_role("list", name="Rights").locator("li")).to_have_count(1)

        # it plays; its viewer sees that on their account, and so does the office
        await vera.page.goto(f"{pages}/watch/{asset_id}")
        await vera.until_page("document.querySelector('video')?.currentTime > 0")
        theirs = await vera.open("/account")
        await expect(theirs.get_by_role("list", name="Devices").locator("li")).to_have_count(1)
        await page.goto(f"{pages}/rights/licences")
        log = page.locator("kl-licences")
        await until_told(log, f"{vera.account_id[:4]}…{vera.account_id[-4:]}")

        # switched off: nobody gets a licence
        await page.goto(f"{pages}/assets/{asset_id}/protection")
        await page.get_by_role("button", name="Switch off…").click()
        await page.get_by_label("Reason").fill("a claim came in")
        await page.get_by_role("button", name="Switch off", exact=True).click()
        await expect(page.get_by_text("Switched off").first).to_be_visible()
        await trial.get_by_label("Account id").fill(vera.account_id)
        await trial.get_by_role("button").click()
        await expect(trial).to_contain_text("switched off")


LOOKS: list[tuple[Any, int]] = [("light", 1280), ("dark", 390)]


async def judge(who: Somebody, place: str, found: dict[str, list[str]]) -> None:
    """What is wrong with what the window shows, in every look."""
    for scheme, width in LOOKS:
        await who.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await who.page.set_viewport_size({"width": width, "height": 844})
        problems = found[f"{place} {scheme}"] = await who.barriers()
        if await who.page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append("wider than the screen")


async def test_no_page_of_rights_has_a_barrier_or_is_wider_than_the_screen(
    browser: Browser, platform_stack: Stack, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frame_count=240, fps=Fraction(12), width=320, height=180)
    pages, policy = platform_stack.url("streaming"), f"looks-{uuid.uuid4().hex[:6]}"
    office, found = Office(platform_stack), dict[str, list[str]]()
    async with connected(platform_stack) as api:
        clear = await api.upload_file(clip.path)
        film = await api.upload_file(clip.path, visibility="public", protection="cenc")
        await api.until(clear, "ready")
        await api.until(film, "ready")
    async with somebody(browser, platform_stack) as ada, somebody(browser, platform_stack) as vera:
        await ada.join("admin", name="Ada Lovelace")
        await vera.join("viewer", name="Vera Rubin")
        for version in range(2):
            await office.change_policy(policy, version, max_streams=1, max_devices=9 - version)

        async def look(who: Somebody, url: str, wanted: str, dialogs: Sequence[str] = ()) -> None:
            await who.page.goto(url)
            await expect(who.page.locator(wanted).first).to_be_visible()
            await judge(who, f"{url} {wanted}", found)
            for name in dialogs:
                await who.page.get_by_role("button", name=name).first.click()
                await expect(who.page.locator("wa-dialog form")).to_be_visible()
                await judge(who, f"{url}: {name}", found)
                await who.page.keyboard.press("Escape")
                await expect(who.page.locator("wa-dialog")).to_have_count(0)

        # what a viewer sees: a denial, what plays on their account, a denial that lists it
        await office.film(film, access="rental", policy=policy)
        vera.tolerate("403")
        await look(vera, f"{pages}/watch/{film}", ".denied")
        await office.rent(vera.account_id, film)
        await vera.page.get_by_role("button", name="Try again").click()
        await vera.until_page("document.querySelector('video')?.currentTime > 0")
        await vera.page.evaluate("document.querySelector('video').loop = true")
        async with somebody(browser, platform_stack) as phone:
            phone.tolerate("403")
            phone.email = vera.email
            await phone.sign_in()
            await look(phone, f"{pages}/watch/{film}", ".denied li")
            await look(phone, f"{phone.base}/account", "kl-watching .playing", ["Remove"])

            # what an office sees
            ada.tolerate("404")  # of the film in clear
            account = f"{pages}/rights/accounts/{vera.account_id}"
            await look(ada, account, ".playing", ["Switch licences off…", "Give a right", "Switch off"])
        await look(ada, f"{pages}/rights", ".line[data-policy]", ["New policy"])
        await look(ada, f"{pages}/rights/policies/{policy}", ".versions [data-version='2']")
        await look(ada, f"{pages}/rights/policies/{policy}-new", "form.rules")
        await look(ada, f"{pages}/rights/licences", ".log .line")
        await look(ada, f"{pages}/rights/licences?code=no_such", ".blank")
        dialogs = ["Change", "Switch off…", "Protect it otherwise…"]
        await look(ada, f"{pages}/assets/{film}/protection", "kl-protect button", dialogs)
        await look(ada, f"{pages}/assets/{clear}/protection", "kl-protect button", ["Protect this film…"])
    await office.close()
    assert found == {place: [] for place in found}
