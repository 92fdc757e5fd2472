"""Texts that let somebody in: how they are made, taken apart and compared. Only their hashes are kept.

    kino_<key_id>_<secret>    an API key
    kinl_<link_id>_<secret>   a one-time link
    kinr_<sid>_<secret>       a refresh token

The middle part names the entry and is no secret; the last is 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final, NamedTuple

API_KEY: Final = "kino"
LINK: Final = "kinl"
REFRESH: Final = "kinr"
_SECRET_BYTES: Final = 32
_TEXT: Final = re.compile(r"(kin[olr])_([0-9a-f]{16,32})_([A-Za-z0-9_-]{43})")


class Made(NamedTuple):
    """A new secret: `text` is shown once, `sha256` is kept."""

    text: str
    sha256: str


def make(kind: str, entry_id: str) -> Made:
    """A new text of that kind for the entry."""
    text = f"{kind}_{entry_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return Made(text, digest(text))


def entry_of(kind: str, text: str) -> str | None:
    """Id of the entry that a text of that kind names; None if it is none."""
    match = _TEXT.fullmatch(text)
    return match.group(2) if match is not None and match.group(1) == kind else None


def digest(text: str) -> str:
    """What the vault keeps of a text: SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
