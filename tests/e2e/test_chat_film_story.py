"""The chat of a film, in browsers before the real stack: said in it, found, replayed with it, moderated."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect
from playwright.async_api import TimeoutError as NotShown

from deploy.local.launcher import Stack
from tests.e2e.people import Somebody, somebody
from tests.e2e.test_chat_story import choose, said, write
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SOON_MS = 5000
VIDEO = "document.querySelector('video')"


async def film_of(owner: Somebody, stack: Stack, path: Path) -> str:
    """A public film of the owner's, that plays; its id."""
    clip = make_clip(path, frame_count=100, fps=Fraction(25), width=426, height=240)
    pages = stack.url("streaming")
    answer = await owner.context.request.post(
        f"{pages}/v1/assets",
        params={"title": "The lighthouse", "visibility": "public"},
        data=await asyncio.to_thread(clip.path.read_bytes),
        headers={"Content-Type": "video/mp4", "Origin": pages},
        timeout=PATIENCE_MS,
    )
    assert answer.status == 202, await answer.text()
    asset_id = str((await answer.json())["id"])
    async with connected(stack) as api:
        await api.until(asset_id, "playable", "ready")
    return asset_id


async def at(window: Somebody, second: float) -> None:
    """The film stands there."""
    await window.until_page(f"{VIDEO}?.readyState > 0")
    await window.page.evaluate(f"{VIDEO}.pause(); {VIDEO}.currentTime = {second}")
    await window.until_page(f"Math.abs({VIDEO}.currentTime - {second}) < 0.1 && !{VIDEO}.seeking")


async def asked_until(ask: Callable[[], Awaitable[None]], shown: Locator) -> None:
    """Asks for it until the history, which is a moment behind, has it, and it is shown."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            await ask()
            with contextlib.suppress(NotShown):
                await shown.first.wait_for(timeout=SOON_MS)
                return


async def test_a_film_is_talked_about_replayed_and_moderated(
    browser: Browser, platform_stack: Stack, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex[:6]
    pages = platform_stack.url("streaming")
    async with somebody(browser, platform_stack) as ada, somebody(browser, platform_stack) as ben:
        await ada.join("creator", name=f"Ada {mark}")
        await ben.join("viewer", name=f"Ben {mark}")
        asset_id = await film_of(ada, platform_stack, tmp_path / "lighthouse.mp4")

        for window in (ada, ben):
            await window.page.goto(f"{pages}/watch/{asset_id}")
        await at(ben, 2)
        await write(ben.page, "There goes the lamp")
        await write(ben.page, "Turnip soup again")
        await expect(said(ada.page, "Turnip soup again")).to_contain_text(f"Ben {mark}")
        await expect(ben.page.locator(".outbox li")).to_have_count(0)
        await expect(ada.page.locator(".seen")).to_have_count(0)

        # what was said is found, and its place in the film
        await ada.page.get_by_role("button", name="Search", exact=True).click()
        await ada.page.get_by_label("Search this room").fill("LAMP")
        await ada.page.get_by_role("button", name="Go to 0:02 in the film").click()
        await ada.until_page(f"Math.abs({VIDEO}.currentTime - 2) < 0.2")
        await ada.page.locator(".hit").click()
        await expect(ada.page.locator(".rows li:focus")).to_contain_text("There goes the lamp")

        # with the film: not before its time, and then in sync
        await at(ada, 1)
        await ada.page.get_by_role("button", name="Replay").click()
        await expect(ada.page.get_by_text("Nobody said anything around here")).to_be_visible()
        await at(ada, 3)
        await expect(ada.page.locator(".rows time")).to_have_text(["0:02", "0:02"])
        await ada.page.get_by_role("button", name="Live", exact=True).click()
        await choose(ada.page, said(ada.page, "There goes the lamp"), "Remove")
        await expect(said(ben.page, "There goes the lamp")).to_have_count(0)
        await ben.page.get_by_role("button", name="Replay").click()
        await at(ben, 3)
        await expect(ben.page.locator(".rows .words")).to_have_text(["Turnip soup again"])
        await ben.page.get_by_role("button", name="Join the live chat").click()

        # rules are tried on what was said, then switched on
        await ada.page.goto(f"{pages}/rooms/a-{asset_id}/moderate#rules")
        await ada.page.get_by_label("Refuse at once").fill("turnip")
        await ada.page.get_by_label("Hold for a moderator").fill("carrot")
        trial = ada.page.get_by_role("region", name="What they would have done")
        found = trial.get_by_text(re.compile("was let through, would be refused by"))
        await asked_until(ada.page.get_by_role("button", name="Try out").click, found)
        await expect(trial).to_contain_text("Turnip soup again")
        await ada.page.get_by_role("button", name="Switch on").click()
        await expect(ada.page.get_by_text("version 1")).to_be_visible()
        await write(ben.page, "One more turnip")
        refused = ben.page.locator(".outbox li[data-state=refused]")
        await expect(refused).to_be_visible()
        await refused.get_by_role("button", name="Dismiss").click()

        # what is held is decided, and its author is told
        await write(ben.page, "Carrot cake, then")
        await expect(ben.page.locator(".outbox li")).to_contain_text("Waits for a moderator")
        await ada.page.get_by_role("button", name="Waiting").click()
        await ada.page.locator(".waits", has_text="Carrot cake").get_by_role("button", name="Reject").click()
        await expect(ben.page.locator(".outbox li")).to_contain_text("A moderator did not let it through.")

        # the card: what was done and written; a timeout is told with its end
        card = ada.page.locator("wa-dialog", has_text="What they wrote here")

        async def open_card() -> None:
            await ada.page.keyboard.press("Escape")
            await expect(card).to_have_count(0)
            await choose(ada.page, said(ada.page, "Turnip soup again"), f"About Ben {mark}…")
            await expect(card.get_by_role("heading", name="What they wrote here")).to_be_visible()

        await asked_until(open_card, card.locator(".acts", has_text="A message refused"))
        await expect(card.locator(".history li", has_text="Turnip soup again")).to_have_count(1)
        await card.get_by_role("button", name="Time out 10 min").click()
        await expect(ben.page.get_by_text("You are timed out")).to_be_visible()
        await ben.page.reload()
        await expect(ben.page.get_by_text("You are timed out")).to_be_visible()
        await asked_until(open_card, card.locator(".acts", has_text=f"by Ada {mark}"))
        await expect(card.locator(".acts li").first).to_contain_text("Timed out until")
        await card.get_by_role("button", name="Let them write again").click()
        await expect(ben.page.get_by_label("Message", exact=True)).to_be_visible()
