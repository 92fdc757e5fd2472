"""A room that has said more than its window holds: who was away is told of the gap, and reads all of it."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack
from typing import Any

from gateways.core.platform import Platform
from schemas.catalog import load_topology
from schemas.chat.views import REQUESTS, STREAM_LENGTH, TEXT_FIELD
from streams.core.sealing import Sealer
from tests.integration.chat.town import Town
from tests.integration.identity.conftest import PATIENCE_S, Person
from tests.unit.chat.telling import mid, sent

TOTAL = STREAM_LENGTH + 250
PAGE = 200


async def say_all(town: Town, room: str, by: Person) -> None:
    """TOTAL messages, straight onto the log, as the gateway would put them there."""
    async with AsyncExitStack() as exits:
        platform = Platform(town.stack.settings, load_topology(), exits)
        sealer, producer = Sealer(platform.vault()), platform.producer("test")
        waiting = []
        for n in range(TOTAL):
            sealed = base64.b64encode(await sealer.seal(by.account_id, TEXT_FIELD, f"line {n}")).decode()
            data = sent(by.account_id, str(n), text=sealed, rules_version=1).data | {"room_id": room}
            publishing = producer.publish(REQUESTS, room, "kinolog.chat.MessageSubmitted", data)
            waiting.append(asyncio.create_task(publishing))
            await asyncio.sleep(0)  # it is on its way before the next one
        await asyncio.gather(*waiting)


async def pages(town: Town, room: str, way: str, at: int | None, by: Person) -> list[dict[str, Any]]:
    """All messages from `at`, page by page, as they come."""
    found: list[dict[str, Any]] = []
    while True:
        query = f"?limit={PAGE}" + ("" if at is None else f"&{way}={at}")
        page = await town.ask("GET", f"/v1/rooms/{room}/messages{query}", 200, by=by)
        assert len(page["items"]) <= PAGE
        found += page["items"] if way == "after" else page["items"][::-1]
        at = page[way]
        if at is None:
            return found if way == "after" else found[::-1]


async def told_in_history(town: Town, room: str, count: int, by: Person) -> None:
    """It is a moment behind."""
    async with asyncio.timeout(PATIENCE_S):
        while len(await pages(town, room, "before", None, by)) != count:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)


async def test_who_was_away_for_longer_than_the_window_is_told_and_reads_all_of_it(town: Town) -> None:
    ann = await town.person("creator")
    room = await town.room(ann)
    line = await town.line(ann)
    entered = await line.enter(room)
    await say_all(town, room, ann)
    await town.until(f"/v1/rooms/{room}", lambda found: found["message_count"] == TOTAL, ann)
    await line.item(room, lambda item: item.get("text") == f"line {TOTAL - 1}")
    await told_in_history(town, room, TOTAL, ann)
    gone, edited = mid(ann.account_id, "5"), mid(ann.account_id, str(TOTAL - 9))
    await town.ask("DELETE", f"/v1/rooms/{room}/messages/{gone}", 200, by=ann)
    await town.ask("PATCH", f"/v1/rooms/{room}/messages/{edited}", 200, {"text": "another line"}, ann)
    expected = [f"line {n}" for n in range(TOTAL) if n != 5]
    expected[TOTAL - 10] = "another line"

    # Who listened all the time has heard each of them once, in order.
    await line.item(room, lambda item: item["kind"] == "edited")
    assert line.texts(room) == [f"line {n}" for n in range(TOTAL)]
    # Who was away is told that something is missing, and gets the newest.
    away = await (await town.line(ann)).enter(room, since={"epoch": entered["epoch"], "id": entered["id"]})
    assert (away["recovered"], away["gap"]) == (False, True)
    assert [item["text"] for item in away["items"] if item["kind"] == "message"] == expected[-48:]
    # Who was away for less gets exactly what was missed.
    known = line.items(room)[TOTAL - 400]
    back = await town.line(ann)
    less = await back.enter(room, since={"epoch": entered["epoch"], "id": known["id"]})
    assert (less["recovered"], less["gap"]) == (True, False)
    await back.item(room, lambda item: item["kind"] == "edited")
    assert back.texts(room) == expected[-399:]

    await told_in_history(town, room, len(expected), ann)
    for way, at in (("before", None), ("after", 0)):
        found = await pages(town, room, way, at, ann)
        assert [each["text"] for each in found] == expected
        ids = [each["id"] for each in found]
        assert ids == sorted(set(ids))
    # A pin that is older than the window is told as history tells it.
    await town.ask("PUT", f"/v1/rooms/{room}/pins/{mid(ann.account_id, '3')}", 200, by=ann)
    [pinned] = (await town.ask("GET", f"/v1/rooms/{room}/pins", 200))["items"]
    assert pinned == found[3]
