"""Tokens of configured OpenID Connect issuers: signed by a key that the issuer publishes, meant for us.

Keys come from the configured `jwks_uri` and from nowhere else, and only those for signatures by an algorithm
that is configured. They are kept; a key that is not among them is asked for at most each REFETCH_S.
Whoever holds such a token has no account here: roles come from a claim, by a table of the settings.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
import jwt
import orjson

from gateways.core.jwts import KeyUnusable, TokenRefused, Unverified, public_key, verified
from gateways.core.principal import Principal
from gateways.core.problem import retry_later
from schemas.identity.roles import permissions_of
from streams.core.gate_settings import OidcIssuer
from streams.core.logging import get_logger

_log = get_logger("gateway.oidc")
REFETCH_S: Final = 30.0
KEPT_S: Final = 600.0
FETCH_S: Final = 5.0
MAX_JWKS_BYTES: Final = 256 * 1024
MOST_KEYS: Final = 100
MOST_TOKENS: Final = 10_000
TYPES: Final = ("", "jwt", "at+jwt")
Fetch = Callable[[str], Awaitable[bytes]]


async def fetch(url: str) -> bytes:
    """The document at `url`: no redirects, bounded. Raises OSError, TimeoutError or aiohttp.ClientError."""
    timeout = aiohttp.ClientTimeout(total=FETCH_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
        session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        if answer.status != 200:
            raise OSError(f"{url} answered {answer.status}")
        raw = await answer.content.read(MAX_JWKS_BYTES + 1)
        while len(raw) <= MAX_JWKS_BYTES and (more := await answer.content.read(MAX_JWKS_BYTES)):
            raw += more
    if len(raw) > MAX_JWKS_BYTES:
        raise OSError(f"{url} has more than {MAX_JWKS_BYTES} bytes")
    return raw


class PublishedKeys:
    """One issuer's keys, by (kid, algorithm). `clock` gives seconds of any origin."""

    def __init__(
        self, issuer: OidcIssuer, get: Fetch = fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._get = get
        self._clock = clock
        self._keys: dict[tuple[str, str], jwt.PyJWK] = {}
        self._asked_s = self._got_s = -1e9
        self._lock = asyncio.Lock()

    async def key(self, kid: str, alg: str) -> jwt.PyJWK:
        """The key named so. Raises TokenRefused if there is none, a 503 Problem if nobody can tell."""
        if self._clock() - self._got_s < KEPT_S and (kid, alg) in self._keys:
            return self._keys[kid, alg]
        async with self._lock:
            if self._clock() - self._asked_s >= REFETCH_S:
                await self._refetch()
        found = self._keys.get((kid, alg))
        if found is not None:
            return found
        if self._got_s < 0:
            raise retry_later("unavailable", "The token's issuer does not answer; try again in a moment.")
        raise TokenRefused("signed by a key that its issuer does not publish")

    async def _refetch(self) -> None:
        self._asked_s = self._clock()
        try:
            document = orjson.loads(await self._get(self._issuer.jwks_uri))
            self._keys = self._usable(document)
            self._got_s = self._clock()
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
            # What was known stays: an issuer that is away for a while locks nobody out.
            _log.warning("an issuer's keys cannot be read", issuer=self._issuer.issuer, error=repr(error))

    def _usable(self, document: Any) -> dict[tuple[str, str], jwt.PyJWK]:
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("the document is no JWK set")
        keys: dict[tuple[str, str], jwt.PyJWK] = {}
        for jwk in listed[:MOST_KEYS]:
            if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
                continue
            for alg in self._issuer.algorithms:
                try:
                    keys[jwk["kid"], alg] = public_key(jwk, alg)
                except KeyUnusable:
                    continue
        return keys


class ForeignTokens:
    """Reads one issuer's tokens. `clock` gives seconds since 1970."""

    def __init__(
        self, issuer: OidcIssuer, keys: PublishedKeys, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[jwt.PyJWK, Principal]] = OrderedDict()

    def takes(self, said: Unverified) -> bool:
        """Whether a token claims to be this issuer's."""
        return said.issuer == self._issuer.issuer

    async def of_token(self, token: str, said: Unverified) -> Principal:
        """The principal of a token. Raises TokenRefused, or a 503 Problem while the keys cannot be read."""
        if said.alg not in self._issuer.algorithms:
            raise TokenRefused("signed by an algorithm that is not configured")
        key = await self._keys.key(said.kid, said.alg)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[0] is key:
            principal = known[1]
        else:
            principal = self._read(token, said, key)
            self._known[digest] = (key, principal)
            if len(self._known) > MOST_TOKENS:
                self._known.popitem(last=False)
        if principal.expires_at_s is None or principal.expires_at_s <= self._clock():
            raise TokenRefused("expired")
        return principal

    def _read(self, token: str, said: Unverified, key: jwt.PyJWK) -> Principal:
        claims = verified(
            token, key, said.alg, issuer=self._issuer.issuer, audience=self._issuer.audience, types=TYPES,
            now_s=self._clock(),
        )  # fmt: skip
        return foreign_principal(claims, roles_in(claims, self._issuer.roles_claim), self._issuer.roles)


def foreign_principal(claims: Mapping[str, Any], theirs: list[str], table: Mapping[str, str]) -> Principal:
    """Somebody without an account here, with the roles that `table` makes of `theirs`."""
    roles = tuple(sorted({table[role] for role in theirs if role in table}))
    return Principal(
        subject=f"{claims['iss']}#{claims['sub']}",
        permissions=permissions_of(roles),
        via="token",
        expires_at_s=int(claims["exp"]),
        roles=roles,
    )


def roles_in(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts at `path` (a.b reads b within a): a list of them, or one with spaces between."""
    found: Any = claims
    # A name with dots in it, such as a URL, is taken as it is where there is such a claim.
    for part in [path] if path in claims else path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return found.split()
    return [role for role in found if isinstance(role, str)] if isinstance(found, list) else []
