"""The identity domain's projections: what projectors write, and gateways and the gate read.

All are kept in Redis under `schemas.keys.tag(<projection>, version, partition)`: the hash `{tag}:state` maps
a key to its document as JSON. Names that only `identity.accounts` has:

    {tag}:recent    sorted set, account id by created_at_ms, one a partition: the listing, newest first.
                    Erased accounts are not in it.

What is not in a document does not work: ended login sessions, revoked API keys and spent links are simply
gone. What has an end by time may stay in it beyond that time, so readers look at `expires_at_ms` and
`ends_at_ms` themselves. Texts in fields named `*_sealed` are base64 of what `streams.core.sealing` made of
them under the account's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NotRequired, TypedDict, cast

ACCOUNTS: Final = "identity.accounts"  # reads identity.account.events, by account id
ADDRESSES: Final = "identity.addresses"  # reads identity.address.events, by the address's HMAC
SIGNING: Final = "identity.signing"  # reads identity.signing.events
SIGNING_SET: Final = "signing"  # the one key of SIGNING
RECENT: Final = "recent"  # suffix of the listing's sorted set

MOST_SESSIONS: Final = 50  # login sessions of one account; one more ends the oldest
MOST_KEYS: Final = 50  # API keys of one account; one more is refused

AccountState = Literal["invited", "active", "disabled", "erased"]
LinkPurpose = Literal["invite", "reset"]


class SessionView(TypedDict):
    """A login session."""

    started_at_ms: int
    expires_at_ms: int
    agent_sealed: str | None  # the client's User-Agent
    country: str | None  # ISO 3166-1 alpha-2


class ApiKeyView(TypedDict):
    """An API key, without what would let anybody use it."""

    name_sealed: str
    prefix: str  # may be shown
    scopes: list[str]  # permissions, as far as the account's roles hold them
    created_at_ms: int
    expires_at_ms: int | None
    last_used_at_ms: int | None  # to about an hour
    replaced_by: str | None  # key_id of the key that took its place
    ends_at_ms: int | None  # of a replaced key: until when both work


class LinkView(TypedDict):
    """A one-time link that was given out and not yet redeemed."""

    purpose: LinkPurpose
    expires_at_ms: int


class AccountDocument(TypedDict):
    """One account. Of an erased one only the id, the state and the times stay."""

    account_id: str
    state: AccountState
    roles: list[str]
    email_sealed: str | None
    display_name_sealed: str | None
    created_at_ms: int
    updated_at_ms: int
    sessions: dict[str, SessionView]  # by sid; at most MOST_SESSIONS
    api_keys: dict[str, ApiKeyView]  # by key_id; at most MOST_KEYS
    links: dict[str, LinkView]  # by link_id; at most one
    password_id: NotRequired[str | None]  # the vault's entry of the password that counts, see password_of


class AddressDocument(TypedDict):
    """Whose an e-mail address is."""

    account_id: str


class SigningKeyView(TypedDict):
    """The public half of a key pair that signs, or signed, session tokens."""

    kid: str
    alg: str
    jwk: dict[str, Any]  # RFC 7517
    signs_from_ms: int
    verifies_until_ms: int | None  # None: until another key takes over


class SigningDocument(TypedDict):
    """The key set, oldest first."""

    keys: list[SigningKeyView]


def password_of(document: AccountDocument) -> str:
    """Id of the vault's entry of the account's password; without one of its own it has the account's."""
    return document.get("password_id") or document["account_id"]


def session_of(document: AccountDocument, sid: str, now_ms: int) -> SessionView | None:
    """The login session if it lets its holder in now; None if the account, or it, does not."""
    session = document["sessions"].get(sid)
    if document["state"] != "active" or session is None or session["expires_at_ms"] <= now_ms:
        return None
    return session


def key_of(document: AccountDocument, key_id: str, now_ms: int) -> ApiKeyView | None:
    """The API key if it lets its holder in now; None if the account, or it, does not."""
    key = document["api_keys"].get(key_id)
    if document["state"] != "active" or key is None or not key_works(key, now_ms):
        return None
    return key


def key_works(key: ApiKeyView, now_ms: int) -> bool:
    """Whether neither its expiry nor the end of its overlap has come."""
    ends = (key["expires_at_ms"], key["ends_at_ms"])
    return all(end is None or end > now_ms for end in ends)


def verifying(document: Mapping[str, Any] | None, now_ms: int) -> list[SigningKeyView]:
    """Keys whose tokens are accepted now, oldest first."""
    keys = cast("list[SigningKeyView]", document["keys"]) if document is not None else []
    return [k for k in keys if k["verifies_until_ms"] is None or k["verifies_until_ms"] > now_ms]


def signing_now(document: Mapping[str, Any] | None, now_ms: int) -> SigningKeyView | None:
    """The key that signs now: the newest whose time has come. None before the first one is there."""
    ready = [k for k in verifying(document, now_ms) if k["signs_from_ms"] <= now_ms]
    return max(reversed(ready), key=lambda k: k["signs_from_ms"]) if ready else None
