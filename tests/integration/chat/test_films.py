"""The room of a film is open as long, and to whom, the film is: on sockets, event streams and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import aiohttp

from tests.integration.chat.town import Town
from tests.integration.identity.conftest import PATIENCE_S, Person
from tests.support.api import Api, connected


@asynccontextmanager
async def events(town: Town, room: str, by: Person) -> AsyncIterator[aiohttp.StreamReader]:
    """The room as server-sent events, from where they begin to say something."""
    async with town.http.get(f"/v1/rooms/{room}/events", headers=by.bearer) as answer:
        assert answer.status == 200
        yield answer.content


async def until(stream: aiohttp.StreamReader, wanted: bytes) -> None:
    """Returns when the stream has said so."""
    async with asyncio.timeout(PATIENCE_S):
        async for line in stream:
            if wanted in line:
                return
    raise AssertionError(f"the stream ended without {wanted!r}")


async def change(media: Api, asset_id: str, method: str, **fields: str) -> None:
    path = urljoin(media.base, f"/v1/assets/{asset_id}")
    async with media.session.request(method, path, json=fields or None) as answer:
        assert answer.status == 202, await answer.text()


async def is_gone(town: Town, room: str, by: Person) -> None:
    """Whatever is asked of the room, it is not there for this person."""
    for method, path, body in (
        ("GET", "", None), ("GET", "/messages", None), ("GET", "/messages?q=hello", None),
        ("GET", "/replay?from_ms=0&to_ms=1000", None), ("GET", "/pins", None), ("GET", "/events", None),
        ("POST", "/messages", {"client_id": "late", "text": "too late"}),
        ("POST", "/reactions", {"reaction": "🔥"}), ("PUT", "/following", None),
    ):  # fmt: skip
        await town.ask(method, f"/v1/rooms/{room}{path}", 404, body, by)
    line = await town.line(by)
    assert (await line.ask("subscribe", "refused", room=room))["code"] == "room_unknown"


async def test_a_room_closes_with_its_film_for_those_who_may_not_see_it(town: Town) -> None:
    ann, moderator = await town.person(), await town.person("moderator")
    async with connected(town.stack) as media:
        asset_id = await media.upload(b"no film at all " * 1000, "A film with a room that closes")
        await change(media, asset_id, "PATCH", visibility="unlisted")
        path = f"/v1/assets/{asset_id}/room"
        room = (await town.until_there(path, ann))["id"]
        hers, staff = await town.line(ann), await town.line(moderator)
        await hers.enter(room)
        await staff.enter(room)
        assert (await hers.send(room, "hello", media_ms=1))["state"] == "accepted"
        async with events(town, room, ann) as stream:
            await until(stream, b"event: subscribed")
            await change(media, asset_id, "PATCH", visibility="private")
            assert (await hers.told("left"))["code"] == "may_not_read"
            await until(stream, b"event: left")
        assert (await hers.send(room, "still here?"))["code"] == "not_subscribed"
        await is_gone(town, room, ann)
        # Who may see every film stays, until there is none.
        assert (await staff.send(room, "still here"))["state"] == "accepted"
        await change(media, asset_id, "PATCH", visibility="public")
        await town.until_there(path, ann)
        await hers.enter(room)
        async with events(town, room, moderator) as stream:
            await until(stream, b"event: subscribed")
            await change(media, asset_id, "DELETE")
            for line in (hers, staff):
                await line.hear("left")
            await until(stream, b"event: left")
        for who in (ann, moderator):
            await is_gone(town, room, who)
            await town.ask("GET", path, 404, by=who)
