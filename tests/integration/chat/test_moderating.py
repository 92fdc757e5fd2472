"""Moderators at work: queue, sanctions, rules on trial, cards; and what those see whom it is about."""

from __future__ import annotations

import asyncio
import uuid

from tests.integration.chat.town import Town
from tests.integration.identity.conftest import PATIENCE_S, Person
from tests.support.api import connected

BAD_WORD = {"terms": [{"text": "turnip"}]}


async def test_a_shadow_is_seen_by_its_author_alone_on_every_connection(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    hers, his, his_phone = await town.line(ann), await town.line(ben), await town.line(ben)
    for line in (hers, his, his_phone):
        await line.enter(room)
    ban = {"account_id": ben.account_id, "kind": "shadow"}
    await town.ask("POST", f"/v1/rooms/{room}/sanctions", 200, ban, ann)
    assert (await his.send(room, "does anybody hear me"))["state"] == "accepted"
    await his_phone.item(room, lambda item: item.get("text") == "does anybody hear me")
    await hers.send(room, "and now me")
    for line in (his, hers):
        await line.item(room, lambda item: item.get("text") == "and now me")
    assert hers.texts(room) == ["and now me"]
    assert [item["kind"] for item in his.items(room, "sanction")] == []
    for who, seen in (
        (ben, ["does anybody hear me", "and now me"]),
        (ann, ["and now me"]),
        (None, ["and now me"]),
    ):
        assert [each["text"] for each in await town.messages(room, who)] == seen
        newcomer = await (await town.line(who)).enter(room)
        assert [item["text"] for item in newcomer["items"] if item["kind"] == "message"] == seen
        assert newcomer["you"]["sanction"] is None, "nobody learns of a shadow"
    [shadowed, shown] = await town.messages(room, ben)
    for who, message, status, code in (
        (ben, shadowed, 409, "own_message"), (ann, shown, 409, "own_message"),
        (ann, shadowed, 404, "message_unknown"),
    ):  # fmt: skip
        path = f"/v1/rooms/{room}/messages/{message['message_id']}/reports"
        assert (await town.ask("POST", path, status, {}, who))["code"] == code


async def test_a_ban_ends_writing_and_is_told_to_the_banned(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    his = await town.line(ben)
    await his.enter(room)
    sanctions = f"/v1/rooms/{room}/sanctions"
    await town.ask("POST", sanctions, 403, {"account_id": ann.account_id, "kind": "ban"}, ben)
    ban = {"account_id": ben.account_id, "kind": "ban", "reason": "abuse"}
    await town.ask("POST", sanctions, 200, ban, ann)
    told = await his.item(room, lambda item: item["kind"] == "sanction")
    assert (told["sanction"], told["reason"]) == ("ban", "abuse")
    again = await town.line(ben)
    until = (await again.enter(room))["you"]["sanction"]
    assert until == {"kind": "ban", "until_ms": None, "reason": "abuse"}
    assert (await his.send(room, "let me in"))["code"] == "banned"
    [standing] = (await town.until(sanctions, lambda found: found["items"], ann))["items"]
    assert (standing["account"]["id"], standing["kind"], standing["reason"]) == (
        ben.account_id,
        "ban",
        "abuse",
    )
    await town.ask("DELETE", f"{sanctions}/{ben.account_id}", 200, by=ann)
    await his.item(room, lambda item: item["kind"] == "lifted")
    assert (await his.send(room, "thank you"))["state"] == "accepted"


async def test_what_is_held_waits_on_the_desk_and_comes_in_when_it_is_let_through(town: Town) -> None:
    ann, ben, cat = await town.person("creator"), await town.person(name="Ben who waits"), await town.person()
    room = await town.room(ann)
    await town.ask("PUT", f"/v1/rooms/{room}/screening", 200, {"rules": BAD_WORD, "based_on": 1}, ann)
    await town.until(f"/v1/rooms/{room}/screening", lambda found: found["version"] == 2, ann)
    await town.ask("PUT", f"/v1/rooms/{room}/moderators/{cat.account_id}", 200, by=ann)
    desk, his = await town.line(cat), await town.line(ben)
    assert (await his.ask("subscribe", "refused", room=room, desk=True))["code"] == "not_a_moderator"
    await desk.enter(room, desk=True)
    await desk.told("desk", lambda told: told.get("reload", False))
    await his.enter(room)
    sent = [await his.send(room, f"you turnip {n}") for n in range(2)]
    assert {answer["state"] for answer in sent} == {"held"}
    told = await desk.told("desk", lambda told: told.get("item", {}).get("kind") == "held")
    assert told["item"]["held"]["message"]["text"] == "you turnip 0"
    assert told["item"]["held"]["why"] == "the term “turnip”"
    queue = f"/v1/rooms/{room}/queue"
    held = (await town.until(queue, lambda found: len(found["held"]) == 2, cat))["held"]
    assert [(each["rule"], each["why"], each["message"]["author"]["name"]) for each in held] == [
        ("terms.0", "the term “turnip”", "Ben who waits")
    ] * 2
    card = await town.until(
        f"/v1/rooms/{room}/accounts/{ben.account_id}", lambda found: len(found["messages"]) == 2, ann
    )
    assert {each["why"] for each in card["messages"]} == {"the term “turnip”"}
    assert await town.messages(room) == []
    mine = f"/v1/rooms/{room}/waiting"
    waits = (await town.ask("GET", mine, 200, by=ben))["items"]
    assert [(each["message"]["text"], each["edit"]) for each in waits] == [
        ("you turnip 0", False), ("you turnip 1", False),
    ]  # fmt: skip
    assert (await town.ask("GET", mine, 200, by=cat))["items"] == []
    await town.ask("GET", mine, 401)
    ids = [each["message"]["message_id"] for each in held]
    await town.ask("POST", f"{queue}/decisions", 200, {"message_ids": ids[:1], "approved": True}, cat)
    await town.ask("POST", f"{queue}/decisions", 200, {"message_ids": ids[1:], "approved": False}, cat)
    await his.item(room, lambda item: item.get("message_id") == ids[0] and item["kind"] == "message")
    await his.item(room, lambda item: item["kind"] == "declined" and item["message_ids"] == ids[1:])
    assert [each["text"] for each in await town.messages(room)] == ["you turnip 0"]
    await town.until(queue, lambda found: found["held"] == [], cat)
    assert (await town.ask("GET", mine, 200, by=ben))["items"] == []
    await town.ask("GET", queue, 403, by=ben)
    await town.ask("GET", queue, 401)


async def test_reports_reach_the_desk_and_pins_stand_above(town: Town) -> None:
    ann, ben, cat = await town.person("creator"), await town.person(), await town.person()
    room = await town.room(ann)
    his = await town.line(ben)
    await his.enter(room)
    sent = await his.send(room, "report me")
    path = f"/v1/rooms/{room}/messages/{sent['message_id']}/reports"
    await town.ask("POST", path, 201, {"reason": "abuse"}, cat)
    assert (await town.ask("POST", path, 409, {"reason": "abuse"}, cat))["code"] == "reported_already"
    assert (await town.ask("POST", path, 409, {}, ben))["code"] == "own_message"
    await town.ask("POST", f"/v1/rooms/{room}/messages/{'0' * 32}/reports", 404, {}, cat)
    queue = await town.until(f"/v1/rooms/{room}/queue", lambda found: found["reports"], ann)
    assert [(each["message"]["text"], each["reasons"]) for each in queue["reports"]] == [
        ("report me", {"abuse": 1})
    ]
    pin = f"/v1/rooms/{room}/pins/{sent['message_id']}"
    await town.ask("PUT", pin, 403, by=ben)
    await town.ask("PUT", pin, 200, by=ann)
    pins = (await town.ask("GET", f"/v1/rooms/{room}/pins", 200))["items"]
    assert [each["text"] for each in pins] == ["report me"]
    await his.ask("edit", "edited", room=room, message_id=sent["message_id"], text="another text")
    await his.say("react", room=room, message_id=sent["message_id"], reaction="❤️")
    await his.item(room, lambda item: item["kind"] == "reactions")
    [now] = (await town.ask("GET", f"/v1/rooms/{room}/pins", 200))["items"]
    assert now == (await town.messages(room))[-1]
    assert (now["id"], now["text"], now["edits"]) == (sent["id"], "another text", 1)
    assert (now["edited_at_ms"] is not None, now["reactions"]) == (True, {"❤️": 1})
    await town.ask("DELETE", pin, 200, by=ann)
    assert (await town.ask("GET", f"/v1/rooms/{room}/pins", 200))["items"] == []
    purge = {"account_id": ben.account_id, "reason": "spam"}
    await town.ask("POST", f"/v1/rooms/{room}/purges", 200, purge, ann)
    await his.item(room, lambda item: item["kind"] == "purged")
    assert await town.messages(room) == []
    card_path = f"/v1/rooms/{room}/accounts/{ben.account_id}"
    # What is on it is read by several queries, of which a later one may see more.
    last = ("removed", "another text")
    card = await town.until(
        card_path,
        lambda found: [(one["state"], one["message"]["text"]) for one in found["messages"]] == [last],
        ann,
    )
    assert card["reported"] == 1
    await town.ask("GET", card_path, 403, by=cat)


async def test_rules_are_tried_on_what_was_sent_before_they_are_switched_on(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    his = await town.line(ben)
    await his.enter(room)
    for text in ("a turnip", "a carrot", "T.u.r.n.i.p", "buy at https://shop.example"):
        await his.send(room, text)
    path = f"/v1/rooms/{room}/screening/trial"
    stricter = {**BAD_WORD, "links": {"policy": "none", "action": "reject"}}
    async with asyncio.timeout(PATIENCE_S):
        while True:  # the history is a moment behind
            found = await town.ask("POST", path, 200, {"rules": stricter}, ann)
            if found["looked_at"] == 4:
                break
    assert (found["same"], found["would_hold"], found["would_reject"]) == (1, 2, 1)
    listed = {each["message"]["text"]: (each["was"], each["would"]) for each in found["items"]}
    assert listed == {
        "a turnip": ("accept", "hold"), "T.u.r.n.i.p": ("accept", "hold"),
        "buy at https://shop.example": ("accept", "reject"),
    }  # fmt: skip
    await town.ask("POST", path, 422, {"rules": {"terms": "x"}}, ann)
    assert (await town.ask("GET", f"/v1/rooms/{room}/screening", 200, by=ann))["version"] == 1
    stale = {"rules": stricter, "based_on": 0}
    assert (await town.ask("PUT", f"/v1/rooms/{room}/screening", 409, stale, ann))["code"] == "rules_changed"


async def test_a_room_of_members_is_theirs_and_who_leaves_hears_no_more(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann, access="members")
    his = await town.line(ben)
    assert (await his.ask("subscribe", "refused", room=room))["code"] == "room_unknown"
    await town.ask("GET", f"/v1/rooms/{room}", 404, by=ben)
    listed = await town.ask("GET", "/v1/rooms?limit=100", 200, by=ben)
    assert room not in [each["id"] for each in listed["items"]]
    await town.ask("PUT", f"/v1/rooms/{room}/members/{ben.account_id}", 200, by=ann)
    await his.enter(room)
    assert (await his.send(room, "among us"))["state"] == "accepted"
    members = (await town.ask("GET", f"/v1/rooms/{room}/members", 200, by=ann))["items"]
    assert [(each["account"]["id"], each["kind"]) for each in members] == [(ben.account_id, "member")]
    await town.ask("DELETE", f"/v1/rooms/{room}/members/{ben.account_id}", 200, by=ann)
    assert (await his.told("left"))["room"] == room
    assert (await his.send(room, "still here?"))["code"] == "not_subscribed"
    await town.ask("GET", f"/v1/rooms/{room}/messages", 404, by=ben)


async def test_who_follows_a_room_is_told_so_on_coming_back(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann, mode="followers")
    line = await town.line(ben)
    assert (await line.enter(room))["you"]["member"] is None
    assert (await line.send(room, "hello"))["code"] == "followers_only"
    await line.ask("follow", "done", room=room)
    assert (await line.enter(room))["you"]["member"]["kind"] == "follower"
    assert (await line.send(room, "hello"))["state"] == "accepted"
    await line.ask("unfollow", "done", room=room)
    assert (await line.enter(room))["you"]["member"] is None


async def test_the_room_of_a_film_opens_itself_and_is_hidden_with_the_film(town: Town) -> None:
    async with connected(town.stack) as media:
        asset_id = await media.upload(b"no film at all " * 1000, "A film with a room")
        private = f"/v1/assets/{asset_id}/room"
        await town.ask("GET", private, 404)
        stranger = await town.person()
        await town.ask("GET", private, 404, by=stranger)
        headers = town.identity.admin
        async with town.http.get(private, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            room = await answer.json()
        assert (room["id"], room["settings"]["title"]) == (f"a-{asset_id}", "A film with a room")
        await town.ask("GET", f"/v1/rooms/{room['id']}", 404, by=stranger)
        listed = await town.ask("GET", "/v1/rooms?limit=100", 200, by=stranger)
        assert room["id"] not in [each["id"] for each in listed["items"]]


async def test_whom_one_blocks_is_not_read_on_any_device(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    his = await town.line(ben)
    await his.enter(room)
    sent = await his.send(room, "unwanted", media_ms=1)
    await town.ask("PUT", f"/v1/rooms/{room}/pins/{sent['message_id']}", 200, by=ann)
    await town.ask("PUT", f"/v1/blocks/{ben.account_id}", 200, by=ann)
    assert (await town.ask("PUT", f"/v1/blocks/{ben.account_id}", 409, by=ann))["code"] == "nothing_to_change"
    assert await town.ask("GET", "/v1/blocks", 200, by=ann) == {"account_ids": [ben.account_id]}
    assert (await (await town.line(ann)).hear("blocks"))["account_ids"] == [ben.account_id]
    for reading in (
        "messages",
        "messages?q=unwanted",
        "messages?after=0",
        "replay?from_ms=0&to_ms=2",
        "pins",
    ):
        path = f"/v1/rooms/{room}/{reading}"
        assert (await town.ask("GET", path, 200, by=ann))["items"] == [], reading
        shown = (await town.ask("GET", path, 200, by=ben))["items"]
        assert [each["text"] for each in shown] == ["unwanted"], reading
    await town.ask("DELETE", f"/v1/blocks/{ben.account_id}", 200, by=ann)
    assert [each["text"] for each in await town.messages(room, ann)] == ["unwanted"]


async def test_of_who_is_erased_nothing_can_be_read(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person(name="Ben to be forgotten")
    room = await town.room(ann)
    his = await town.line(ben)
    await his.enter(room)
    await his.send(room, "forget this", media_ms=1)
    hers = await town.line(ann)
    await hers.enter(room)
    await hers.send(room, "keep this", media_ms=2)
    replay = f"/v1/rooms/{room}/replay?from_ms=0&to_ms=10"
    await town.until(replay, lambda found: len(found["items"]) == 2)
    await town.identity.ask("DELETE", f"/v1/users/{ben.account_id}?reason=asked", 202)
    assert await his.closed() == 4401
    assert (await hers.hear("erased"))["account_ids"] == [ben.account_id]
    # Texts that are opened already stand in the gateway until their room's window is read anew.
    card = await town.until(
        f"/v1/rooms/{room}/accounts/{ben.account_id}",
        lambda found: found["messages"] == [] and found["account"]["name"] is None,
        ann,
    )
    assert card["sanction"] is None


async def test_search_finds_words_in_any_message_and_goes_on_by_its_cursor(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    for n in range(12):
        body = {"client_id": uuid.uuid4().hex, "text": f"{'needle' if n % 3 == 0 else 'hay'} number {n}"}
        await town.ask("POST", f"/v1/rooms/{room}/messages", 201, body, ann)
    path = f"/v1/rooms/{room}/messages?q=Needle&limit=2"
    first = await town.ask("GET", path, 200)
    assert [each["text"] for each in first["items"]] == ["needle number 6", "needle number 9"]
    second = await town.ask("GET", f"{path}&before={first['before']}", 200)
    assert [each["text"] for each in second["items"]] == ["needle number 0", "needle number 3"]
    assert await town.messages(room, query="?q=nothing+of+that") == []


async def test_what_moderators_may_is_nobody_elses(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    one = ben.account_id
    asked: list[tuple[str, str, object]] = [
        ("PATCH", "", {"topic": "mine now"}), ("POST", "/removals", {"message_ids": [one]}),
        ("POST", "/purges", {"account_id": one}), ("PUT", f"/pins/{one}", None),
        ("DELETE", f"/pins/{one}", None),
        ("GET", "/queue", None), ("POST", "/queue/decisions", {"message_ids": [one], "approved": True}),
        ("GET", "/sanctions", None), ("POST", "/sanctions", {"account_id": one, "kind": "ban"}),
        ("DELETE", f"/sanctions/{one}", None), ("PUT", f"/moderators/{one}", None),
        ("DELETE", f"/moderators/{one}", None), ("GET", "/members", None), ("PUT", f"/members/{one}", None),
        ("DELETE", f"/members/{one}", None), ("GET", "/screening", None),
        ("PUT", "/screening", {"rules": {}, "based_on": 1}), ("POST", "/screening/trial", {"rules": {}}),
        ("GET", f"/accounts/{one}", None),
    ]  # fmt: skip
    for method, path, body in asked:
        for who, status in ((ben, 403), (None, 401)):
            await town.ask(method, f"/v1/rooms/{room}{path}", status, body, who)
    someone: Person = await town.person("moderator")
    await town.ask("GET", f"/v1/rooms/{room}/queue", 200, by=someone)
