"""Titles and names of files: read by who may see the film, found in clear nowhere, gone with the film."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Iterator
from typing import Any

from deploy.log_reader import LogReader
from schemas.catalog import topology
from schemas.media.titles import TITLE, subject_of
from schemas.wire import codec
from streams.core.clients import redis_client
from streams.core.sealing import Sealer
from streams.core.vault import SUBJECT_KEY, open_vault
from tests.integration.identity.conftest import PATIENCE_S, Api
from tests.integration.identity.test_erasure import _found, _named, erased
from tests.integration.identity.test_films import Films, films, until
from tests.support.leaks import of_clickhouse, of_files, of_log, of_redis
from tests.support.verified import differing

__all__ = ["films"]
VIEWS = ("media.library", "media.asset", "media.owner", "chat.rooms")
FILM = b"no film, but an upload"


async def test_titles_stand_nowhere_in_clear_and_are_gone_with_the_film(api: Api, films: Films) -> None:
    mark = uuid.uuid4().hex[:12]
    owner, moderator = await api.person("creator"), await api.person("moderator")
    named = {"title": f"Harbour {mark}", "file_name": f"holiday {mark}.mov", "visibility": "public"}
    one = str((await films.ask("POST", "/v1/assets", 202, owner, params=named, data=FILM))["id"])
    by_file = {"file_name": f"{mark} of the file.mov"}
    two = await films.ask("POST", "/v1/assets", 202, owner, params=by_file, data=FILM)
    assert two["asset"]["title"] == f"{mark} of the file"
    renamed = {"title": f"Renamed {mark}", "reason": "it was too long"}
    await films.ask("PATCH", f"/v1/assets/{one}", 202, moderator, json=renamed)
    await until(lambda: _is_called(films, one, renamed["title"]))
    room = await _room(api, one)
    assert room["settings"]["title"] == renamed["title"]
    found = await films.ask("GET", "/v1/assets", 200, owner, params={"q": mark})
    assert {item["id"] for item in found["items"]} == {one, two["id"]}
    [act] = await films.audit(owner.account_id, "asset.change", 1)
    assert act["title"] == renamed["title"]
    await until(lambda: _tells(films, one, {named["title"], renamed["title"]}))
    secret, known = {mark: "the mark in titles"}, {one: "the film's id"}
    pieces = await _everything(api)
    assert [place for place, there in pieces.items() if not _found(there, known)] == []
    pieces["logs"] = list(of_files(api.stack.home.logs))
    assert {place: _found(there, secret) for place, there in pieces.items()} == {p: [] for p in pieces}

    files = api.stack.home.data("vault")
    assert _named(files, subject_of(one))
    await api.ask("DELETE", f"/v1/users/{owner.account_id}?reason=asked+for+it", 202)
    await erased(api, owner.account_id)
    vault = open_vault(api.stack.settings)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for asset_id in (one, two["id"]):
                while await vault.get(SUBJECT_KEY, subject_of(asset_id)) is not None:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
                while _named(files, subject_of(asset_id)):  # noqa: ASYNC110 - the file is written anew
                    await asyncio.sleep(0.05)
        said = list(_sealed_on_the_log(api, one))
        assert len(said) == 4  # begun, created, asked to be changed, changed
        assert {await Sealer(vault).open(subject_of(one), TITLE, raw) for raw in said} == {None}
    finally:
        await vault.aclose()
    await until(lambda: _tells(films, one, set()))
    [act] = await films.audit(owner.account_id, "asset.change", 1)
    assert act["title"] is None
    assert await differing(api.stack.settings, VIEWS) == []


async def _is_called(films: Films, asset_id: str, title: str) -> bool:
    return bool((await films.ask("GET", f"/v1/assets/{asset_id}", 200))["title"] == title)


async def _tells(films: Films, asset_id: str, titles: set[str]) -> bool:
    """Whether these are the titles that the film's log shows."""
    items = (await films.ask("GET", f"/v1/assets/{asset_id}/log", 200))["items"]
    return {item["data"]["title"] for item in items if item["data"].get("title")} == titles


async def _room(api: Api, asset_id: str) -> Any:
    where = f"{api.stack.url('chat')}/v1/assets/{asset_id}/room"
    async with api.http.get(where, headers=api.admin) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def _everything(api: Api) -> dict[str, list[tuple[str, bytes]]]:
    settings = api.stack.settings
    return {
        "log": list(of_log(api.stack)),
        "redis": [piece async for piece in of_redis(redis_client(settings))],
        "vault": [piece async for piece in of_redis(open_vault(settings).redis)],
        "clickhouse": [piece async for piece in of_clickhouse(api.stack)],
    }


def _sealed_on_the_log(api: Api, asset_id: str) -> Iterator[bytes]:
    topics = [name for name in topology().topics if name.startswith("media.asset.")]
    with LogReader(api.stack.settings) as reader:
        places = [(topic, p) for topic in topics for p in range(reader.partitions(topic))]
        for message in reader.messages(reader.spans(places)):
            _, data = codec().decode(message.value())
            if data.get("asset_id") == asset_id and data.get("title_sealed") is not None:
                yield base64.b64decode(data["title_sealed"])
