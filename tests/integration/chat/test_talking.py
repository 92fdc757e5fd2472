"""People talk: order, acknowledgements, reconnects, edits, removals, over the socket and over HTTP."""

from __future__ import annotations

import asyncio
import uuid

from tests.integration.chat.town import Town
from tests.integration.identity.conftest import PATIENCE_S


async def test_two_clients_read_the_same_in_the_same_order(town: Town) -> None:
    ann, ben = await town.person("creator", name="Ann of the room"), await town.person(name="Ben of the room")
    room = await town.room(ann)
    hers, his = await town.line(ann), await town.line(ben)
    first = await hers.enter(room)
    assert (first["recovered"], first["gap"], first["you"]["moderator"]) == (False, False, True)
    await his.enter(room)
    answers = [await (hers if n % 2 else his).send(room, f"text {n}") for n in range(20)]
    assert {answer["state"] for answer in answers} == {"accepted"}
    last = answers[-1]["message_id"]
    for line in (hers, his):
        await line.item(room, lambda item: item.get("message_id") == last)
        assert line.texts(room) == [f"text {n}" for n in range(20)]
        ids = [item["id"] for item in line.items(room)]
        assert ids == sorted(set(ids))
    authors = {(item["author"]["name"], item["author"]["badge"]) for item in his.items(room)}
    assert authors == {("Ann of the room", "owner"), ("Ben of the room", None)}
    assert [each["text"] for each in await town.messages(room)] == hers.texts(room)
    newest = await town.messages(room, query="?limit=5")
    assert [each["text"] for each in newest] == [f"text {n}" for n in range(15, 20)]


async def test_a_message_sent_again_after_its_answer_was_lost_is_one_message(town: Town) -> None:
    ann = await town.person("creator")
    room, client_id = await town.room(ann), uuid.uuid4().hex
    line = await town.line(ann)
    await line.enter(room)
    first = await line.send(room, "once", client_id=client_id)
    await line.socket.close()
    again = await town.line(ann)
    await again.enter(room)
    second = await again.send(room, "once", client_id=client_id)
    body = {"client_id": client_id, "text": "once"}
    third = await town.ask("POST", f"/v1/rooms/{room}/messages", 201, body, ann)
    assert first["message_id"] == second["message_id"] == third["message_id"]
    assert second["state"] == third["state"] == "accepted"
    assert [each["text"] for each in await town.messages(room)] == ["once"]


async def test_who_comes_back_gets_exactly_what_was_missed(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    writer, reader = await town.line(ann), await town.line()
    entered = await reader.enter(room)
    await writer.enter(room)
    for n in range(5):
        await writer.send(room, f"before {n}")
    await reader.item(room, lambda item: item.get("text") == "before 4")
    last = reader.items(room)[-1]["id"]
    await reader.socket.close()
    for n in range(7):
        await writer.send(room, f"meanwhile {n}")
    await writer.item(room, lambda item: item.get("text") == "meanwhile 6")
    back = await town.line()
    recovered = await back.enter(room, since={"epoch": entered["epoch"], "id": last})
    assert (recovered["recovered"], recovered["gap"]) == (True, False)
    assert [item["text"] for item in recovered["items"]] == [f"meanwhile {n}" for n in range(7)]
    other = await (await town.line()).enter(room, since={"epoch": "0-1", "id": last})
    assert (other["recovered"], other["gap"], len(other["items"])) == (False, True, 12 + 1)


async def test_what_is_removed_is_gone_from_live_recovery_history_and_replay(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    hers, his = await town.line(ann), await town.line(ben)
    entered = await hers.enter(room)
    await his.enter(room)
    sent = [await his.send(room, f"at {n} s", media_ms=n * 1000) for n in range(6)]
    ids = [answer["message_id"] for answer in sent]
    shown = await town.until(
        f"/v1/rooms/{room}/replay?from_ms=0&to_ms=10000", lambda found: len(found["items"]) == 6
    )
    assert [each["media_ms"] for each in shown["items"]] == [n * 1000 for n in range(6)]
    await his.say("remove", room=room, message_ids=[ids[0]])
    await his.hear("done")
    await town.ask("DELETE", f"/v1/rooms/{room}/messages/{ids[1]}", 200, by=ann)
    await town.ask("DELETE", f"/v1/rooms/{room}/messages/{ids[2]}", 200, by=ben)
    body = {"message_ids": ids[3:5], "reason": "spam"}
    await town.ask("POST", f"/v1/rooms/{room}/removals", 200, body, ann)
    gone = set(ids[:5])
    await hers.item(room, lambda item: item["kind"] == "removed" and ids[4] in item["message_ids"])
    told = {each for item in hers.items(room, "removed") for each in item["message_ids"]}
    assert told == gone
    for newcomer in (await (await town.line()).enter(room), await (await town.line()).enter(
        room, since={"epoch": entered["epoch"], "id": entered["id"]}
    )):  # fmt: skip
        assert [item["text"] for item in newcomer["items"] if item["kind"] == "message"] == ["at 5 s"]
    assert [each["text"] for each in await town.messages(room)] == ["at 5 s"]
    left = await town.ask("GET", f"/v1/rooms/{room}/replay?from_ms=0&to_ms=10000", 200)
    assert [each["text"] for each in left["items"]] == ["at 5 s"]
    stranger = await town.person()
    await town.ask("DELETE", f"/v1/rooms/{room}/messages/{ids[5]}", 409, by=stranger)


async def test_an_edit_is_the_text_for_everybody_and_its_author_alone_makes_it(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    hers, his = await town.line(ann), await town.line(ben)
    await hers.enter(room)
    await his.enter(room)
    sent = await his.send(room, "teh text", client_id="mine")
    edited = await his.ask("edit", "edited", room=room, client_id="mine", text="the text")
    assert edited["message_id"] == sent["message_id"]
    seen = await hers.item(room, lambda item: item["kind"] == "edited")
    assert (seen["text"], seen["message_id"]) == ("the text", sent["message_id"])
    path = f"/v1/rooms/{room}/messages/{sent['message_id']}"
    refusal = await town.ask("PATCH", path, 409, {"text": "her text"}, ann)
    assert refusal["code"] == "not_yours"
    await town.ask("PATCH", path, 200, {"text": "the text at last"}, ben)
    await hers.item(room, lambda item: item.get("text") == "the text at last")
    [message] = await town.messages(room)
    assert (message["text"], message["edits"]) == ("the text at last", 2)


async def test_server_sent_events_carry_the_same_and_go_on_where_they_were_left(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    writer = await town.line(ann)
    await writer.enter(room)
    await writer.send(room, "alpha")

    async def read(headers: dict[str, str], wanted: str) -> tuple[str, str]:
        async with town.http.get(f"/v1/rooms/{room}/events", headers=headers) as answer:
            assert answer.status == 200
            seen, last = "", ""
            async for raw in answer.content:
                line = raw.decode().rstrip("\n")
                seen += line
                if line.startswith("id: "):
                    last = line[4:]
                if wanted in line:
                    return seen, last
        raise AssertionError(seen)

    async with asyncio.timeout(120):
        seen, last = await read({}, "alpha")
        assert "event: subscribed" in seen
        await writer.send(room, "omega")
        seen, _ = await read({"Last-Event-ID": last}, "omega")
    assert "alpha" not in seen
    assert '"recovered":true' in seen


async def test_reactions_are_counted_together_and_typing_is_seen(town: Town) -> None:
    ann, ben = await town.person("creator", name="Ann who types"), await town.person()
    room = await town.room(ann)
    hers, his = await town.line(ann), await town.line(ben)
    await hers.enter(room)
    entered = await his.enter(room)
    assert "🔥" in entered["reactions"]
    sent = await hers.send(room, "react to this")
    for _ in range(3):
        await his.say("react", room=room, reaction="🔥", message_id=sent["message_id"])
        await hers.say("react", room=room, reaction="👏")
    await hers.item(room, lambda item: item["kind"] == "reactions" and item["totals"] == {"🔥": 3})
    await hers.item(room, lambda item: item["kind"] == "reactions" and item["totals"] == {"👏": 3})
    [message] = await town.messages(room)
    assert message["reactions"] == {"🔥": 3}
    assert (await town.ask("GET", f"/v1/rooms/{room}", 200))["reactions"] == {"👏": 3}
    there = await his.told("presence", lambda told: told["count"] == 2)
    assert {each["name"] for each in there["accounts"]} == {"Ann who types", None}

    async def types() -> None:
        while True:  # signals may be lost, so people go on typing
            await hers.say("typing", room=room)
            await asyncio.sleep(1)

    typing = asyncio.create_task(types())
    told = await his.told("typing")
    typing.cancel()
    assert [each["name"] for each in told["accounts"]] == ["Ann who types"]


async def test_a_fresher_token_keeps_the_connection(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    line = await town.line(ann)
    await line.enter(room)
    fresher = await town.identity.sign_in(ann)
    answer = await line.ask("authenticate", "done", token=fresher.tokens["access_token"])
    assert answer["request"] == "authenticate"
    refusal = await line.ask("authenticate", "refused", token=ben.tokens["access_token"])
    assert refusal["code"] == "forbidden"
    assert (await line.ask("authenticate", "refused", token="nonsense"))["code"] == "bad-credential"
    await town.identity.ask("DELETE", f"/v1/sessions/{ann.tokens['sid']}", 204, headers=fresher.bearer)
    assert (await line.send(room, "still here"))["state"] == "accepted"


async def test_what_was_refused_for_now_is_sent_again_and_is_one_message(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    await town.ask("PATCH", f"/v1/rooms/{room}", 200, {"slow_mode_s": 3}, ann)
    his = await town.line(ben)
    await his.enter(room)
    assert (await his.send(room, "the first"))["state"] == "accepted"
    told = await his.send(room, "the second", client_id="again")
    async with asyncio.timeout(PATIENCE_S):
        while told["type"] == "refused":
            assert told["code"] == "slow_mode"
            await asyncio.sleep(0.2)
            told = await his.send(room, "the second", client_id="again")
    again = await his.send(room, "the second", client_id="again")
    assert (again["state"], again["message_id"]) == ("accepted", told["message_id"])
    assert [each["text"] for each in await town.messages(room)] == ["the first", "the second"]


async def test_an_edit_is_ones_own_whatever_others_asked_before(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    hers = await town.line(ann)
    await hers.enter(room)
    path = f"/v1/rooms/{room}/messages/{(await hers.send(room, 'one'))['message_id']}"
    for _ in range(2):
        assert (await town.ask("PATCH", path, 409, {"text": "two"}, ben))["code"] == "not_yours"
    for text in ("two", "two", "three"):
        await town.ask("PATCH", path, 200, {"text": text}, ann)
        await hers.item(room, lambda item, text=text: item.get("text") == text)  # type: ignore[misc]
    assert (await town.ask("PATCH", path, 409, {"text": "two"}, ann))["code"] == "repeated"
    assert [each["text"] for each in await town.messages(room)] == ["three"]


async def test_a_reply_names_a_message_of_the_room_and_tells_nobody_who_is_shadowed(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room, other = await town.room(ann), await town.room(ann)
    line, shadow = await town.line(ann), await town.line(ben)
    for each in (line, shadow):
        await each.enter(room)
    await line.enter(other)
    first = await line.send(room, "first")
    reply = await line.send(room, "reply", reply_to=first["message_id"])
    item = await line.item(room, lambda item: item.get("text") == "reply")
    assert (reply["state"], item["reply_to"]) == ("accepted", first["message_id"])
    assert (await line.send(other, "elsewhere", reply_to=first["message_id"]))["code"] == "message_unknown"
    await town.ask(
        "POST", f"/v1/rooms/{room}/sanctions", 200, {"account_id": ben.account_id, "kind": "shadow"}, ann
    )
    unseen = await shadow.send(room, "unseen")
    assert (await shadow.send(room, "to myself", reply_to=unseen["message_id"]))["state"] == "accepted"
