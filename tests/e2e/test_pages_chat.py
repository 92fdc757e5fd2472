"""Chat on the page: what is said, what is written and what becomes of it, and what a lost connection does."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_chat import ADA, BEN, CYD, StubChat
from tests.e2e.stub_server import KEY

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOM = "r-" + "0" * 32
ME = "e" * 32


async def in_room(surface: Surface, *, signed_in: bool = True, moderator: bool = False) -> Page:
    """The page of a room that listens to it."""
    surface.stub.account_id = ME if signed_in else None
    surface.stub.signed_in = signed_in
    if not signed_in:
        surface.tolerate("401")
    chat = surface.stub.open_chat()
    chat.moderator = moderator
    if ROOM not in chat.rooms:
        chat.room(ROOM)
    page = await surface.open(f"/rooms/{ROOM}")
    await surface.until(lambda: chat.listeners == 1)
    return page


def rows(page: Page) -> Locator:
    return page.locator(".rows li[data-message]")


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def choose(page: Page, row: Locator, entry: str) -> None:
    await row.hover()
    await row.get_by_role("button", name="More for").click()
    await page.get_by_role("menuitem", name=entry, exact=True).click()


async def test_what_others_say_change_and_lose_shows_at_once(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    await expect(page.get_by_text("Nobody has written yet. Say hello.")).to_be_visible()
    first = await chat.say(ROOM, ADA, "Good evening, @Me! See https://example.org/a?b=1.", mentions=[ME])
    second = await chat.say(ROOM, BEN, "<b>hello</b>", reply_to=first["message_id"])
    await expect(rows(page)).to_have_count(2)
    await expect(rows(page).first).to_contain_text("Owner")
    await expect(rows(page).first).to_have_class(re.compile("to-me"))
    link = rows(page).first.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    await expect(rows(page).first.locator(".mention")).to_have_text("@Me")
    await expect(rows(page).last).to_contain_text("Ada: Good evening")
    await expect(rows(page).last.locator(".words")).to_have_text("<b>hello</b>")
    await chat.delta(ROOM, "edited", message_id=second["message_id"], text="hello!", mentions=[])
    await expect(rows(page).last.locator(".words")).to_have_text("hello!")
    await expect(rows(page).last).to_contain_text("edited")
    await chat.delta(
        ROOM, "reactions", message_id=second["message_id"], reactions={"👍": 2}, totals={"👍": 2}
    )
    await expect(rows(page).last.locator(".reaction")).to_have_text("👍 2")
    await rows(page).last.locator(".reaction").click()
    await surface.until(lambda: len(chat.said("react")) == 1)
    await chat.delta(ROOM, "removed", message_ids=[first["message_id"]], by="moderator")
    await expect(rows(page)).to_have_count(1)
    await chat.say(ROOM, BEN, "again")
    await chat.delta(ROOM, "purged", account_id=BEN["id"], message_ids=[])
    await expect(rows(page)).to_have_count(0)


async def test_a_message_is_seen_on_its_way_and_once_in_the_room(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    chat.answer = None
    await write(page, "hello")
    await expect(page.locator(".outbox li")).to_contain_text("Sending…")
    await surface.until(lambda: len(chat.said("send")) == 1)
    chat.answer = {"state": "accepted"}
    await chat.drop()
    await expect(rows(page)).to_have_count(1)
    await expect(page.locator(".outbox li")).to_have_count(0)
    sent = chat.said("send")
    assert [message["client_id"] for message in sent] == [sent[0]["client_id"]] * 2, "the same message again"


async def test_held_and_refused_messages_say_so(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    chat.answer = {"state": "held"}
    await write(page, "perhaps")
    await expect(page.locator(".outbox li[data-state=held]")).to_contain_text("Waits for a moderator")
    chat.answer = {"code": "rejected", "detail": "This room takes no links. Leave it out."}
    await write(page, "buy this")
    refused = page.locator(".outbox li[data-state=refused]")
    await expect(refused).to_contain_text("This room takes no links. Leave it out.")
    await refused.get_by_role("button", name="Edit").click()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("buy this")
    await expect(page.locator(".outbox li")).to_have_count(1)
    chat.answer = {"code": "unavailable", "detail": "Not known yet."}
    await write(page, "later")
    await surface.until(lambda: len(chat.said("send")) == 3)
    chat.answer = {"state": "accepted"}
    await expect(rows(page)).to_have_count(1)


async def test_what_waits_for_a_moderator_still_waits_after_a_reload(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    first, second = (
        chat.message(ROOM, {"id": ME, "name": "Me", "badge": None}, text) for text in ("one", "two")
    )
    chat.waiting = [{"message": each, "edit": False, "held_at_ms": 1} for each in (first, second)]
    await page.reload()
    waiting = page.locator(".outbox li[data-state=held]")
    await expect(waiting).to_have_count(2)
    await expect(waiting.first).to_contain_text("Waits for a moderator")
    await chat.delta(ROOM, "declined", message_ids=[second["message_id"]])
    await expect(page.locator(".outbox li[data-state=declined]")).to_contain_text("two")
    await chat.tell(ROOM, first)
    await expect(rows(page)).to_have_count(1)
    await expect(waiting).to_have_count(0)


async def test_of_who_was_erased_a_page_shows_nothing_any_more(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    pinned = await chat.say(ROOM, BEN, "gone soon")
    await chat.say(ROOM, ADA, "stays")
    await chat.delta(ROOM, "pinned", **{k: v for k, v in pinned.items() if k not in ("id", "kind", "at_ms")})
    await expect(rows(page)).to_have_count(2)
    await expect(page.get_by_text("gone soon")).to_have_count(2)
    await chat.send(ROOM, {"type": "erased", "room": ROOM, "account_ids": [BEN["id"]]})
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_text("gone soon")).to_have_count(0)
    await expect(rows(page)).to_contain_text("stays")


async def test_what_was_missed_comes_after_the_connection_does(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    await chat.say(ROOM, ADA, "one")
    await expect(rows(page)).to_have_count(1)
    chat.items[ROOM].append(chat.message(ROOM, BEN, "while you were away"))
    await chat.drop()
    await expect(rows(page)).to_have_count(2)
    assert chat.said("subscribe")[-1]["since"]["epoch"] == "1-12"
    await expect(page.locator(".missed")).to_have_count(0)
    chat.epoch = "2-12"
    chat.items[ROOM] = [chat.message(ROOM, BEN, f"news {number}") for number in range(60)]
    await chat.drop()
    await expect(rows(page)).to_have_count(50)
    await expect(page.locator(".missed")).to_have_text(
        "Some messages were missed while the connection was away."
    )


async def test_a_rebuilt_room_is_subscribed_to_again(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    await chat.say(ROOM, ADA, "one")
    await expect(rows(page)).to_have_count(1)
    chat.epoch = "2-12"
    await chat.send(ROOM, {"type": "moved", "room": ROOM})
    await surface.until(lambda: len(chat.said("subscribe")) == 2)
    await chat.say(ROOM, ADA, "two")
    await expect(rows(page)).to_have_count(2)
    await expect(page.locator(".missed")).to_have_count(0)


async def test_reading_back_is_not_disturbed_and_the_page_stays_small(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    for start in range(0, 1000, 100):
        await chat.tell(ROOM, *(chat.message(ROOM, BEN, f"m{start + n}") for n in range(100)))
    await expect(rows(page).last).to_contain_text("m999")
    assert await rows(page).count() == 200
    scroller = page.get_by_role("region", name="Messages")
    await scroller.evaluate("element => { element.scrollTop = 200 }")
    await expect(page.get_by_role("button", name="To the newest")).to_be_visible()
    before = await scroller.evaluate("element => [element.scrollTop, element.scrollHeight]")
    await chat.tell(ROOM, *(chat.message(ROOM, BEN, f"late {n}") for n in range(300)))
    button = page.get_by_role("button", name="300 new messages")
    await expect(button).to_be_visible()
    assert await scroller.evaluate("element => [element.scrollTop, element.scrollHeight]") == before
    await button.click()
    await expect(rows(page).last).to_contain_text("late 299")
    assert await rows(page).count() == 200
    await scroller.evaluate("element => { element.scrollTop = 0 }")
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(rows(page)).to_have_count(250)


async def test_who_is_not_signed_in_reads_and_is_asked_in(surface: Surface) -> None:
    page = await in_room(surface, signed_in=False)
    chat = surface.stub.chat
    await chat.say(ROOM, ADA, "welcome")
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Sign in to write").click()
    surface.stub.account_id = ME
    await page.get_by_label("API key", exact=True).fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()
    await expect(rows(page)).to_have_count(1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"archived": True}, "This room is archived. It can be read."),
        ({"read_only": True}, "Only moderators may write now."),
    ],
)
async def test_rooms_that_take_nothing_say_why(
    surface: Surface, settings: dict[str, bool], says: str
) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()
    await chat.delta(ROOM, "room", settings=chat.rooms[ROOM]["settings"] | settings)
    await expect(page.get_by_text(says)).to_be_visible()
    await expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    await chat.delta(ROOM, "room", settings=chat.rooms[ROOM]["settings"])
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()


async def test_slow_mode_and_timeouts_count_down(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.room(ROOM, slow_mode_s=30)
    page = await in_room(surface)
    await write(page, "one")
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await expect(page.get_by_text("Slow mode: one message each 30 s.")).to_be_visible()
    await chat.delta(ROOM, "sanction", sanction="timeout", until_ms=stub_data.now_ms() + 600_000)
    await expect(page.get_by_text("You are timed out: you may write again in 10 min.")).to_be_visible()
    await chat.delta(ROOM, "lifted", sanction="timeout")
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()
    await chat.delta(ROOM, "sanction", sanction="ban", until_ms=None)
    await expect(page.get_by_text("You may not write here.")).to_be_visible()


async def test_typing_presence_pins_and_notices(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.room(ROOM)
    pin = chat.message(ROOM, ADA, "Questions go to the end.")
    chat.items[ROOM].append(pin)
    chat.pins[ROOM] = [pin]
    page = await in_room(surface)
    await expect(page.locator(".pinned")).to_contain_text("Questions go to the end.")
    await expect(page.locator(".here")).to_contain_text("3")
    await chat.send(ROOM, {"type": "typing", "room": ROOM, "accounts": [{"id": BEN["id"], "name": "Ben"}]})
    await expect(page.locator(".typing")).to_have_text("Ben is writing…")
    await chat.send(ROOM, {"type": "presence", "room": ROOM, "count": 812, "accounts": None})
    await expect(page.locator(".here")).to_contain_text("812")
    notice = {"type": "notice", "room": ROOM, "code": "livestream", "on": True, "detail": "A large room."}
    await chat.send(ROOM, notice)
    await expect(page.get_by_role("status").filter(has_text="A large room.")).to_be_visible()
    await chat.delta(ROOM, "unpinned", message_id=pin["message_id"])
    await expect(page.locator(".pinned")).to_have_count(0)


async def test_menus_by_keyboard_reply_edit_report_and_block(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    await chat.say(ROOM, CYD, "first")
    await write(page, "mine")
    await expect(rows(page)).to_have_count(2)
    scroller = page.get_by_role("region", name="Messages")
    await scroller.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".about")).to_contain_text("To Cyd: first")
    await write(page, "an answer")
    await surface.until(lambda: len(chat.said("send")) == 2)
    assert chat.said("send")[-1]["reply_to"] is not None
    await choose(page, rows(page).nth(1), "Edit")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("mine")
    await write(page, "mine, better")
    await surface.until(lambda: len(chat.said("edit")) == 1)
    await choose(page, rows(page).first, "Report…")
    await page.get_by_role("radio", name="A spoiler").check()
    await page.get_by_role("button", name="Report", exact=True).click()
    await surface.until(lambda: chat.asked[-1:] != [])
    assert chat.asked[-1][1].endswith("/reports")
    assert chat.asked[-1][2] == {"reason": "spoiler"}
    await choose(page, rows(page).first, "Block Cyd")
    await expect(rows(page).first).to_have_text("A message of somebody you blocked.")
    assert chat.asked[-1][:2] == ("PUT", f"/v1/blocks/{CYD['id']}")
    chat.blocks = [ADA["id"]]  # the server's list is what counts
    await chat.drop()
    await expect(rows(page).first).to_contain_text("first")


async def test_emoji_are_put_where_the_cursor_is(surface: Surface) -> None:
    page = await in_room(surface)
    field = page.get_by_label("Message", exact=True)
    await field.fill("well done")
    await field.evaluate("element => element.setSelectionRange(4, 4)")
    await page.get_by_role("button", name="Emoji").click()
    await page.get_by_role("button", name="applause").click()
    await expect(field).to_have_value("well👏 done")
    await field.fill("x" * 501)
    await expect(page.get_by_text("-1 left")).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()


def in_film(chat: StubChat, room_id: str) -> None:
    chat.room(room_id)
    chat.film[room_id] = [
        chat.message(room_id, BEN, f"at {second} s", media_ms=second * 1000) for second in (1, 4, 5, 9, 40)
    ]


async def test_replay_follows_the_film(surface: Surface) -> None:
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    surface.stub.account_id = ME
    chat = surface.stub.open_chat()
    in_film(chat, f"a-{item['id']}")
    page = await surface.open(f"/watch/{item['id']}")
    await surface.until_page("document.querySelector('video')?.currentTime > 0")
    video = "document.querySelector('video')"
    await page.evaluate(f"{video}.pause()")
    await page.get_by_role("button", name="Replay").click()
    await page.evaluate(f"{video}.currentTime = 4.5")
    await expect(rows(page).locator(".words")).to_have_text(["at 1 s", "at 4 s"])
    await expect(rows(page).locator("time")).to_have_text(["0:01", "0:04"])
    await page.evaluate(f"{video}.currentTime = 2")
    await expect(rows(page)).to_have_count(1)
    await page.evaluate(f"{video}.currentTime = 8.5; {video}.playbackRate = 2; {video}.play()")
    await expect(rows(page).last).to_contain_text("at 9 s")
    await expect(rows(page)).to_have_count(4)
    await page.get_by_role("button", name="Live", exact=True).click()
    await surface.until(lambda: chat.listeners == 1)
    await chat.say(f"a-{item['id']}", ADA, "now")
    await expect(rows(page)).to_have_count(1)


async def test_a_replay_that_cannot_be_read_says_so_and_goes_on(surface: Surface) -> None:
    surface.tolerate("503")
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    chat = surface.stub.open_chat()
    room_id = f"a-{item['id']}"
    in_film(chat, room_id)
    page = await surface.open(f"/watch/{item['id']}")
    surface.stub.fail("GET", f"/v1/rooms/{room_id}/replay", 503, "Not available", "History is away.", 100)
    await page.get_by_role("button", name="Replay").click()
    await expect(page.get_by_role("alert")).to_contain_text("History is away.")
    surface.stub.heal()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await surface.until_page("document.querySelectorAll('.rows li[data-message]').length > 0")


async def test_a_seek_does_not_bring_back_what_was_removed(surface: Surface) -> None:
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    chat = surface.stub.open_chat()
    room_id = f"a-{item['id']}"
    in_film(chat, room_id)
    page = await surface.open(f"/watch/{item['id']}")
    await surface.until_page("document.querySelector('video')?.currentTime > 0")
    await page.evaluate("document.querySelector('video').pause()")
    await page.get_by_role("button", name="Replay").click()
    await page.evaluate("document.querySelector('video').currentTime = 4.5")
    await expect(rows(page).locator(".words")).to_have_text(["at 1 s", "at 4 s"])
    gone = chat.film[room_id][0]["message_id"]
    await chat.delta(room_id, "removed", message_ids=[gone], by="moderator")
    await expect(rows(page).locator(".words")).to_have_text(["at 4 s"])
    await page.evaluate("document.querySelector('video').currentTime = 5.5")
    await page.evaluate("document.querySelector('video').currentTime = 4.5")
    await expect(rows(page).locator(".words")).to_have_text(["at 4 s"])
