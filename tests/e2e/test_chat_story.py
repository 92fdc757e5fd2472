"""Two people in one room, in real browsers before the real stack."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from deploy.local.launcher import Stack
from tests.e2e.people import somebody

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def said(page: Page, text: str) -> Locator:
    return page.locator(".rows li[data-message]", has_text=text)


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def choose(page: Page, row: Locator, entry: str) -> None:
    await row.hover()
    await row.get_by_role("button", name="More for").click()
    await page.get_by_role("menuitem", name=entry, exact=True).click()


async def test_two_people_talk_and_one_goes_too_far(browser: Browser, platform_stack: Stack) -> None:
    mark = uuid.uuid4().hex[:6]
    pages = platform_stack.url("streaming")
    async with somebody(browser, platform_stack) as ada, somebody(browser, platform_stack) as ben:
        await ada.join("creator", name=f"Ada {mark}")
        await ben.join("viewer", name=f"Ben {mark}")
        await ada.page.goto(f"{pages}/rooms")
        await ada.page.get_by_role("button", name="New room").first.click()
        await ada.page.get_by_label("Title").fill(f"Foyer {mark}")
        await ada.page.get_by_role("button", name="Open the room").click()
        await expect(ada.page).to_have_url(re.compile(r"/rooms/r-[0-9a-f]{32}$"))
        await ben.page.goto(ada.page.url)
        await write(ada.page, "Good evening")
        await expect(said(ben.page, "Good evening")).to_contain_text(f"Ada {mark}")
        await expect(said(ben.page, "Good evening")).to_contain_text("Owner")
        await write(ben.page, "You are all wrong")
        await expect(said(ada.page, "You are all wrong")).to_contain_text(f"Ben {mark}")
        await expect(ben.page.locator(".outbox li")).to_have_count(0)

        await choose(ada.page, said(ada.page, "You are all wrong"), "Time out for 10 min")
        await expect(ben.page.get_by_text("You are timed out")).to_be_visible()
        await expect(ben.page.get_by_label("Message", exact=True)).to_be_hidden()
        await choose(ada.page, said(ada.page, "You are all wrong"), "Remove")
        await expect(said(ben.page, "You are all wrong")).to_have_count(0)
        await expect(said(ada.page, "You are all wrong")).to_have_count(0)

        await ben.page.reload()
        await expect(said(ben.page, "Good evening")).to_have_count(1)
        await expect(said(ben.page, "You are all wrong")).to_have_count(0)
        await write(ada.page, "Welcome back")
        await expect(said(ben.page, "Welcome back")).to_have_count(1)
