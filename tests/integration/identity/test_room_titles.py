"""Titles and topics of rooms, and what is said there: in clear nowhere, gone with whom they belong to."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Iterator

from deploy.log_reader import LogReader
from schemas.catalog import topology
from schemas.chat.titles import FIELDS
from schemas.media.titles import subject_of as subject_of_film
from schemas.wire import codec
from streams.core.sealing import Sealer
from streams.core.vault import SUBJECT_KEY, open_vault
from tests.integration.chat.town import Town, town_of
from tests.integration.identity.conftest import PATIENCE_S, Api, Person
from tests.integration.identity.test_erasure import _found, _named, erased
from tests.integration.identity.test_films import Films, films, until
from tests.integration.identity.test_titles import _everything
from tests.support.leaks import of_clickhouse, of_files
from tests.support.verified import differing

__all__ = ["films"]
SOON_S = 60  # a busy machine's; rooms are opened anew anyway after five minutes
VIEWS = ("chat.rooms", "chat.room")


async def test_what_rooms_are_called_and_what_is_said_there_goes_with_whom_it_is(
    api: Api, films: Films
) -> None:
    mark = uuid.uuid4().hex[:12]
    async with town_of(api.stack) as town:
        admin = Person("", "", tokens={"access_token": api.stack.credentials["admin_api_key"]})
        owner, other = await town.person("creator", name=f"Ann {mark}"), await town.person()
        room = await town.room(owner, title=f"First {mark}", topic=f"About {mark}")
        asset_id = await films.upload(owner)
        of_film = (await town.ask("GET", f"/v1/assets/{asset_id}/room", 200, by=other))["id"]
        of_nobody = (await town.ask("POST", "/v1/rooms", 201, {"title": f"Nobody's {mark}"}, admin))["id"]
        line = await town.line(other)
        assert (await line.enter(room))["settings"]["title"] == f"First {mark}"
        wish = {"title": f"Renamed {mark}", "topic": f"Another topic {mark}"}
        for each in (room, of_film):
            changed = await town.ask("PATCH", f"/v1/rooms/{each}", 200, wish, owner)
            assert wish.items() <= changed["settings"].items()
        told = await line.item(room, lambda item: item["kind"] == "room")
        assert wish.items() <= told["settings"].items()
        refused = await town.ask("PATCH", f"/v1/rooms/{room}", 409, wish, owner)
        assert refused["code"] == "nothing_to_change"
        listed = (await town.ask("GET", "/v1/rooms?limit=100", 200, by=other))["items"]
        titles = {each["id"]: each["settings"]["title"] for each in listed}
        assert [titles[each] for each in (room, of_film, of_nobody)] == [
            wish["title"], wish["title"], f"Nobody's {mark}"
        ]  # fmt: skip
        body = {"client_id": mark, "text": f"Said by {mark}"}
        await town.ask("POST", f"/v1/rooms/{room}/messages", 201, body, owner)
        said = await line.item(room, lambda item: item["kind"] == "message")
        assert (said["text"], said["author"]["name"]) == (body["text"], f"Ann {mark}")

        secret, known = {mark: "the mark"}, {owner.account_id: "the owner's id"}
        async with asyncio.timeout(PATIENCE_S):
            while not _found([piece async for piece in of_clickhouse(api.stack)], {room: "the room"}):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        pieces = await _everything(api)
        assert [place for place, there in pieces.items() if not _found(there, known)] == []
        pieces["logs"] = list(of_files(api.stack.home.logs))
        assert {place: _found(there, secret) for place, there in pieces.items()} == {p: [] for p in pieces}

        await api.ask("DELETE", f"/v1/users/{owner.account_id}?reason=asked+for+it", 202)
        await erased(api, owner.account_id)
        async with asyncio.timeout(SOON_S):
            while await _texts_and_title(town, room):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        assert _named(api.stack.home.data("vault"), owner.account_id) == []
        await until(lambda: _is_closed(town, of_film, admin))  # with its film
        for each, texts in ((room, {"title": "", "topic": ""}), (of_nobody, {"title": f"Nobody's {mark}"})):
            assert texts.items() <= (await town.ask("GET", f"/v1/rooms/{each}", 200))["settings"].items()
        again = {"title": f"Again {mark}"}
        refused = await town.ask("PATCH", f"/v1/rooms/{room}", 409, again, admin)
        assert refused["code"] == "owner_erased"
        vault = open_vault(api.stack.settings)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await vault.get(SUBJECT_KEY, subject_of_film(asset_id)) is not None:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
            places = list(_sealed_on_the_log(api, room, of_film, owner.account_id))
            # Asked for and done: the free room's first ones, both rooms' others; what had no answer, again.
            assert len(places) >= 8 + 4
            assert set(await Sealer(vault).open_many(places)) == {None}
        finally:
            await vault.aclose()
    assert await differing(api.stack.settings, VIEWS) == []


async def _is_closed(town: Town, room: str, admin: Person) -> bool:
    async with town.http.get(f"/v1/rooms/{room}", headers=admin.bearer) as answer:
        return answer.status == 404


async def _texts_and_title(town: Town, room: str) -> list[str]:
    """What somebody who comes in now is shown of what was written or named."""
    line = await town.line()
    entered = await line.enter(room)
    await line.socket.close()
    items = [item.get("text") or item.get("settings", {}).get("title") for item in entered["items"]]
    return [text for text in (*items, entered["settings"]["title"]) if text]


def _sealed_on_the_log(
    api: Api, room: str, of_film: str, account_id: str
) -> Iterator[tuple[str, str, bytes]]:
    """What the sealer is asked to open: all titles and topics of the two rooms."""
    subjects = {room: account_id, of_film: subject_of_film(of_film.removeprefix("a-"))}
    topics = [name for name in topology().topics if name.startswith("chat.room.")]
    with LogReader(api.stack.settings) as reader:
        places = [(topic, p) for topic in topics for p in range(reader.partitions(topic))]
        for message in reader.messages(reader.spans(places)):
            _, data = codec().decode(message.value())
            if data.get("room_id") in subjects:
                texts = data.get("settings") or data
                for name, field in FIELDS.items():
                    if texts.get(f"{name}_sealed") is not None:
                        yield subjects[data["room_id"]], field, base64.b64decode(texts[f"{name}_sealed"])
