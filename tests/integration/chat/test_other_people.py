"""Every resource of chat by its id, asked with other people's credentials: 403, or as if it were not there.

The table holds each route that names a room, a message or an account, so that a new one needs a line here.
"""

from __future__ import annotations

import re
from typing import Any

from gateways.chat.routes import ROUTES
from gateways.core.permissions import PUBLIC
from tests.integration.chat.town import Town
from tests.support.api import connected

SOMEBODY = "5" * 32
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/v1/rooms/{room_id}"): {"topic": "mine now"},
    ("POST", "/v1/rooms/{room_id}/messages"): {"client_id": "x", "text": "x"},
    ("PATCH", "/v1/rooms/{room_id}/messages/{message_id}"): {"text": "x"},
    ("POST", "/v1/rooms/{room_id}/messages/{message_id}/reports"): {"reason": "spam"},
    ("POST", "/v1/rooms/{room_id}/reactions"): {"reaction": "🔥"},
    ("POST", "/v1/rooms/{room_id}/removals"): {"message_ids": [SOMEBODY]},
    ("POST", "/v1/rooms/{room_id}/purges"): {"account_id": SOMEBODY},
    ("POST", "/v1/rooms/{room_id}/queue/decisions"): {"message_ids": [SOMEBODY], "approved": True},
    ("POST", "/v1/rooms/{room_id}/sanctions"): {"account_id": SOMEBODY, "kind": "ban"},
    ("PUT", "/v1/rooms/{room_id}/screening"): {"rules": {}, "based_on": 1},
    ("POST", "/v1/rooms/{room_id}/screening/trial"): {"rules": {}},
}
QUERIES = {"/v1/rooms/{room_id}/replay": "?from_ms=0&to_ms=10"}
OF_NO_ROOM = {"/v1/socket", "/v1/rooms", "/v1/blocks", "/v1/blocks/{account_id}"}


def asked(room: str, asset_id: str, message_id: str) -> list[tuple[str, str, Any, bool, bool]]:
    """(method, path, body, for moderators, for anybody) of each route that is about a room."""
    ids = {"room_id": room, "asset_id": asset_id, "message_id": message_id, "account_id": SOMEBODY}
    return [
        (
            route.method,
            re.sub(r"{(\w+)}", lambda found: ids[found[1]], route.path) + QUERIES.get(route.path, ""),
            BODIES.get((route.method, route.path)),
            route.owned,
            route.permission == PUBLIC,
        )
        for route in ROUTES
        if route.path not in OF_NO_ROOM
    ]


async def test_a_room_that_one_may_not_read_is_as_if_it_were_not_there(town: Town) -> None:
    """Neither a members' room nor a private film's, by any route, for anybody whose they are not."""
    ann, ben, cat = await town.person("creator"), await town.person("creator"), await town.person()
    theirs = await town.room(ann, access="members")
    body = {"client_id": "1", "text": "among us", "media_ms": 1}
    message_id = (await town.ask("POST", f"/v1/rooms/{theirs}/messages", 201, body, ann))["message_id"]
    await town.room(ben)  # who owns a room of his own has no more rights here
    async with connected(town.stack) as media:
        asset_id = await media.upload(b"no film at all " * 1000, "A private film")
    async with town.http.get(f"/v1/assets/{asset_id}/room", headers=town.identity.admin) as answer:
        assert answer.status == 200, await answer.text()
    for room in (theirs, f"a-{asset_id}"):
        for method, path, body, _, public in asked(room, asset_id, message_id):
            for who in (ben, cat):
                told = await town.ask(method, path, 404, body, who)
                never = path.replace(room, "r-" + "0" * 32).replace(asset_id, "never-there")
                missing = await town.ask(method, never, 404, body, who)
                for name in ("title", "type"):
                    assert told[name] == missing[name], f"{method} {path}"
            # Of nobody a credential is asked first where one is needed.
            await town.ask(method, path, 404 if public else 401, body)
        for who in (ben, cat):
            line = await town.line(who)
            assert (await line.ask("subscribe", "refused", room=room))["code"] == "room_unknown"


async def test_what_is_another_persons_in_an_open_room_is_not_ones_own(town: Town) -> None:
    """Messages, cards, desks, rules: whoever only reads the room is refused each of them."""
    ann, ben, cat = await town.person("creator"), await town.person("creator"), await town.person()
    room = await town.room(ann)
    await town.room(ben)
    body = {"client_id": "1", "text": "hers"}
    message_id = (await town.ask("POST", f"/v1/rooms/{room}/messages", 201, body, ann))["message_id"]
    for method, path, body, owned, _ in asked(room, "never-there", message_id):
        for who in (ben, cat):
            if owned:
                await town.ask(method, path, 403, body, who)
    one = f"/v1/rooms/{room}/messages/{message_id}"
    for who in (ben, cat):
        assert (await town.ask("PATCH", one, 409, {"text": "his"}, who))["code"] == "not_yours"
        assert (await town.ask("DELETE", one, 409, None, who))["code"] == "not_yours"
        elsewhere = await town.room(ben)  # the message by its id, through a room of one's own
        for method, path in (
            ("DELETE", f"/messages/{message_id}"), ("PUT", f"/pins/{message_id}"),
        ):  # fmt: skip
            await town.ask(method, f"/v1/rooms/{elsewhere}{path}", 404, None, ben)
    assert [each["text"] for each in await town.messages(room)] == ["hers"]
