"""What a client said over the socket, checked: everything raises Refused, which says what to do."""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.chat.views import is_room_id

MOST_CLIENT_ID: Final = 64
MOST_MENTIONS: Final = 20
MOST_REMOVED: Final = 100
MOST_MEDIA_MS: Final = 7 * 86_400_000
MOST_DELTA_ID: Final = 2**53
_ID: Final = re.compile("[0-9a-f]{32}")
_REASON: Final = re.compile("[a-z0-9_-]{0,60}")

Message = dict[str, Any]


class Refused(Exception):
    """The room's rules, or this gateway, say no: `code` is stable, `detail` says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def required(message: Message, name: str) -> str:
    """A text."""
    value = message.get(name)
    if not isinstance(value, str):
        raise Refused("malformed", f"{name} must be a text.")
    return value


def room_id(message: Message) -> str:
    """A room's id. One that cannot be is answered like one that is not there."""
    found = required(message, "room")
    if not is_room_id(found):
        raise Refused("room_unknown", "There is no such room, or you may not read it.")
    return found


def client_id(message: Message) -> str:
    """The client's own id of a message, by which sending it again is the same message."""
    found = message.get("client_id")
    if not isinstance(found, str) or not 1 <= len(found) <= MOST_CLIENT_ID or not found.isprintable():
        raise Refused("malformed", f"client_id must be 1 to {MOST_CLIENT_ID} printable characters.")
    return found


def optional_id(message: Message, name: str) -> str | None:
    """A message's id, or nothing."""
    value = message.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("malformed", f"{name} must be 32 hexadecimal digits.")
    return value


def media_ms(message: Message) -> int | None:
    """Where in the film the author is, milliseconds, or nothing."""
    value = message.get("media_ms")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_MEDIA_MS:
        raise Refused("malformed", f"media_ms must be a whole number, 0 to {MOST_MEDIA_MS}.")
    return value


def mentions(message: Message) -> list[str]:
    """Account ids that a text speaks to, each once."""
    return ids(message, "mentions", MOST_MENTIONS) if "mentions" in message else []


def ids(message: Message, name: str, most: int) -> list[str]:
    """Ids of messages or accounts, each once."""
    found = message.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise Refused("malformed", f"{name} must be a list of at most {most} ids.")
    if not all(isinstance(one, str) and _ID.fullmatch(one) for one in found):
        raise Refused("malformed", f"{name} must be ids: 32 hexadecimal digits each.")
    return list(dict.fromkeys(found))


def delta_id(message: Message) -> int:
    """Id of a delta, as the room's items have it."""
    found = message.get("id")
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= MOST_DELTA_ID:
        raise Refused("malformed", "id must be the id of an item: a whole number.")
    return found


def reason(message: Message) -> str:
    """A short code of why, or nothing."""
    found = message.get("reason", "")
    if not isinstance(found, str) or not _REASON.fullmatch(found):
        raise Refused("malformed", "reason must be a short code of a-z, 0-9, _ and -, such as spam.")
    return found
