"""Clients that mean harm: each is refused or cut off by a code, and the room's others notice nothing."""

from __future__ import annotations

import asyncio
import os
import zlib
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.integration.chat.town import PROTOCOL, Line, Town

HOSTILE_TEXTS = [
    "\u202e" * 400, "\u200b" * 500, "a" + "\u0300" * 499, "\x00\x01\x02", "x" * 501,
    "", " ", "\n" * 6,
    "👩‍👩‍👧‍👦" * 200, "\u2066\u2067\u2068" * 100,
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"not json", 1007),
        (b"[]", 1007),
        (b'"text"', 1007),
        (b"{" * 10_000, 1007),
        (b'{"type":"send","text":"\\ud83d"}', 1007),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 1007),
        (b'{"type":"send","text":"' + b"x" * 1_000_000 + b'"}', 1009),
    ],
)
async def test_what_is_no_message_ends_the_connection(town: Town, raw: bytes, code: int) -> None:
    line = await town.line()
    await line.socket.send_str(raw.decode())
    assert await line.closed() == code


async def test_bytes_and_broken_utf8_end_the_connection(town: Town) -> None:
    line = await town.line()
    await line.socket.send_bytes(b"{}")
    assert await line.closed() == 1003
    line = await town.line()
    await line.socket.send_frame(b'{"type":"\xff\xfe"}', aiohttp.WSMsgType.TEXT)
    assert await line.closed() == 1007


async def test_compression_is_not_agreed_to_and_a_bomb_is_no_message(town: Town) -> None:
    async with town.http.ws_connect("/v1/socket", protocols=[PROTOCOL], compress=15) as socket:
        line = Line(socket)
        await line.hear("ready")
        assert socket.compress == 0
        bomb = zlib.compress(b"\0" * 50_000_000)[:15_000]
        await socket.send_frame(bomb, aiohttp.WSMsgType.TEXT)
        assert await line.closed() == 1007


async def test_requests_that_are_malformed_are_told_so_and_the_connection_lives(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    line = await town.line(ann)
    wrong: list[dict[str, Any]] = [
        {}, {"type": 1}, {"type": None}, {"type": "nonsense"}, {"type": "send"}, {"type": "subscribe"},
        {"type": "subscribe", "room": "../etc"}, {"type": "subscribe", "room": "r-" + "0" * 32},
        {"type": "send", "room": room, "client_id": "x", "text": "not there yet"},
        {"type": "react", "room": room, "reaction": "<script>"}, {"type": "typing", "room": []},
        {"type": "authenticate", "token": {}}, {"type": "authenticate"},
    ]  # fmt: skip
    for each in wrong:
        await line.socket.send_json(each)
        assert (await line.hear("refused"))["code"], each
    await line.enter(room)
    inside: list[dict[str, Any]] = [
        {"type": "send", "client_id": "x" * 65, "text": "x"}, {"type": "send", "client_id": "x", "text": 1},
        {"type": "send", "client_id": "x", "text": "x", "reply_to": "y"},
        {"type": "send", "client_id": "x", "text": "to nothing", "reply_to": "0" * 32},
        {"type": "send", "client_id": "x", "text": "x", "media_ms": -1},
        {"type": "send", "client_id": "x", "text": "x", "mentions": ["y"]},
        {"type": "edit", "message_id": "0" * 32, "text": "nobody's"}, {"type": "edit", "text": "x"},
        {"type": "remove", "message_ids": ["0" * 32]}, {"type": "remove", "message_ids": []},
        {"type": "react", "reaction": "<script>"}, {"type": "read", "id": "x"},
    ]  # fmt: skip
    for each in inside:
        await line.socket.send_json({"room": room, **each})
        assert (await line.hear("refused"))["room"] == room, each
    assert (await line.send(room, "alive"))["state"] == "accepted"


async def test_texts_that_hide_are_cleaned_or_refused(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    line = await town.line(ann)
    await line.enter(room)
    for n, text in enumerate(HOSTILE_TEXTS):
        answer = await line.send(room, text, client_id=str(n))
        assert answer["type"] in ("sent", "refused")
    await line.send(room, "the end")
    await line.item(room, lambda item: item.get("text") == "the end")
    for text in line.texts(room):
        assert len(text) <= 500
        assert not set(text) & set("\u202e\u2066\u2067\u2068\x00\x01\x02")


async def test_ten_thousand_subscriptions_are_refused_then_cut_off(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    reader, hostile = await town.line(), await town.line()
    await reader.enter(room)

    async def flood() -> None:
        try:
            for n in range(10_000):
                await hostile.say("subscribe", room=f"r-{n:032x}")
        except (ConnectionError, aiohttp.ClientError):
            pass  # cut off in the middle

    flooding = asyncio.create_task(flood())
    assert await hostile.closed() == 4429
    await flooding
    assert {each["code"] for each in hostile.heard if each["type"] == "refused"} == {"room_unknown"}
    writer = await town.line(ann)
    await writer.enter(room)
    await writer.send(room, "unharmed")
    await reader.item(room, lambda item: item.get("text") == "unharmed")


async def test_the_client_ids_of_others_are_ones_own_messages(town: Town) -> None:
    ann, ben = await town.person("creator"), await town.person()
    room = await town.room(ann)
    hers, his = await town.line(ann), await town.line(ben)
    await hers.enter(room)
    await his.enter(room)
    first = await hers.send(room, "hers", client_id="the same")
    second = await his.send(room, "his", client_id="the same")
    assert first["message_id"] != second["message_id"]
    await his.say("edit", room=room, message_id=first["message_id"], text="his, too")
    assert (await his.any_of("edited", "refused"))["code"] == "not_yours"
    await his.say("remove", room=room, message_ids=[first["message_id"]])
    assert (await his.any_of("done", "refused"))["code"] == "not_yours"
    assert [each["text"] for each in await town.messages(room)] == ["hers", "his"]


async def test_a_session_that_ends_ends_its_connection(town: Town) -> None:
    ann = await town.person("creator")
    line = await town.line(ann)
    await town.identity.ask("DELETE", f"/v1/sessions/{ann.tokens['sid']}", 204, headers=ann.bearer)
    assert await line.closed() == 4401


async def test_a_token_that_ends_ends_its_connection_unless_a_fresher_one_came_before(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    for ttl_s in (4, 16, 64):  # on a busy machine the first may be over too soon
        token = await town.short_lived(ann, ttl_s)
        with suppress(AssertionError):  # let in no more
            ending, renewed = await town.line(token=token), await town.line(token=token)
            for line in (ending, renewed):
                await line.enter(room)
            await renewed.ask("authenticate", "done", token=ann.tokens["access_token"])
            assert (await ending.send(room, "while it holds"))["state"] == "accepted"
            break
    assert await ending.closed() == 4401
    assert (await renewed.send(room, "it goes on"))["state"] == "accepted"
    with pytest.raises(AssertionError, match="4401"):
        await town.line(token=token)


async def test_who_may_only_read_writes_nothing(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    line = await town.line()
    await line.enter(room)
    for kind, more in (
        ("send", {"client_id": "x", "text": "x"}), ("react", {"reaction": "🔥"}), ("typing", {}),
        ("follow", {}), ("remove", {"message_ids": []}),
    ):  # fmt: skip
        await line.say(kind, room=room, **more)
        assert (await line.hear("refused"))["code"] == "may_not_write"


async def test_random_bytes_harm_nobody(town: Town) -> None:
    async def one() -> None:
        line = await town.line()
        await line.socket.send_frame(os.urandom(4000), aiohttp.WSMsgType.TEXT)
        assert await line.closed() == 1007

    await asyncio.gather(*(one() for _ in range(20)))
    await town.ask("GET", "/v1/rooms", 200)
