"""Where a room's title and topic, which people typed, are sealed: under the key of whom they go with.

Those of a film's room go with the film, whoever owns it; those of a free room with its owner's account. A
room of nobody's account (the administrator's, or somebody's of a foreign issuer) has a key of its own, which
stays.
"""

from __future__ import annotations

from typing import Final

from schemas.media.titles import subject_of as subject_of_film

FIELDS: Final = {"title": "chat.room.title", "topic": "chat.room.topic"}
"""The text's name among the settings -> the field that it is sealed for."""
SEALING_BYTES: Final = 29  # what sealing adds to a text's UTF-8: a version, a nonce and a tag
_SUBJECTS: Final = "room:"


def subject_of(room_id: str, asset_id: str | None, account_id: str | None) -> str:
    """Whose key in the vault seals the texts of a room; `account_id`: the account that owns it, if any."""
    if asset_id is not None:
        return subject_of_film(asset_id)
    return account_id or f"{_SUBJECTS}{room_id}"


def is_room(subject: str) -> bool:
    """Whether a subject of the vault is a room of nobody's account."""
    return subject.startswith(_SUBJECTS)


def most_sealed(chars: int) -> int:
    """How long the base64 of a sealed text of so many characters can be."""
    return 4 * -(-(4 * chars + SEALING_BYTES) // 3)
