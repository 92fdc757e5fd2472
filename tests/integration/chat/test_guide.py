"""docs/guides/chat.md is true: each example is sent, each answer comes, each number is the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gateways.chat import conversation, live, presence, sayings, welcome
from gateways.core.rates import DEFAULTS, MESSAGE, ROOM, USER
from gateways.core.sockets import CLOSE_CODES, MESSAGES, MOST_WAITING_BYTES
from tests.integration.chat.town import Town

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "chat.md").read_text()
BLOCK = re.compile(r"```(json client|json server|http)\n(.*?)```", re.DOTALL)


def _same_shape(said: dict[str, Any], shown: dict[str, Any]) -> bool:
    """Whether everything that the guide shows is there: of what is fixed the value, of the rest the name."""
    fixed = ("type", "request", "client_id", "code", "recovered", "gap", "state", "room")
    return said.keys() >= shown.keys() and all(said[name] == shown[name] for name in fixed if name in shown)


async def test_every_example_does_what_the_guide_says(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    line = await town.line(ann)
    ben = await town.person()
    his = await town.line(ben)
    await his.enter(room)
    theirs = (await his.send(room, "somebody else's"))["message_id"]
    names = {
        "ROOM": room,
        "ACCOUNT": ben.account_id,
        "THEIRS": theirs,
        "TOKEN": (await town.identity.sign_in(ann)).tokens["access_token"],
    }
    checked = 0
    for kind, text in BLOCK.findall(GUIDE):
        for name, value in names.items():
            text = text.replace(name, value)
        if kind == "http":
            for request in text.splitlines():
                method, path, *body = request.split(maxsplit=2)
                status = 201 if method == "POST" and path.endswith(("/rooms", "/reports")) else 200
                await town.ask(method, path, status, json.loads(body[0]) if body else None, ann)
        elif kind == "json client":
            await line.socket.send_json(json.loads(text))
        else:
            shown = json.loads(text)
            fixed = {name: value for name, value in shown.items() if value != "MESSAGE"}
            heard = next((each for each in line.heard if _same_shape(each, fixed)), None)
            said = heard or await line.hear(shown["type"], lambda each, shape=fixed: _same_shape(each, shape))
            if said["type"] != "ready":
                line.heard.remove(said)
            if "message_id" in said:
                names["MESSAGE"] = said["message_id"]
            if "epoch" in said:
                names["EPOCH"] = said["epoch"]
        checked += 1
    assert checked == len(BLOCK.findall(GUIDE)) > 25


def test_its_numbers_and_close_codes_are_the_codes() -> None:
    for code, meaning in CLOSE_CODES.items():
        assert f"| {code} | {meaning} |" in GUIDE
    for said in (
        f"at most {conversation.MOST_ROOMS} rooms", f"at most {conversation.MOST_AT_ONCE} requests",
        f"say {MESSAGES.most} things a minute", f"opens {DEFAULTS[ROOM][USER].most} rooms an hour",
        f"writes {DEFAULTS[MESSAGE][USER].most} messages a minute",
        f"{MOST_WAITING_BYTES // 1024} KiB wait", f"at most {welcome.NEWEST}, the oldest first",
        f"rooms of {presence.MOST_LISTED} or more", f"a room of {live.LIVESTREAM_FROM} connections",
    ):  # fmt: skip
        assert said in " ".join(GUIDE.split()), said
    assert f"{sayings.REACTING.most} reactions in five seconds" in " ".join(GUIDE.split())
    for kind in conversation._HANDLERS:
        assert f'"type": "{kind}"' in GUIDE, kind
