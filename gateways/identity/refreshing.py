"""Refresh tokens: each is good for one exchange; whoever shows a spent one ends the login session.

Answers get lost, and then the same token is sent again by who had every right to it. So for LEEWAY_S after an
exchange the token just spent is answered again, with the very successor that it had, as long as nobody has
used that. A thief gains no token of their own by it: there is one successor, and its second use after those
seconds ends the session (RFC 9700, 4.14.2).

The successor is computed from the spent token under a random seed, which the vault keeps beside the digests;
neither gives it away alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final, NamedTuple, TypedDict

import orjson

from gateways.identity import credentials

LEEWAY_S: Final = 10
MOST_SPENT: Final = 64  # spent tokens that are known again; older ones are merely refused


class Kept(TypedDict, total=False):
    """The vault's entry of a program's login session."""

    account_id: str
    refresh_sha256: str  # of the token that is good now
    spent: list[str]  # beginnings of the digests of those before, oldest first
    seed: str  # hexadecimal; with the last spent one it gives the good one. Not there: nothing was spent
    spent_at_ms: int  # when the last was


class Reused(Exception):
    """A token that was spent: two have it."""


class Unknown(Exception):
    """No token of this session's; sids are no secret, so it proves nothing."""


class Exchange(NamedTuple):
    """What a token is exchanged for. `entry` None: nothing is to be written."""

    successor: str
    entry: bytes | None


def first(account_id: str, sid: str) -> tuple[str, bytes]:
    """The first token of a new session, and the entry to keep."""
    made = credentials.make(credentials.REFRESH, sid)
    return made.text, orjson.dumps(Kept(account_id=account_id, refresh_sha256=made.sha256, spent=[]))


def exchange(kept: Kept, sid: str, token: str, now_ms: int) -> Exchange:
    """The successor of `token`. Raises Reused, Unknown."""
    given = credentials.digest(token)
    if credentials.same(given, kept["refresh_sha256"]):
        seed = secrets.token_hex(32)
        successor = _successor(seed, sid, token)
        entry: Kept = {
            **kept,
            "refresh_sha256": credentials.digest(successor),
            "spent": [*kept["spent"], _short(given)][-MOST_SPENT:],
            "seed": seed,
            "spent_at_ms": now_ms,
        }
        return Exchange(successor, orjson.dumps(entry))
    known = [credentials.same(_short(given), spent) for spent in kept["spent"]]
    if not any(known):
        raise Unknown
    # The last that was spent: its successor is still the good one, so nobody has used it.
    if known[-1] and "seed" in kept and now_ms <= kept["spent_at_ms"] + LEEWAY_S * 1000:
        return Exchange(_successor(kept["seed"], sid, token), None)
    raise Reused


def _successor(seed: str, sid: str, token: str) -> str:
    secret = hmac.digest(bytes.fromhex(seed), token.encode(), hashlib.sha256)
    return f"{credentials.REFRESH}_{sid}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"


def _short(digest: str) -> str:
    return digest[:32]
