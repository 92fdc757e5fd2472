"""Who is erased stands in no list that people are shown, though the log keeps the ids."""

from __future__ import annotations

from tests.integration.chat.town import Town


async def test_no_list_of_a_room_holds_who_was_erased(town: Town) -> None:
    ann, ben, cat, dan = (
        await town.person("creator"),
        await town.person(),
        await town.person(),
        await town.person(),
    )
    room = f"/v1/rooms/{await town.room(ann)}"
    for one in (ben, dan):
        await town.ask("PUT", f"{room}/moderators/{one.account_id}", 200, by=ann)
        await town.ask("PUT", f"{room}/members/{one.account_id}", 200, by=ann)
    for one in (cat, dan):
        await town.ask("PUT", f"{room}/following", 200 if one is cat else 409, by=one)
        await town.ask("PUT", f"/v1/blocks/{one.account_id}", 200, by=ann)
    await town.ask("POST", f"{room}/sanctions", 200, {"account_id": cat.account_id, "kind": "ban"}, ann)
    for gone in (ben, cat):
        await town.identity.ask("DELETE", f"/v1/users/{gone.account_id}?reason=asked", 202)
        await town.identity.eventually(f"/v1/users/{gone.account_id}", 404)
    nobody = "5" * 32
    for gone in (ben.account_id, nobody):
        ban = {"account_id": gone, "kind": "ban"}
        refusals = [
            await town.ask("PUT", f"{room}/members/{gone}", 404, by=ann),
            await town.ask("POST", f"{room}/sanctions", 404, ban, ann),
            await town.ask("PUT", f"{room}/moderators/{gone}", 404, by=ann),
        ]
        assert [refusal["code"] for refusal in refusals] == ["account_unknown"] * 3
    await town.ask("POST", f"{room}/sanctions", 409, {"account_id": nobody, "kind": "lift"}, ann)
    assert (await town.until(room, lambda found: found["moderators"]))["moderators"] == [dan.account_id]
    members = (await town.ask("GET", f"{room}/members", 200, by=ann))["items"]
    assert [(each["account"]["id"], each["kind"]) for each in members] == [(dan.account_id, "member")]
    assert (await town.ask("GET", f"{room}/sanctions", 200, by=ann))["items"] == []
    assert await town.ask("GET", "/v1/blocks", 200, by=ann) == {"account_ids": [dan.account_id]}
    assert (await (await town.line(ann)).hear("blocks"))["account_ids"] == [dan.account_id]
