"""What holds for every page: usable by keyboard, readable by everyone, small, strict, at home on a phone."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable

import pytest
from playwright.async_api import Page, expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_chat import ADA, BEN, conversation
from tests.e2e.stub_server import GUEST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MOST_SCRIPT_BYTES = 300_000


async def _library(surface: Surface) -> Page:
    surface.stub.put(*stub_data.library())
    page = await surface.open()
    await expect(page.locator(".card[data-id]")).to_have_count(14)
    await surface.until_page("customElements.get('wa-dropdown')")
    return page


async def _watch(surface: Surface) -> Page:
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    surface.stub.append(item["id"], *stub_data.log_of(item["id"]))
    page = await surface.open(f"/watch/{item['id']}")
    await surface.until_page("document.querySelector('video')?.currentTime > 0")
    return page


async def _log(surface: Surface) -> Page:
    item = stub_data.asset("Harbour at first light")
    surface.stub.put(item)
    surface.stub.append(item["id"], *stub_data.log_of(item["id"]))
    page = await surface.open(f"/assets/{item['id']}/log")
    await page.get_by_role("button", name="The file was checked and understood").click()
    return page


async def _empty(surface: Surface) -> Page:
    page = await surface.open()
    await expect(page.get_by_text("Your first film goes here")).to_be_visible()
    return page


async def _talk(surface: Surface) -> Page:
    chat = surface.stub.open_chat()
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    surface.stub.account_id = BEN["id"]
    room_id = chat.room(f"a-{item['id']}")
    conversation(chat, room_id)
    page = await surface.open(f"/watch/{item['id']}")
    await expect(page.locator(".rows li")).to_have_count(9)
    chat.answer = {"code": "rejected", "detail": "This room takes no links."}
    await page.get_by_label("Message", exact=True).fill("look at this")
    await page.keyboard.press("Enter")
    await expect(page.locator(".outbox li[data-state=refused]")).to_be_visible()
    return page


async def _rooms(surface: Surface) -> Page:
    chat = surface.stub.open_chat()
    chat.room("a-1234", title="Night train", topic="Spoilers welcome", slow_mode_s=30, mode="followers")
    chat.room("r-" + "0" * 32, title="The foyer", access="members", archived=True)
    page = await surface.open("/rooms")
    await expect(page.get_by_role("link", name="The foyer", exact=True)).to_be_visible()
    return page


async def _moderate(surface: Surface) -> Page:
    chat = surface.stub.open_chat()
    chat.moderator = True
    surface.stub.account_id = ADA["id"]
    room_id = chat.room("r-" + "0" * 32, topic="Questions to the crew")
    conversation(chat, room_id)
    page = await surface.open(f"/rooms/{room_id}/moderate#rules")
    await expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    await expect(page.locator(".rows li")).to_have_count(9)
    return page


PAGES = {
    "library": _library, "watch": _watch, "log": _log, "empty": _empty, "talk": _talk, "rooms": _rooms,
    "moderate": _moderate,
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_no_serious_barrier(surface: Surface, name: str, scheme: str, width: int) -> None:
    await surface.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await surface.page.set_viewport_size({"width": width, "height": 844})
    await PAGES[name](surface)
    assert await surface.barriers() == []


@pytest.mark.parametrize("name", PAGES)
async def test_nothing_is_wider_than_a_phone(surface: Surface, name: str) -> None:
    await surface.page.set_viewport_size({"width": 390, "height": 844})
    page = await PAGES[name](surface)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    nav = await page.get_by_role("navigation", name="Main").bounding_box()
    assert nav is not None
    assert nav["y"] > 700


@pytest.mark.parametrize("name", ["library", "log", "rooms", "moderate"])
async def test_script_of_a_page_without_player_is_small(surface: Surface, name: str) -> None:
    bodies: list[Awaitable[bytes]] = []
    surface.page.on(
        "response", lambda r: bodies.append(r.body()) if r.request.resource_type == "script" else None
    )
    page = await PAGES[name](surface)
    await page.wait_for_load_state("networkidle")
    total = sum([len(gzip.compress(await body, 6)) for body in bodies])
    assert 20_000 < total < MOST_SCRIPT_BYTES


async def test_sign_in_and_delete_dialogs_have_no_barrier(surface: Surface) -> None:
    surface.tolerate("401")
    page = await _library(surface)
    await page.get_by_role("button", name="More for Night train").click()
    await page.locator(".card", has_text="Night train").get_by_role("menuitem", name="Delete…").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await surface.barriers() == []
    surface.stub.signed_in = False
    await page.reload()
    await expect(page.get_by_role("dialog", name="Sign in to Kinolog")).to_be_visible()
    assert await surface.barriers() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_a_guest_sees_has_no_barrier_and_fits_a_phone(surface: Surface, scheme: str) -> None:
    surface.tolerate("403")
    surface.stub.permissions = GUEST
    await surface.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await surface.page.set_viewport_size({"width": 390, "height": 844})
    page = await _library(surface)
    offer = page.get_by_role("button", name="Sign in with an API key")
    title = await page.get_by_role("heading", name="Library", exact=True).bounding_box()
    box = await offer.bounding_box()
    assert title is not None
    assert box is not None
    assert title["y"] < box["y"] + box["height"] / 2 < title["y"] + title["height"], "beside the title"
    assert await surface.barriers() == []
    await offer.click()
    await expect(page.get_by_role("button", name="Not now")).to_be_visible()
    assert await surface.barriers() == []
    surface.stub.fail("GET", "/v1/assets/", 403, "Not allowed", "Another asset.", times=99)
    await page.goto(f"{surface.base}/watch/another")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await surface.barriers() == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_question_mark_lists_the_keys(surface: Surface) -> None:
    page = await _library(surface)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await expect(page.get_by_role("definition").filter(has_text="u")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_whole_library_is_reachable_by_keyboard(surface: Surface) -> None:
    page = await _library(surface)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator("#search")).to_be_focused()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".card h2 a").nth(1)).to_be_focused()
    outline = await page.evaluate(
        "getComputedStyle(document.querySelectorAll('.card .poster')[1]).outlineStyle"
    )
    assert outline == "solid"


async def test_theme_is_chosen_and_kept(surface: Surface) -> None:
    page = await _library(surface)
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.keyboard.press("t")
    await page.keyboard.press("t")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = await page.evaluate(background)
    assert dark != light
    await page.reload()
    assert await page.evaluate(background) == dark


async def test_policy_is_strict_and_modules_are_cached(surface: Surface) -> None:
    page = await _library(surface)
    answer = await page.request.get(f"{surface.base}/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe" not in policy
    icon = await page.evaluate(
        "performance.getEntriesByType('resource').map(r => r.name).find(n => n.includes('/modules/'))"
    )
    assert "immutable" in (await page.request.get(icon)).headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/web/package.json",
        "/web/site.py",
        "/web/shell.html",
        "/web/../site.py",
        "/web/node_modules/lit/index.js",
        "/modules/axe-core/axe.min.js",
        "/modules/lit/../../site.py",
        "/modules/%2e%2e/site.py",
        "/web/%2e%2e/core/app.py",
    ],
)
async def test_only_page_files_are_served(surface: Surface, path: str) -> None:
    answer = await surface.page.request.get(surface.base + path)
    assert answer.status == 404
