"""How smooth a page stays: frames a second of a room in Chromium while a crowd writes into it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from tests.bench.harness import OURS, Bench, Goal
from tests.e2e.stub_chat import StubChat
from tests.e2e.stub_server import Stub, serving
from tests.support.browser import launched, new_context

MESSAGES_PER_S: Final = 300
BATCH_S: Final = 0.05
MEASURED_S: Final = 10
MOST_ROWS: Final = 200
ROOM: Final = "r-" + "0" * 32
_SAID: Final = (
    "lol", "What a shot!", "👏👏👏", "@Person 7 I think so too, but wait for the end of it",
    "That is the same street as in the first film, I am quite sure: https://example.org/streets",
    "Sound is perfect tonight. Thank you to whoever restored this print, it must have taken months of work.",
)  # fmt: skip
_FRAMES: Final = """
(for_ms) => new Promise((resolve) => {
  let frames = 0, began = null;
  const frame = (at) => {
    began ??= at;
    if (at - began >= for_ms) return resolve(frames / (at - began) * 1000);
    frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""


def benches() -> list[Bench]:
    """`chat.page_fps`: frames a second of a room's page over 10 s in which 300 messages a second come in
    batches of 50 ms, links, mentions, emoji and answers among them; 40 people write. Goal: at least 59.
    """
    return [Bench("chat.page_fps", "frames/s", False, {OURS: page_fps}, [Goal("", 59)])]


def page_fps() -> float:
    """Frames a second."""
    return asyncio.run(_page_fps())


async def _page_fps() -> float:
    stub = Stub()
    stub.account_id = "e" * 32
    async with serving(stub) as base, launched() as browser:
        chat = stub.open_chat()
        chat.room(ROOM)
        context = await new_context(browser, viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        await page.goto(f"{base}/rooms/{ROOM}")
        crowd = asyncio.create_task(_crowd(chat))
        rows = page.locator(".rows li[data-message]")
        await rows.nth(MOST_ROWS - 1).wait_for()
        rate = float(await page.evaluate(_FRAMES, MEASURED_S * 1000))
        crowd.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await crowd
        newest = chat.items[ROOM][-1]["message_id"]
        await page.locator(f'.rows li[data-message="{newest}"]').wait_for()
        shown = await rows.count()
        assert shown <= MOST_ROWS, f"{shown} rows on the page: they must be bounded"
        await context.close()
    return rate


async def _crowd(chat: StubChat) -> None:
    """Until cancelled; it catches up where it was late, so that the rate is the stated one."""
    clock = asyncio.get_running_loop().time
    began_s, sent = clock(), 0
    while True:
        due = int((clock() - began_s) * MESSAGES_PER_S) - sent
        batch = [_message(chat, sent + number) for number in range(due)]
        if batch:
            await chat.tell(ROOM, *batch)
            sent += due
        await asyncio.sleep(BATCH_S)


def _message(chat: StubChat, number: int) -> dict[str, object]:
    author = {"id": f"{number % 40:032x}", "name": f"Person {number % 40}", "badge": None}
    held = chat.items[ROOM]
    reply_to = held[-1]["message_id"] if number % 10 == 9 and held else None
    return chat.message(ROOM, author, _SAID[number % len(_SAID)], reply_to=reply_to)
