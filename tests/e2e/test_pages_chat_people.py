"""Who somebody is in a room, as the page shows it: following, sanctions, names, read marks, what was held."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_chat import ADA, BEN, now_ms
from tests.e2e.test_pages_chat import ME, ROOM, in_room, rows, write

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_followers_write_and_one_becomes_one_on_the_page(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.room(ROOM, mode="followers", followers_min_s=600)
    page = await in_room(surface)
    field = page.get_by_label("Message", exact=True)
    await expect(page.get_by_text("Who has followed for 10 min may write.")).to_be_visible()
    await expect(field).to_be_hidden()
    await page.locator(".hindrance").get_by_role("button", name="Follow").click()
    await expect(page.get_by_text("You follow this room: you may write in 10 min.")).to_be_visible()
    assert chat.asked[-1][:2] == ("PUT", f"/v1/rooms/{ROOM}/following")
    chat.member = {"kind": "follower", "joined_at_ms": now_ms() - 601_000}
    await page.reload()
    await expect(field).to_be_visible()
    await page.get_by_role("button", name="Following").click()
    await expect(page.get_by_role("button", name="Follow", exact=True).first).to_be_visible()
    assert chat.asked[-1][:2] == ("DELETE", f"/v1/rooms/{ROOM}/following")
    await expect(field).to_be_hidden()
    await chat.delta(ROOM, "membership", account_ids=[ME], added=True)
    await expect(page.get_by_text("Member", exact=True)).to_be_visible()
    await expect(field).to_be_visible()


async def test_who_is_muted_reads_why_and_until_when_after_a_reload_too(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.sanction = {"kind": "timeout", "until_ms": now_ms() + 600_000, "reason": "spam"}
    page = await in_room(surface)
    field = page.get_by_label("Message", exact=True)
    await expect(page.get_by_text("You are timed out: you may write again in 10 min.")).to_be_visible()
    await expect(page.locator(".hindrance")).to_contain_text("Reason: spam")
    await expect(field).to_be_hidden()
    await chat.delta(ROOM, "sanction", sanction="timeout", until_ms=now_ms() + 300, reason="")
    await expect(field).to_be_visible()
    await chat.delta(ROOM, "sanction", sanction="ban", until_ms=None, reason="abuse")
    await expect(page.locator(".hindrance")).to_contain_text("A moderator can lift this. Reason: abuse")
    await chat.delta(ROOM, "lifted", sanction="ban")
    await expect(field).to_be_visible()


async def test_an_author_sees_what_became_of_what_was_held(surface: Surface) -> None:
    page = await in_room(surface)
    chat = surface.stub.chat
    chat.answer = {"state": "held", "message_id": "5" * 32}
    await write(page, "perhaps")
    entry = page.locator(".outbox li")
    await expect(entry).to_contain_text("Waits for a moderator")
    await chat.delta(ROOM, "declined", message_ids=["5" * 32])
    await expect(entry).to_contain_text("A moderator did not let it through.")
    await entry.get_by_role("button", name="Edit").click()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("perhaps")
    chat.answer = {"state": "held", "message_id": "6" * 32}
    await write(page, "rather this")
    await expect(entry).to_contain_text("Waits for a moderator")
    me = {"id": ME, "name": "Me", "badge": None}
    await chat.say(ROOM, me, "rather this", message_id="6" * 32)
    await expect(rows(page)).to_have_count(1)
    await expect(entry).to_have_count(0)
    await expect(page.locator(".toast")).to_have_text("A moderator let your message through")


async def test_small_rooms_tell_who_is_there_and_who_has_read(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.here = [{"id": ME, "name": "Me"}, {"id": ADA["id"], "name": "Ada"}]
    page = await in_room(surface)
    message = await chat.say(ROOM, BEN, "hello")
    await surface.until(lambda: len(chat.said("read")) == 1)
    assert chat.said("read")[0]["id"] == message["id"]
    await expect(page.locator(".seen")).to_have_count(0)
    marks = {ADA["id"]: message["id"], ME: message["id"], BEN["id"]: message["id"]}
    await chat.send(ROOM, {"type": "read", "room": ROOM, "marks": marks})
    await expect(page.locator(".seen")).to_have_text("Seen by Ada")
    more = {f"{number:032x}": message["id"] for number in range(2)}
    await chat.send(ROOM, {"type": "read", "room": ROOM, "marks": more})
    await expect(page.locator(".seen")).to_have_text("Seen by 3")
    await page.get_by_role("button", name="3 here now").click()
    names = page.get_by_role("dialog", name="Here now")
    await expect(names.get_by_role("listitem")).to_have_text(["Me", "Ada", "and 1 other connection"])
    assert await surface.barriers() == []
    await page.keyboard.press("Escape")
    await expect(names).to_have_count(0)
    await chat.say(ROOM, BEN, "again")
    await expect(page.locator(".seen")).to_have_count(0)
    notice = {"type": "notice", "room": ROOM, "code": "livestream", "on": True, "detail": "A large room."}
    await chat.send(ROOM, notice)
    await chat.send(ROOM, {"type": "presence", "room": ROOM, "count": 240, "accounts": None})
    await expect(page.get_by_text("Large room", exact=True)).to_be_visible()
    told = len(chat.said("read"))
    await expect(page.get_by_role("button", name="here now")).to_have_count(0)
    await page.get_by_label("Message", exact=True).fill("hm")
    await chat.say(ROOM, BEN, "and again")
    await expect(rows(page)).to_have_count(3)
    assert (len(chat.said("typing")), len(chat.said("read"))) == (0, told), "large rooms do without"


async def test_a_search_leads_to_messages_among_their_neighbours(surface: Surface) -> None:
    surface.tolerate("503")
    page = await in_room(surface)
    chat = surface.stub.chat
    chat.items[ROOM] = [chat.message(ROOM, BEN, f"m{number}") for number in range(300)]
    chat.items[ROOM][40]["text"] = "A <b>lighthouse</b> at last"
    await page.reload()
    await expect(rows(page)).to_have_count(50)
    await page.get_by_role("region", name="Messages").focus()
    await page.keyboard.press("/")
    field = page.get_by_label("Search this room")
    await expect(field).to_be_focused()
    surface.stub.fail("GET", f"/v1/rooms/{ROOM}/messages", 503, "Not available", "History is away.")
    await field.fill("lightHOUSE")
    await expect(page.get_by_role("alert")).to_contain_text("History is away.")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".hit mark")).to_have_text("lighthouse")
    assert await surface.barriers() == []
    await page.keyboard.press("ArrowDown")
    await page.locator(".hit").focus()
    await page.keyboard.press("Enter")
    await expect(rows(page)).to_have_count(50)
    await expect(page.locator(".rows li:focus")).to_contain_text("lighthouse")
    await chat.say(ROOM, ADA, "now")
    gone = chat.items[ROOM][41]["message_id"]
    await chat.delta(ROOM, "removed", message_ids=[gone], by="moderator")
    await expect(rows(page)).to_have_count(49)
    await page.get_by_role("button", name="To the newest").click()
    await expect(rows(page).last).to_contain_text("now")
    await page.get_by_role("button", name="Search", exact=True).click()
    await field.fill("nothing like that")
    await expect(page.get_by_text("Nobody has written")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(field).to_have_count(0)
    await expect(page.get_by_role("button", name="Search", exact=True)).to_be_focused()


async def test_what_a_search_finds_beside_a_film_has_its_time(surface: Surface) -> None:
    item = stub_data.asset("Harbour at first light", duration_s=12)
    surface.stub.put(item)
    chat = surface.stub.open_chat()
    room_id = f"a-{item['id']}"
    chat.room(room_id)
    chat.items[room_id] = [chat.message(room_id, BEN, "the lamp goes out", media_ms=7000)]
    page = await surface.open(f"/watch/{item['id']}")
    await surface.until_page("document.querySelector('video')?.currentTime > 0")
    await page.evaluate("document.querySelector('video').pause()")
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_label("Search this room").fill("lamp")
    await page.get_by_role("button", name="Go to 0:07 in the film").click()
    await surface.until_page("Math.abs(document.querySelector('video').currentTime - 7) < 0.2")
