"""The list of rooms, a room's settings, and what its moderators see."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Surface
from tests.e2e.stub_chat import ADA, BEN, StubChat, now_ms
from tests.e2e.test_pages_chat import ME, ROOM, choose, in_room, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def held(chat: StubChat, text: str, rule: str = "terms.0") -> dict[str, Any]:
    message = chat.message(ROOM, BEN, text)
    return {
        "message": message, "edit": False, "rule": rule, "why": f"the rule {rule}",
        "score": None, "rules_version": 3,
        "held_at_ms": now_ms(),
    }  # fmt: skip


def reported(chat: StubChat, text: str) -> dict[str, Any]:
    message = chat.message(ROOM, BEN, text)
    return {"message": message, "reasons": {"spam": 2}, "reporters": 2, "reported_at_ms": now_ms()}


async def at_desk(surface: Surface) -> Page:
    surface.stub.account_id = ME
    chat = surface.stub.open_chat()
    chat.moderator = True
    chat.room(ROOM)
    page = await surface.open(f"/rooms/{ROOM}/moderate")
    await surface.until(lambda: any(said.get("desk") for said in chat.said("subscribe")))
    return page


async def test_rooms_are_listed_and_opened(surface: Surface) -> None:
    surface.stub.permissions = [*surface.stub.permissions, "rooms:write"]
    chat = surface.stub.open_chat()
    page = await surface.open("/rooms")
    await expect(page.get_by_role("heading", name="No room is open yet")).to_be_visible()
    chat.room("a-1234", title="Night train", topic="Spoilers!", slow_mode_s=30)
    chat.room(ROOM, title="The foyer", access="members")
    await page.reload()
    listed = page.get_by_role("list", name="Rooms").get_by_role("listitem")
    chat.room("r-" + "2" * 32, title="")  # it was forgotten
    await page.reload()
    await expect(listed).to_have_count(3)
    await expect(listed.get_by_role("link", name="Untitled room", exact=True)).to_have_count(1)
    await expect(listed.first).to_contain_text("Slow mode")
    await expect(page.get_by_role("link", name="Night train", exact=True)).to_have_attribute(
        "href", "/watch/1234"
    )
    await page.get_by_role("button", name="New room").click()
    await page.get_by_role("textbox", name="Title").fill("Premiere")
    await page.get_by_label("Who may write").select_option("followers")
    await page.get_by_role("button", name="Open the room").click()
    await expect(page).to_have_url(f"{surface.base}/rooms/r-{'1' * 32}")
    wish = {"title": "Premiere", "topic": "", "access": "public", "mode": "followers"}
    assert chat.asked == [("POST", "/v1/rooms", wish)]
    await expect(page.get_by_role("heading", name="Premiere")).to_be_visible()
    await expect(page.get_by_role("link", name="Live chat").first).to_have_attribute("href", "/rooms")


async def test_without_a_chat_service_pages_say_so_and_lead_nowhere(surface: Surface) -> None:
    page = await surface.open("/rooms")
    await expect(page.get_by_role("heading", name="There is no chat here")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Main").get_by_text("Live chat")).to_have_count(0)


async def test_an_unknown_room_is_told(surface: Surface) -> None:
    surface.stub.open_chat()
    page = await surface.open("/rooms/r-" + "9" * 32)
    await expect(page.get_by_role("alert")).to_contain_text("There is no such room")


async def test_settings_send_what_is_different(surface: Surface) -> None:
    page = await in_room(surface, moderator=True)
    chat = surface.stub.chat
    await page.get_by_role("button", name="Room settings").click()
    dialog = page.locator("wa-dialog")
    await expect(dialog.get_by_label("Who may read").locator("option").first).to_have_text("Everybody")
    await dialog.get_by_label("Topic").fill("No spoilers")
    await dialog.get_by_label("Slow mode").select_option("30")
    await dialog.get_by_role("checkbox", name="Read only").check()
    await dialog.locator("kl-roster summary").first.click()
    await dialog.locator("#add-moderator").fill(BEN["id"])
    await dialog.locator("kl-roster").get_by_role("button", name="Add").first.click()
    await surface.until(lambda: len(chat.asked) == 1)
    assert chat.asked[0][:2] == ("PUT", f"/v1/rooms/{ROOM}/moderators/{BEN['id']}")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator(".topic")).to_have_text("No spoilers")
    change = {"topic": "No spoilers", "slow_mode_s": 30, "read_only": True}
    assert chat.asked[-1] == ("PATCH", f"/v1/rooms/{ROOM}", change)


async def test_a_room_whose_title_was_forgotten_can_be_changed(surface: Surface) -> None:
    chat = surface.stub.open_chat()
    chat.room(ROOM, title="")
    chat.moderator, surface.stub.account_id = True, ME
    page = await surface.open(f"/rooms/{ROOM}")
    await expect(page.get_by_role("heading", name="Untitled room")).to_be_visible()
    await page.get_by_role("button", name="Room settings").click()
    await page.locator("wa-dialog").get_by_role("checkbox", name="Archived").check()
    await page.locator("wa-dialog").get_by_role("button", name="Save").click()
    await surface.until(lambda: len(chat.asked) == 1)
    assert chat.asked[0] == ("PATCH", f"/v1/rooms/{ROOM}", {"archived": True})


async def test_what_waits_is_decided_and_comes_live(surface: Surface) -> None:
    chat = surface.stub.chat
    chat.queue = {"held": [held(chat, "a bad word")], "reports": [reported(chat, "buy this")]}
    page = await at_desk(surface)
    waiting = page.get_by_role("button", name="Waiting")
    await expect(waiting).to_contain_text("2")
    queue = page.locator("kl-queue")
    await expect(queue).to_contain_text("held by the rule terms.0")
    await expect(queue).to_contain_text("reported by 2 people: spam 2")
    item = {"kind": "held", "held": held(chat, "another one", "score:links")}
    chat.queue["held"].append(item["held"])
    await chat.send(ROOM, {"type": "desk", "room": ROOM, "item": item})
    await expect(waiting).to_contain_text("3")
    entry = queue.locator(".waits", has_text="another one")
    await entry.get_by_role("button", name="Approve").click()
    await expect(entry).to_have_count(0)
    assert chat.asked[-1][1] == f"/v1/rooms/{ROOM}/queue/decisions"
    assert chat.asked[-1][2] == {"message_ids": [item["held"]["message"]["message_id"]], "approved": True}
    await queue.locator(".waits", has_text="a bad word").get_by_role("button", name="Reject").click()
    await expect(queue.locator(".waits")).to_have_count(1)
    await queue.locator(".waits", has_text="buy this").get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert chat.asked[-1][2]["approved"] is False


async def test_presets_bans_and_purges_from_a_message(surface: Surface) -> None:
    page = await at_desk(surface)
    chat = surface.stub.chat
    await chat.say(ROOM, BEN, "rude")
    await choose(page, rows(page).first, "Time out for 10 min")
    await surface.until(lambda: len(chat.asked) == 1)
    assert chat.asked[-1][2] == {"account_id": BEN["id"], "kind": "timeout", "duration_s": 600}
    await choose(page, rows(page).first, "Ban…")
    await page.get_by_role("checkbox", name="Network").check()
    await page.get_by_role("button", name="Ban", exact=True).click()
    await surface.until(lambda: len(chat.asked) == 2)
    wish = {"account_id": BEN["id"], "kind": "ban", "with_device": False, "with_network": True}
    assert chat.asked[-1][2] == wish
    await choose(page, rows(page).first, "Remove all their messages…")
    await page.get_by_role("button", name="Remove all", exact=True).click()
    await surface.until(lambda: len(chat.asked) == 3)
    assert chat.asked[-1][1] == f"/v1/rooms/{ROOM}/purges"


async def test_who_somebody_is(surface: Surface) -> None:
    page = await at_desk(surface)
    chat = surface.stub.chat
    message = await chat.say(ROOM, BEN, "rude")
    chat.person = {
        "account": BEN, "moderator": False, "reported": 2, "member": None, "before": None,
        "sanction": {
            "kind": "ban", "until_ms": None, "with_device": False, "with_network": True,
            "actor_id": ADA["id"], "reason": "spam", "at_ms": now_ms(),
        },
        "history": [
            {"at_ms": now_ms(), "act": "ban", "by": {"id": ADA["id"], "name": "Ada"}, "reason": "spam",
             "until_ms": None},
            {"at_ms": now_ms(), "act": "removed", "by": None, "reason": "", "until_ms": None},
        ],
        "messages": [
            {"message": message, "state": "shown", "rule": None, "reason": None},
            {"message": message | {"text": "ruder"}, "state": "rejected", "rule": "terms.0", "reason": None},
        ],
    }  # fmt: skip
    await choose(page, rows(page).first, "About Ben…")
    dialog = page.locator("wa-dialog", has_text="What they wrote here")
    await expect(dialog).to_contain_text("until somebody lifts it, with the network: spam")
    await expect(dialog).to_contain_text("reported 2 times")
    await expect(dialog.locator(".history li")).to_have_count(2)
    await expect(dialog.locator(".history li").last).to_contain_text("refused")
    await expect(dialog.locator(".acts li")).to_have_count(2)
    await expect(dialog.locator(".acts li").first).to_contain_text("Banned by Ada: spam")
    await expect(dialog.locator(".acts li").last).to_contain_text("A message removed")
    assert await surface.barriers() == []
    await dialog.get_by_role("button", name="Let them write again").click()
    await surface.until(lambda: len(chat.asked) == 1)
    assert chat.asked[-1][2] == {"account_id": BEN["id"], "kind": "lift"}


async def test_rules_are_tried_before_they_are_switched_on(surface: Surface) -> None:
    surface.tolerate("422")
    page = await at_desk(surface)
    chat = surface.stub.chat
    message = chat.message(ROOM, BEN, "buy gold at gold.example")
    finding = {"rule": "terms.1", "action": "reject", "score": None}
    chat.trial = {
        "looked_at": 120, "same": 119, "would_hold": 0, "would_reject": 1, "would_let_through": 0,
        "unreadable": 0, "by_memory": 0, "complete": True,
        "items": [
            {
                "message": message, "was": "accept", "was_rule": "", "would": "reject",
                "findings": [finding],
            }
        ],
    }  # fmt: skip
    await page.get_by_role("button", name="Rules").click()
    await expect(page.get_by_text("version 3")).to_be_visible()
    await expect(page.get_by_label("Hold for a moderator")).to_have_value("bad word")
    await page.get_by_label("Refuse at once").fill("gold\n*casino*")
    await page.get_by_label("Capitals: bound").fill("0.9")
    await page.get_by_role("button", name="Try out").click()
    trial = page.get_by_role("region", name="What they would have done")
    await expect(trial).to_contain_text("120 messages looked at")
    await expect(trial).to_contain_text("was let through, would be refused by terms.1")
    rules = chat.asked[-1][2]["rules"]
    assert rules["terms"] == [
        {"text": "bad word", "action": "hold", "whole_word": True},
        {"text": "gold", "action": "reject", "whole_word": True},
        {"text": "casino", "action": "reject", "whole_word": False},
    ]
    assert rules["checks"] == {"caps": {"at": 0.9, "action": "hold"}, "run": {"at": 40, "action": "hold"}}
    assert rules["score"] == {"weights": {"links": 0.35, "caps": 0.2}, "hold_at": 0.6, "reject_at": None}
    assert rules["repeats"] == {"most": 2, "within_s": 60, "action": "reject"}
    surface.stub.fail("PUT", f"/v1/rooms/{ROOM}/screening", 422, "Not valid", "terms.1.text: too long")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("alert")).to_contain_text("terms.1.text: too long")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await surface.until(lambda: chat.asked[-1][0] == "PUT")
    assert chat.asked[-1][2] == {"rules": rules, "based_on": 3}


async def test_who_does_not_moderate_is_told(surface: Surface) -> None:
    surface.stub.account_id = ME
    surface.stub.open_chat().room(ROOM)
    page = await surface.open(f"/rooms/{ROOM}/moderate")
    await expect(page.get_by_role("heading", name="Moderating this room is not for this")).to_be_visible()
