"""The pages of accounts for everybody's eyes and hands, and what they say when something is amiss."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Browser, Page, Route, expect

from deploy.local.launcher import Stack
from tests.e2e.people import somebody

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ENTRANCES = {"/sign-in": "#email", "/redeem#token=kinl_x": "#password", "/redeem": ".blank"}
PAGES = {
    "/account": "kl-sessions .line",
    "/users": ".people .line[data-id]",
    "/users?q=nobody-of-that-name": ".blank",
    "/audit?act=signing.rotate&time=hour": ".page-head",
}
DIALOGS = {"/account": ["New key", "Erase my account…"], "/users": ["Invite"]}
LOOKS = [("light", 1280), ("dark", 390)]


async def look(page: Page, scheme: str, width: int) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": 844})


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_no_page_has_a_barrier_or_is_wider_than_the_screen(
    browser: Browser, platform_stack: Stack, scheme: str, width: int
) -> None:
    async with somebody(browser, platform_stack) as ada:
        ada.tolerate("401")  # nobody is signed in at the entrances
        await look(ada.page, scheme, width)
        found: dict[str, list[str]] = {}
        for path, wanted in ENTRANCES.items():
            await ada.page.goto("about:blank")
            page = await ada.open(path)
            await expect(page.locator(wanted)).to_be_visible()
            found[path] = await ada.barriers()
        await ada.join("admin", name="Ada Lovelace")
        for path, wanted in PAGES.items():
            page = await ada.open(path)
            await expect(page.locator(wanted).first).to_be_visible()
            found[path] = await ada.barriers()
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                found[path].append("wider than the screen")
            for name in DIALOGS.get(path, []):
                await page.get_by_role("button", name=name, exact=True).first.click()
                await expect(page.locator("wa-dialog form")).to_be_visible()
                found[f"{path}: {name}"] = await ada.barriers()
                await page.keyboard.press("Escape")
                await expect(page.locator("wa-dialog")).to_have_count(0)
        assert found == {place: [] for place in found}


async def test_what_is_not_there_yet_is_awaited_and_trouble_has_a_remedy(
    browser: Browser, platform_stack: Stack
) -> None:
    gate = asyncio.Event()
    trouble = {"title": "Away", "detail": "Redis does not answer: see `kinolog status`.", "trace_id": TRACE}

    async def late_and_wrong(route: Route) -> None:
        await gate.wait()
        await route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(trouble))

    async with somebody(browser, platform_stack) as ada:
        ada.tolerate("503")
        await ada.join("admin", name="Ada")
        for path, data in (("/users", "**/v1/users?*"), ("/audit", "**/v1/audit"), ("/account", "**/v1/me")):
            gate.clear()
            await ada.page.route(data, late_and_wrong)
            page = await ada.open(path)
            await expect(page.locator("[aria-busy=true]").first).to_be_visible()
            gate.set()
            notice = page.get_by_role("alert")
            await expect(notice).to_contain_text("Redis does not answer")
            await expect(notice.get_by_title(TRACE)).to_be_visible()
            await page.unroute(data)
            await notice.get_by_role("button", name="Try again").click()
            await expect(notice).to_have_count(0)


async def test_who_may_not_is_told_so_and_by_what_it_would_change(
    browser: Browser, platform_stack: Stack
) -> None:
    async with somebody(browser, platform_stack) as vera:
        vera.tolerate("403")
        await vera.join("viewer", name="Vera")
        for path, what in (("/users", "The list of accounts"), ("/audit", "The audit")):
            page = await vera.open(path)
            await expect(page.get_by_role("heading", name=f"{what} is not for this session")).to_be_visible()
            await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            assert await vera.barriers() == []


async def test_the_administrators_key_signs_in_here_and_has_no_account(
    browser: Browser, platform_stack: Stack
) -> None:
    async with somebody(browser, platform_stack) as admin:
        admin.tolerate("401", "403")
        page = await admin.open("/sign-in?next=https://elsewhere.example/")
        await page.get_by_role("button", name="Use the administrator's API key").click()
        await page.get_by_label("API key", exact=True).fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.locator("#api-key-error")).to_contain_text("This key is not known here")
        await page.get_by_label("API key", exact=True).fill(platform_stack.credentials["admin_api_key"])
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{platform_stack.url('streaming')}/")
        await admin.open("/account")
        await expect(page.get_by_role("heading", name="An API key has no account")).to_be_visible()
        await page.get_by_role("link", name="Invite people").click()
        await expect(page.get_by_role("button", name="Administrator account menu")).to_be_visible()
        await expect(page.get_by_role("button", name="Invite", exact=True).first).to_be_visible()
        policy = (await page.request.get(f"{admin.base}/users")).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
