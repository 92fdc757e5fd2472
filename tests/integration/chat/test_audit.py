"""The audit tells what moderators of every room do in rooms of others, and nothing of owners in theirs."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.chat.town import Town
from tests.integration.identity.conftest import PATIENCE_S, Person


async def audited(town: Town, query: str, count: int) -> list[dict[str, Any]]:
    """The audit's entries, newest first, once there are so many and none is open."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            items: list[dict[str, Any]] = (await town.identity.ask("GET", f"/v1/audit?{query}", 200))["items"]
            if len(items) >= count and all(item["result"] != "open" for item in items):
                return items
            await asyncio.sleep(0.1)


async def said(town: Town, room: str, by: Person) -> str:
    """The id of a message in the room."""
    body = {"client_id": by.account_id, "text": "hello"}
    message_id: str = (await town.ask("POST", f"/v1/rooms/{room}/messages", 201, body, by))["message_id"]
    return message_id


async def test_what_moderators_of_every_room_do_in_rooms_of_others_is_in_the_audit(town: Town) -> None:
    ann, ben, mo = await town.person("creator"), await town.person(), await town.person("moderator")
    hers, his = await town.room(ann), await town.room(mo)
    ban = {"account_id": ben.account_id, "kind": "ban", "reason": "spam"}
    theirs, own = await said(town, hers, ben), await said(town, hers, mo)
    # Nobody's business: owners in their rooms, and what somebody does to nobody but himself.
    await town.ask(
        "POST", f"/v1/rooms/{hers}/sanctions", 200, {**ban, "kind": "timeout", "duration_s": 9}, ann
    )
    await town.ask("POST", f"/v1/rooms/{his}/sanctions", 200, ban, mo)
    await town.ask("DELETE", f"/v1/rooms/{hers}/messages/{own}", 200, by=mo)
    await town.ask("PUT", f"/v1/rooms/{hers}/following", 200, by=mo)

    await town.ask("PUT", f"/v1/rooms/{hers}/pins/{theirs}", 200, by=mo)
    await town.ask("PUT", f"/v1/rooms/{hers}/pins/{theirs}", 409, by=mo)
    await town.ask("POST", f"/v1/rooms/{hers}/sanctions", 200, ban, mo)
    removal = {"message_ids": [theirs], "reason": "abuse"}
    await town.ask("POST", f"/v1/rooms/{hers}/removals", 200, removal, mo)
    await town.ask("PATCH", f"/v1/rooms/{hers}", 200, {"topic": "Be kind", "read_only": True}, mo)
    await town.ask("PUT", f"/v1/rooms/{hers}/members/{mo.account_id}", 200, by=mo)

    acts = await audited(town, f"actor={mo.account_id}", 6)
    told = [(act["act"], act["account_id"], act["reason"], act["result"], act["code"]) for act in acts]
    assert told == [
        ("chat.members", mo.account_id, None, "done", None),
        ("chat.room", None, None, "done", None),
        ("chat.remove", ben.account_id, "abuse", "done", None),
        ("chat.sanction", ben.account_id, "spam", "done", None),
        ("chat.pin", ben.account_id, None, "refused", "nothing_to_change"),
        ("chat.pin", ben.account_id, None, "done", None),
    ]
    assert {act["room_id"] for act in acts} == {hers}
    assert (acts[1]["settings"], acts[3]["sanction"], acts[5]["on"]) == (["read_only", "topic"], "ban", True)
    about = await audited(town, f"account_id={ben.account_id}&since_ms={acts[5]['at_ms']}", 4)
    assert [act["id"] for act in about] == [act["id"] for act in acts[2:]]
    [one] = await audited(town, f"account_id={ben.account_id}&act=chat.sanction", 1)
    assert one["id"] == acts[3]["id"]
    assert await audited(town, f"actor={ann.account_id}", 0) == []
