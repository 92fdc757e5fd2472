"""Rights in a browser before the real stack: a policy, who may watch a film, the trial, switches, the log."""

from __future__ import annotations

import asyncio
import re
import uuid
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from deploy.local.launcher import Stack
from tests.e2e.people import somebody
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import PATIENCE_MS

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
