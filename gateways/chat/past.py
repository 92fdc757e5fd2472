"""What a room has said before its window begins: rows of the history (ClickHouse), opened.

The history is a moment behind the log. What the room's window knows to be gone, or to read differently by
now, is taken into account, so that a removal is seen at once however old the message is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateways.chat.context import Chat
from gateways.chat.feed import Feed
from schemas.chat.history import AFTER, AMONG, BEFORE, FILM, ONE, history_sql
from schemas.chat.views import MESSAGES, RoomDocument
from schemas.keys import table_of

__all__ = [
    "AFTER", "AMONG", "BEFORE", "FILM", "ONE", "Later", "later_than_history", "opened_rows", "rows", "table",
]  # fmt: skip
NOBODY: Final = ""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Later:
    """What the newest deltas of a room do to older messages."""

    gone: frozenset[str]  # message ids
    purged: Mapping[str, int]  # account id -> delta before which everything is gone
    edited: Mapping[str, Mapping[str, Any]]  # message id -> the newest edit

    def apply(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The message as it is now; None if it is gone."""
        author = message["author"]["id"]
        if message["message_id"] in self.gone or message["id"] < self.purged.get(author, -1):
            return None
        edit = self.edited.get(message["message_id"])
        if edit is None or edit["id"] < message["id"]:
            return message
        return {
            **message, "text": edit["text"], "mentions": edit["mentions"], "edits": edit["edit_number"],
            "edited_at_ms": edit["at_ms"],
        }  # fmt: skip


def later_than_history(feed: Feed, account_id: str | None) -> Later:
    """By the room's window, for this account."""
    gone: dict[str, bool] = {}
    purged: dict[str, int] = {}
    edited: dict[str, Mapping[str, Any]] = {}
    for item in feed.items():
        if item.kind == "message":
            gone[item.message_id] = False  # it came again
        if item.wire is None or item.only not in ("", account_id):
            continue
        if item.kind == "removed":
            gone |= dict.fromkeys(orjson.loads(item.wire)["message_ids"], True)
        elif item.kind == "purged":
            purged[item.account_id] = item.id
        elif item.kind == "edited":
            edited[item.message_id] = orjson.loads(item.wire)
    return Later(frozenset(m for m, is_gone in gone.items() if is_gone), purged, edited)


async def table(chat: Chat) -> str:
    """The history's table that is current now."""
    return table_of(MESSAGES, await chat.projections.version(MESSAGES))


async def rows(
    chat: Chat,
    room_id: str,
    window: str,
    limit: int,
    *,
    me: str | None,
    oldest_first: bool = False,
    by_film: bool = False,
    **parameters: Any,
) -> Sequence[Row]:
    """Messages that the room shows to the account `me`, as `schemas.chat.history.history_sql` says.

    Raises HistoryUnavailable.
    """
    sql = history_sql(await table(chat), window, oldest_first=oldest_first, by_film=by_film)
    return await chat.history.query(sql, {"room": room_id, "me": me or NOBODY, "limit": limit, **parameters})


async def opened_rows(
    chat: Chat, room: RoomDocument, found: Iterable[Row], later: Later
) -> list[dict[str, Any]]:
    """As clients get them; those of erased authors, and those that are gone by now, are left out."""
    messages = await chat.opener.messages(room, list(found))
    now = [later.apply(message) for message in messages if message is not None]
    return [message for message in now if message is not None]
