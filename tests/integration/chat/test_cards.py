"""The card of an account: what was done to it and to what it wrote, by whom and why."""

from __future__ import annotations

from typing import Any

from tests.integration.chat.town import Town
from tests.integration.identity.conftest import Person

NO_LINKS = {"links": {"policy": "none", "action": "reject"}}


async def test_the_card_tells_what_was_done_to_an_account_the_newest_first(town: Town) -> None:
    ann, ben = await town.person("creator", name="Ann who owns"), await town.person()
    cat = await town.person(name="Cat who moderates")
    room = await town.room(ann)
    path = f"/v1/rooms/{room}"
    await town.ask("PUT", f"{path}/moderators/{cat.account_id}", 200, by=ann)
    await town.ask("PUT", f"{path}/screening", 200, {"rules": NO_LINKS, "based_on": 1}, ann)
    await town.until(f"{path}/screening", lambda found: found["version"] == 2, ann)
    his = await town.line(ben)
    await his.enter(room)
    ids = [(await his.send(room, f"text {n}"))["message_id"] for n in range(4)]
    assert (await his.send(room, "buy at https://shop.example"))["code"] == "rejected"
    await town.ask("DELETE", f"{path}/messages/{ids[0]}", 200, by=ben)  # his own: nothing was done to him

    async def sanction(by: Person, kind: str, **more: Any) -> None:
        body = {"account_id": ben.account_id, "kind": kind, **more}
        await town.ask("POST", f"{path}/sanctions", 200, body, by)

    await town.ask("POST", f"{path}/removals", 200, {"message_ids": ids[1:3], "reason": "spam"}, cat)
    await sanction(cat, "timeout", duration_s=600, reason="abuse")
    await town.ask("DELETE", f"{path}/sanctions/{ben.account_id}", 200, by=ann)
    await sanction(ann, "shadow")
    body = {"account_id": ben.account_id, "reason": "spam"}
    async with town.http.post(f"{path}/purges", json=body, headers=town.identity.admin) as answer:
        assert answer.status == 200, await answer.text()
    card = await town.until(
        f"{path}/accounts/{ben.account_id}", lambda found: len(found["history"]) >= 6, by=ann
    )
    history = card["history"]
    by_ann, by_cat = ({"id": who.account_id, "name": name} for who, name in (
        (ann, "Ann who owns"), (cat, "Cat who moderates")
    ))  # fmt: skip
    assert [(each["act"], each["by"], each["reason"]) for each in history] == [
        ("purged", {"id": "administrator", "name": None}, "spam"),
        ("shadow_ban", by_ann, ""),
        ("lifted", by_ann, ""),
        ("timeout", by_cat, "abuse"),
        ("removed", by_cat, "spam"),
        ("rejected", None, "a link that the room does not take"),
    ]
    assert [each["at_ms"] for each in history] == sorted((each["at_ms"] for each in history), reverse=True)
    timeout = history[3]
    assert timeout["until_ms"] == timeout["at_ms"] + 600_000
    assert {each["until_ms"] for each in history if each is not timeout} == {None}
    assert (await town.ask("GET", f"{path}/accounts/{cat.account_id}", 200, by=ann))["history"] == []
