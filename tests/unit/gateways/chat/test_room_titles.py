"""Titles and topics of rooms: sealed under the key of whom they go with, opened for a page at once."""

from __future__ import annotations

import asyncio
import base64
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateways.chat import titles
from gateways.chat.opening import Opener
from gateways.chat.titles import RoomTexts, raw_of
from gateways.core.problem import Problem
from gateways.core.titles import sealed_title
from schemas.chat.titles import is_room, most_sealed, subject_of
from schemas.media.titles import asset_of
from schemas.media.titles import subject_of as subject_of_film
from streams.core.sealing import Sealer
from streams.core.vault import SUBJECT_KEY, Vault, VaultUnavailable
from tests.unit.gateways.chat.stage import ANN, BEN, ROOM

FILM = "f-1"
OTHER = {"access": "public", "slow_mode_s": 0}
IN_CLEAR = {"title": "In clear", "topic": "", **OTHER}


class Shelf:
    """Documents of any projection by their keys, and how often they were read."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {ANN: {"state": "active"}, FILM: {"state": "ready", "title": ""}}

    async def pin(self, _: Any) -> Shelf:
        return self

    async def get(self, key: str) -> Any:
        return self.documents.get(key)

    async def get_many(self, keys: list[str]) -> list[Any]:
        return [self.documents.get(key) for key in keys]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def sealer(vault: Vault) -> Sealer:
    return Sealer(vault)


@pytest.fixture
def texts(sealer: Sealer, shelf: Shelf) -> RoomTexts:
    return RoomTexts(sealer, shelf, None, None)  # type: ignore[arg-type]


def room(settings: dict[str, Any], owner_id: str | None = ANN, asset_id: str | None = None) -> Any:
    return {"room_id": ROOM, "asset_id": asset_id, "owner_id": owner_id, "settings": {**OTHER, **settings}}


async def called(texts: RoomTexts, *rooms: Any) -> list[tuple[str, str]]:
    return [(found["title"], found["topic"]) for found in await texts.open(rooms)]


async def named(texts: RoomTexts, title: str, owner_id: str | None = ANN, asset_id: str | None = None) -> Any:
    said = await texts.sealed(ROOM, asset_id, owner_id, {"title": title, "topic": f"About {title}"})
    assert (said["title"], said["topic"]) == ("", "")
    return room(said, owner_id, asset_id)


async def test_the_texts_of_a_room_go_with_whom_it_belongs_to(
    texts: RoomTexts, sealer: Sealer, vault: Vault, shelf: Shelf
) -> None:
    await sealer.seal(ANN, "display_name", "Ann", create=True)
    rooms = [
        await named(texts, "Ann's"), await named(texts, "Nobody's", None),
        await named(texts, "Of a foreign issuer", BEN), await named(texts, "A film's", ANN, FILM),
        room(IN_CLEAR),
    ]  # fmt: skip
    shown = ["Ann's", "Nobody's", "Of a foreign issuer", "A film's"]
    expected = [*((title, f"About {title}") for title in shown), ("In clear", "")]
    assert await called(texts, *rooms) == expected
    assert set(await vault.entries(SUBJECT_KEY)) == {ANN, f"room:{ROOM}", f"asset:{FILM}"}
    assert [set(found) for found in await texts.open(rooms)] == [{"title", "topic", *OTHER}] * 5
    await vault.forget(ANN)
    sealer._keys.clear()
    assert await called(texts, *rooms) == [("", ""), *expected[1:]]
    with pytest.raises(Problem) as refused:
        await texts.sealed(ROOM, None, ANN, {"title": "Another"})
    assert refused.value.members["code"] == "owner_erased"
    assert await vault.get(SUBJECT_KEY, ANN) is None
    shelf.documents[FILM] = {"state": "deleted"}
    with pytest.raises(Problem) as refused:
        await texts.sealed(ROOM, FILM, ANN, {"title": "Another"})
    assert refused.value.members["code"] == "asset_deleted"


async def test_a_page_of_rooms_costs_one_question_to_the_vault(
    texts: RoomTexts, sealer: Sealer, shelf: Shelf, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.documents[FILM]["title_sealed"] = await sealed_title(sealer, FILM, "A film")
    rooms = [await named(texts, "One", None), room({"title": FILM, "topic": ""}, ANN, FILM)] * 20
    asked = []
    get_many = vault.get_many

    async def counted(kind: str, ids: list[str]) -> list[bytes | None]:
        asked.append(len(ids))
        return await get_many(kind, ids)

    monkeypatch.setattr(vault, "get_many", counted)
    sealer._keys.clear()
    assert await called(texts, *rooms) == [("One", "About One"), ("A film", "")] * 20
    assert asked == [2]


async def test_a_film_s_room_is_called_as_the_film_is_now(texts: RoomTexts, shelf: Shelf) -> None:
    unnamed = room({"title": FILM, "topic": ""}, ANN, FILM)
    assert await called(texts, unnamed) == [("", "")]
    shelf.documents[FILM] = {"state": "ready", "title": "Of before titles were sealed"}
    assert await called(texts, unnamed) == [("Of before titles were sealed", "")]
    del shelf.documents[FILM]
    assert await called(texts, unnamed) == [("", "")]


async def test_without_the_vault_rooms_are_shown(texts: RoomTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [await named(texts, "Sealed", None), room(IN_CLEAR)]

    async def away(*_: object) -> None:
        raise VaultUnavailable("it is away")

    monkeypatch.setattr(texts.sealer, "open_each", away)
    expected = [("", "", "public"), ("In clear", "", "public")]
    assert [(each["title"], each["topic"], each["access"]) for each in await texts.shown(rooms)] == expected
    with pytest.raises(VaultUnavailable):
        await texts.open(rooms)

    async def silent(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(titles, "PATIENCE_S", 0.01)
    monkeypatch.setattr(texts.sealer, "open_each", silent)
    assert [(each["title"], each["topic"], each["access"]) for each in await texts.shown(rooms)] == expected


async def test_a_text_out_of_its_place_hides_no_other(texts: RoomTexts) -> None:
    one, two = await named(texts, "One", None), await named(texts, "Two", None)
    one["settings"]["title_sealed"] = one["settings"]["topic_sealed"]
    two["settings"]["topic_sealed"] = "no base64!"
    assert await called(texts, one, two) == [("", "About One"), ("Two", "")]
    assert raw_of("x") == b""


async def test_a_change_is_told_with_its_texts_opened(texts: RoomTexts, sealer: Sealer) -> None:
    changed = await named(texts, "Changed", None)
    people = SimpleNamespace(names=lambda _: nobody())
    opener = Opener(sealer, people, texts)  # type: ignore[arg-type]
    delta: Any = {"id": 1, "prev": 0, "at_ms": 0, "kind": "room", "settings": changed["settings"]}
    [(item, document)] = await opener(changed, [delta])
    assert document["settings"] == {"title": "Changed", "topic": "About Changed", **OTHER}
    assert item.wire is not None
    assert orjson.loads(item.wire)["settings"] == document["settings"]
    assert "title_sealed" in delta["settings"]


async def nobody() -> dict[str, str]:
    return {}


async def test_the_longest_texts_fit_and_an_empty_one_is_none(texts: RoomTexts) -> None:
    longest = {"title": "\U0001f3ac" * 200, "topic": "\U0001f3ac" * 500}
    said = await texts.sealed(ROOM, None, None, longest)
    assert len(said["title_sealed"] or "") == most_sealed(200)
    assert len(said["topic_sealed"] or "") == most_sealed(500)
    assert await texts.sealed(ROOM, None, None, {"topic": ""}) == {"topic": "", "topic_sealed": None}
    assert base64.b64decode(said["title_sealed"] or "") != base64.b64decode(said["topic_sealed"] or "")


def test_a_subject_of_the_vault_is_a_room_or_not() -> None:
    assert is_room(subject_of(ROOM, None, None))
    assert not is_room(subject_of(ROOM, None, ANN))
    assert asset_of(subject_of(ROOM, FILM, ANN)) == FILM
    assert subject_of(ROOM, FILM, None) == subject_of_film(FILM)
