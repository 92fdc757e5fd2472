"""Titles and topics of rooms, which stand on the log sealed: see `schemas.chat.titles`."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from gateways.core.problem import Problem
from gateways.core.projections import Projection, ProjectionReader
from schemas.chat.titles import FIELDS, subject_of
from schemas.chat.views import RoomDocument
from schemas.media.titles import TITLE
from schemas.media.titles import subject_of as subject_of_film
from streams.core.sealing import Sealer, SubjectForgotten
from streams.core.vault import VaultError

PATIENCE_S: Final = 5.0
"""How long who reads a room waits for a vault that does not answer; then it has no title."""
Place = tuple[str, str, bytes]
"""What the sealer opens: subject, field, sealed bytes."""


@dataclass(frozen=True, slots=True)
class _Text:
    """One text: in clear, or sealed in one of these places."""

    clear: str
    places: list[Place]


@dataclass(frozen=True, slots=True)
class RoomTexts:
    """Seals and opens them. RedisError passes through."""

    sealer: Sealer
    reader: ProjectionReader
    library: Projection
    accounts: Projection

    async def open(self, rooms: Sequence[RoomDocument]) -> list[dict[str, Any]]:
        """The rooms' settings as clients get them, by one round trip to the vault. Raises VaultError.

        A text that was forgotten is empty. A film's room that nobody named otherwise is called as the film.
        """
        texts = await self._texts(rooms)
        return _settings(rooms, texts, await self.sealer.open_each(_places(texts)))

    async def shown(self, rooms: Sequence[RoomDocument]) -> list[dict[str, Any]]:
        """As `open`; while the vault is away sealed texts are empty: rooms can be read without."""
        texts = await self._texts(rooms)
        places = _places(texts)
        opened: list[str | None] = [None] * len(places)
        with suppress(VaultError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                opened = await self.sealer.open_each(places)
        return _settings(rooms, texts, opened)

    async def sealed(
        self, room_id: str, asset_id: str | None, owner_id: str | None, texts: Mapping[str, str]
    ) -> dict[str, str | None]:
        """`texts` (by their names in FIELDS) as events carry them; an empty one is none.

        Raises VaultError; Problem 409 where whom they would go with is gone.
        """
        if asset_id is not None:
            film = await (await self.reader.pin(self.library)).get(asset_id)
            if film is None or film["state"] == "deleted":
                raise Problem("conflict", "The film of this room is deleted.", code="asset_deleted")
        of_account = asset_id is None and owner_id is not None and await self._is_account(owner_id)
        subject = subject_of(room_id, asset_id, owner_id if of_account else None)
        found: dict[str, str | None] = {}
        try:
            for name, text in texts.items():
                raw = await self.sealer.seal(subject, FIELDS[name], text, create=not of_account)
                found |= {name: "", f"{name}_sealed": base64.b64encode(raw).decode() if text else None}
        except SubjectForgotten as gone:
            detail = "The account that this room belongs to was erased: it cannot be named any more."
            raise Problem("conflict", detail, code="owner_erased") from gone
        return found

    async def _is_account(self, owner_id: str) -> bool:
        """Others own rooms, too: people of a foreign issuer."""
        return await (await self.reader.pin(self.accounts)).get(owner_id) is not None

    async def _texts(self, rooms: Sequence[RoomDocument]) -> list[dict[str, _Text]]:
        unnamed = [room["asset_id"] for room in rooms if _is_unnamed(room)]
        films: dict[Any, Mapping[str, Any]] = {}
        if unnamed:
            documents = await (await self.reader.pin(self.library)).get_many(cast("list[str]", unnamed))
            films = {asset_id: film or {} for asset_id, film in zip(unnamed, documents, strict=True)}
        return [
            {
                "title": _of_film(room, films) if _is_unnamed(room) else _of_room(room, "title"),
                "topic": _of_room(room, "topic"),
            }
            for room in rooms
        ]


def raw_of(sealed: str) -> bytes:
    """The bytes of a sealed text; none, which nothing opens, where this is not base64."""
    try:
        return base64.b64decode(sealed)
    except binascii.Error:
        return b""


def _is_unnamed(room: RoomDocument) -> bool:
    settings = room["settings"]
    return room["asset_id"] is not None and settings["title"] == room["asset_id"]


def _of_film(room: RoomDocument, films: Mapping[Any, Mapping[str, Any]]) -> _Text:
    asset_id = cast("str", room["asset_id"])
    film = films[asset_id]
    sealed = film.get("title_sealed")
    places = [(subject_of_film(asset_id), TITLE, raw_of(sealed))] if sealed is not None else []
    return _Text(film.get("title") or "", places)


def _of_room(room: RoomDocument, name: str) -> _Text:
    settings: Mapping[str, Any] = room["settings"]  # read by names that are data
    sealed = settings.get(f"{name}_sealed")
    if sealed is None:
        return _Text(settings[name], [])
    where = room["room_id"], room["asset_id"]
    # Whether its owner has an account here does not show in the owner's id: the one without has no key.
    subjects = dict.fromkeys((subject_of(*where, room["owner_id"]), subject_of(*where, None)))
    return _Text("", [(subject, FIELDS[name], raw_of(sealed)) for subject in subjects])


def _places(texts: Sequence[Mapping[str, _Text]]) -> list[Place]:
    return [place for each in texts for text in each.values() for place in text.places]


def _settings(
    rooms: Sequence[RoomDocument], texts: Sequence[Mapping[str, _Text]], opened: Sequence[str | None]
) -> list[dict[str, Any]]:
    """`opened` are the texts' places, in order."""
    rest = iter(opened)
    found = []
    for room, each in zip(rooms, texts, strict=True):
        settings = {name: value for name, value in room["settings"].items() if not name.endswith("_sealed")}
        for name, text in each.items():
            tried = [next(rest) for _ in text.places]
            settings[name] = next((one for one in tried if one is not None), text.clear)
        found.append(settings)
    return found
