"""What an account's decider remembers between two events, and how forgetting is asked for. Pure."""

from __future__ import annotations

from typing import Final, TypedDict

from streams.engine import Out

WORK: Final = "identity.work.requests"
SILENCE_MS: Final = 120_000  # a forgetting that nobody reported is asked for again after this, then twice ...
MAX_SILENCE_MS: Final = 3600_000  # ... up to this
PRIORITY_ORDINARY: Final = 5
PRIORITY_TIDYING: Final = 9


class Session(TypedDict):
    """A login session as far as decisions need it."""

    started_at_ms: int
    expires_at_ms: int


class Key(TypedDict):
    """An API key as far as decisions need it."""

    expires_at_ms: int | None
    ends_at_ms: int | None  # of a replaced one


class Link(TypedDict):
    """The one-time link that works now."""

    link_id: str
    purpose: str
    expires_at_ms: int


class State(TypedDict, total=False):
    """The decider's document for one account. None: the account was never heard of."""

    phase: str  # invited, active, disabled, erasing, erased
    address_hmac: str  # until it is erased
    invited: bool  # disabled before anybody redeemed its invitation: enabled, it is invited again
    password_id: str | None  # entry of the password that counts; none, or None: the one named by the account
    roles: list[str]
    sessions: dict[str, Session]
    api_keys: dict[str, Key]
    link: Link
    attempt: int  # of the forgetting, while erasing


def forgetting(account_id: str, attempt: int) -> Out:
    """The request to a worker: the vault is to forget this subject."""
    work_id = f"{account_id}:forgetting"
    data = {
        "work_id": work_id,
        "account_id": account_id,
        "attempt": attempt,
        "priority": PRIORITY_ORDINARY,
    }
    return Out(WORK, work_id, "kinolog.identity.ForgettingRequested", data)


def discarding(account_id: str, event_id: str, entries: list[str]) -> Out:
    """The request to a worker: the vault is to drop these entries, `<kind>:<id>` each."""
    work_id = f"{account_id}:discard:{event_id}"
    data = {
        "work_id": work_id,
        "account_id": account_id,
        "entries": entries,
        "priority": PRIORITY_TIDYING,
    }
    return Out(WORK, work_id, "kinolog.identity.DiscardRequested", data)


def timer_id(account_id: str) -> str:
    """The one timer of an account."""
    return f"identity.account:{account_id}"


def silence_ms(attempt: int) -> int:
    """How long to wait for the report on this attempt (from 1)."""
    return min(SILENCE_MS << min(attempt - 1, 16), MAX_SILENCE_MS)
