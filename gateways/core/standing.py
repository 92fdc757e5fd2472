"""Whether a credential still stands: accounts, signing keys and API key hashes as they were a moment ago.

What has ended stops working within FRESH_S everywhere. Where it cannot be looked up nobody is let in by it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from redis.exceptions import RedisError

from gateways.core.fresh import Fresh
from gateways.core.problem import Problem, retry_later
from schemas.identity.views import SIGNING_SET, AccountDocument, SigningKeyView
from streams.core.vault import VaultUnavailable

FRESH_S: Final = 0.5
NEW_KEY_S: Final = 0.05
LOOKUP_S: Final = 5.0  # a store that stands still for a few seconds makes requests late, not fail
MOST: Final = 10_000
Value = TypeVar("Value")


class KeyHash(NamedTuple):
    """What the vault keeps of an API key. `sha256` is of its whole text, hexadecimal."""

    account_id: str
    sha256: str


class Identities(Protocol):
    """Where standing is looked up; RedisError, OSError and VaultUnavailable say that the store is away."""

    async def account(self, account_id: str) -> AccountDocument | None: ...
    async def signing_keys(self) -> Sequence[SigningKeyView]: ...
    async def api_key(self, key_id: str) -> KeyHash | None: ...


class Standing:
    """Reads Identities through caches of FRESH_S. Raises a 503 Problem when they cannot be read.

    `anew` asks for what holds now: a credential that was made a moment ago must not be refused because of
    what was read before it.
    """

    def __init__(
        self, identities: Identities, clock: Callable[[], float] = time.monotonic, fresh_s: float = FRESH_S
    ) -> None:
        self._clock = clock

        def cached(read: Callable[[str], Awaitable[Value]], most: int) -> Fresh[Value]:
            return Fresh(_answering(read), fresh_s=fresh_s, most=most, clock=clock)

        self._accounts = cached(identities.account, MOST)
        self._keys = cached(identities.api_key, MOST)
        self._signing = cached(lambda _: identities.signing_keys(), 1)

    async def account(self, account_id: str, anew: bool = False) -> AccountDocument | None:
        """The account's document; None if there is none."""
        return await self._accounts.get(account_id, self._clock() if anew else None)

    async def api_key(self, key_id: str) -> KeyHash | None:
        """What is kept of an API key; None if there is no such key."""
        return await self._keys.get(key_id)

    async def signing_key(self, kid: str) -> SigningKeyView | None:
        """The key named so, if its tokens are accepted. Made-up names cost a look each NEW_KEY_S at most."""
        for since_s in (None, self._clock() - NEW_KEY_S):
            for view in await self._signing.get(SIGNING_SET, since_s):
                if view["kid"] == kid:
                    return view
        return None


def _answering(read: Callable[[str], Awaitable[Value]]) -> Callable[[str], Awaitable[Value]]:
    """`read`, given up after LOOKUP_S; a store that is away becomes StandingUnknown."""

    async def answered(key: str) -> Value:
        try:
            async with asyncio.timeout(LOOKUP_S):
                return await read(key)
        except (RedisError, OSError, TimeoutError, VaultUnavailable) as error:
            raise StandingUnknown from error

    return answered


class StandingUnknown(Problem):
    """Nobody can tell whether the credential still holds: neither yes nor no."""

    def __init__(self) -> None:
        later = retry_later(
            "unavailable",
            "Whether this credential is still valid cannot be looked up now; try again in a moment.",
        )
        super().__init__("unavailable", later.detail, headers=later.headers)
