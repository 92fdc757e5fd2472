"""From a room's deltas, sealed, to what clients get: texts opened, authors named, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, Literal

import orjson

from gateways.chat.people import People
from gateways.chat.titles import RoomTexts, raw_of
from gateways.chat.window import Item
from schemas.chat.views import TEXT_FIELD, Delta, RoomDocument
from streams.core.sealing import Sealer

_NOT_SHOWN: Final = frozenset(("prev", "only", "text_sealed", "account_id", "message"))
TEXTS: Final = frozenset(("message", "edited"))
LISTS: Final[tuple[Literal["moderators", "account_ids"], ...]] = ("moderators", "account_ids")
"""Of accounts, in deltas: those who are erased are not shown."""


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens deltas of any room. Errors of the stores (VaultError, RedisError) pass through."""

    sealer: Sealer
    people: People
    texts: RoomTexts

    async def __call__(
        self, room: RoomDocument | None, deltas: Sequence[Delta]
    ) -> list[tuple[Item, dict[str, Any]]]:
        """Each as the item of a window, and as the document that clients get.

        The text of an author who was erased cannot be opened: there is nothing to show.
        """
        texts = await self._texts(deltas)
        names = await self.people.names({_author(delta) for delta in deltas} - {""})
        settings = await self._settings(room, deltas)
        listed = {account_id for delta in deltas for name in LISTS for account_id in delta.get(name, ())}
        there = await self.people.there(listed) if listed else {}
        shown = []
        for delta, text in zip(deltas, texts, strict=True):
            doc: dict[str, Any] = {k: v for k, v in delta.items() if k not in _NOT_SHOWN}
            if listed:
                doc |= {name: [one for one in doc[name] if one in there] for name in LISTS if name in doc}
            author = _author(delta)
            if author:
                doc["author"] = {"id": author, "name": names[author], "badge": badge_of(room, author)}
            if text is not None:
                doc["text"] = text
            if delta["kind"] == "pinned":
                doc["message_id"] = delta["message"]["message_id"]
            if delta["kind"] == "room":
                doc["settings"] = next(settings)
            if delta["kind"] == "purged":
                doc["account_id"] = delta["account_id"]
                del doc["message_ids"]  # some may be of messages that nobody else ever saw
            if delta["kind"] == "message":
                doc |= {"edits": 0, "edited_at_ms": None, "reactions": {}}
            gone = text is None and (delta["kind"] in TEXTS or delta["kind"] == "pinned")
            item = Item(
                delta["id"], delta["prev"], doc.get("message_id") or "",
                author or delta.get("account_id", ""), delta["kind"], delta.get("only", ""),
                None if gone else orjson.dumps(doc),
            )  # fmt: skip
            shown.append((item, doc))
        return shown

    async def messages(
        self, room: RoomDocument, copies: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any] | None]:
        """Messages with a sealed text (a MessageCopy, a row of the history) as clients get them.

        None for those of erased authors. Raises VaultError.
        """
        texts = await self.sealer.open_each(
            [(c["account_id"], TEXT_FIELD, raw_of(c["text_sealed"])) for c in copies]
        )
        names = await self.people.names({c["account_id"] for c in copies})
        return [
            None if text is None else _message(room, copy, names[copy["account_id"]], text)
            for copy, text in zip(copies, texts, strict=True)
        ]

    async def _settings(
        self, room: RoomDocument | None, deltas: Sequence[Delta]
    ) -> Iterator[dict[str, Any] | None]:
        """Of the deltas that tell of other ones, in order."""
        said = [delta["settings"] for delta in deltas if delta["kind"] == "room"]
        if room is None:
            return repeat(None)
        return iter(await self.texts.open([{**room, "settings": settings} for settings in said]))

    async def _texts(self, deltas: Iterable[Delta]) -> list[str | None]:
        places: list[int] = []
        sealed: list[tuple[str, str, bytes]] = []
        found: list[str | None] = []
        for number, delta in enumerate(deltas):
            found.append(None)
            held: Any = delta["message"] if delta["kind"] == "pinned" else delta
            if "text_sealed" in held:
                places.append(number)
                sealed.append((held["account_id"], TEXT_FIELD, raw_of(held["text_sealed"])))
        for number, text in zip(places, await self.sealer.open_each(sealed), strict=True):
            found[number] = text
        return found


def _message(room: RoomDocument, copy: Mapping[str, Any], name: str | None, text: str) -> dict[str, Any]:
    author = copy["account_id"]
    return {
        "id": copy.get("id"),
        "message_id": copy["message_id"],
        "author": {"id": author, "name": name, "badge": badge_of(room, author)},
        "text": text,
        "mentions": list(copy["mentions"]),
        "reply_to": copy["reply_to"] or None,
        "media_ms": copy["media_ms"],
        "sent_at_ms": copy["sent_at_ms"],
        "edits": copy.get("edits", 0),
        "edited_at_ms": copy.get("edited_at_ms"),
        "reactions": dict(copy.get("totals", {})),
    }


def badge_of(room: RoomDocument | None, account_id: str) -> str | None:
    """What stands beside a name: `owner`, `moderator` or nothing."""
    if room is None:
        return None
    if account_id == room["owner_id"]:
        return "owner"
    return "moderator" if account_id in room["moderators"] else None


def _author(delta: Delta) -> str:
    if delta["kind"] in TEXTS:
        return delta["account_id"]
    return delta["message"]["account_id"] if delta["kind"] == "pinned" else ""
