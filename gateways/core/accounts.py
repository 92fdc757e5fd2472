"""Credentials of accounts: API keys (`kino_<key id>_<secret>`) and session tokens signed by our own keys.

Both are checked twice: that they are genuine (the vault's hash, the signature), and that they still stand
(the account's document). What an account may do is what its roles say now, whatever a token was told.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import jwt

from gateways.core.jwts import KeyUnusable, TokenRefused, Unverified, public_key, verified
from gateways.core.principal import Principal
from gateways.core.standing import Standing
from schemas.identity.roles import permissions_of
from schemas.identity.views import AccountDocument, SigningKeyView, key_of, session_of

AUDIENCE: Final = "kinolog"
ACCESS_TYPE: Final = "at+jwt"  # the typ header of RFC 9068
ALGORITHMS: Final = frozenset({"ES256", "EdDSA"})
MOST_TOKENS: Final = 10_000
USED_EVERY_S: Final = 3600
_API_KEY: Final = re.compile(r"kino_([0-9a-f]{16})_[A-Za-z0-9_-]{20,200}")
Usage = Callable[[str, str, int], None]
"""Told (account id, key id, hour as milliseconds since 1970) when a key is used first in an hour; must return
at once and raise nothing."""


def key_digest(text: str) -> str:
    """What the vault keeps of an API key's text: SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_account_key(text: str) -> bool:
    """Whether it has the form of an account's API key."""
    return _API_KEY.fullmatch(text) is not None


class SessionOver(TokenRefused):
    """A genuine token whose login session does not run any more. The text tells its holder why."""

    def __init__(self, account: AccountDocument | None) -> None:
        disabled = account is not None and account["state"] == "disabled"
        self.code = "account_disabled" if disabled else "session_over"
        super().__init__(
            "An administrator disabled this account; ask one to enable it."
            if disabled
            else "Your login session has ended: its time was over, or it was ended elsewhere. Sign in again."
        )


class _Genuine(NamedTuple):
    """A token whose signature holds, and the key that it was checked with."""

    account_id: str
    session_id: str
    expires_at_s: int
    key: jwt.PyJWK


class AccountCredentials:
    """Reads both kinds. `issuer` is ours; `clock` gives seconds since 1970."""

    def __init__(
        self,
        standing: Standing,
        issuer: str,
        *,
        usage: Usage | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = issuer
        self._standing = standing
        self._usage = usage
        self._clock = clock
        self._genuine: OrderedDict[bytes, _Genuine] = OrderedDict()
        self._public: dict[tuple[str, str], tuple[SigningKeyView, jwt.PyJWK]] = {}
        self._used: OrderedDict[str, int] = OrderedDict()

    def takes(self, said: Unverified) -> bool:
        """Whether a token claims to be one of ours."""
        return said.issuer == self.issuer and said.alg in ALGORITHMS

    async def of_key(self, text: str) -> Principal | None:
        """The principal of an API key; None if it does not hold. Raises StandingUnknown."""
        match = _API_KEY.fullmatch(text)
        if match is None:
            return None
        key_id, digest = match.group(1), key_digest(text)
        known = await self._standing.api_key(key_id)
        if not hmac.compare_digest(digest, known.sha256 if known is not None else "0" * 64) or known is None:
            return None
        account = await self._standing.account(known.account_id)
        if account is None or key_of(account, key_id, self._now_ms()) is None:
            account = await self._standing.account(known.account_id, anew=True)
        view = key_of(account, key_id, self._now_ms()) if account is not None else None
        if account is None or view is None:
            return None
        self._tell(known.account_id, key_id)
        return Principal(
            subject=known.account_id,
            permissions=permissions_of(account["roles"]) & frozenset(view["scopes"]),
            via="key",
            account_id=known.account_id,
            key_id=key_id,
            roles=tuple(account["roles"]),
        )

    async def of_token(self, token: str, said: Unverified, via: str = "token") -> Principal:
        """The principal of a session token. Raises TokenRefused, StandingUnknown."""
        genuine = await self._check(token, said)
        account = await self._standing.account(genuine.account_id)
        if not self._stands(account, genuine):
            account = await self._standing.account(genuine.account_id, anew=True)
        if account is None or not self._stands(account, genuine):
            raise SessionOver(account)
        return Principal(
            subject=genuine.account_id,
            permissions=permissions_of(account["roles"]),
            via=via,
            expires_at_s=genuine.expires_at_s,
            account_id=genuine.account_id,
            session_id=genuine.session_id,
            roles=tuple(account["roles"]),
        )

    async def _check(self, token: str, said: Unverified) -> _Genuine:
        """The signature counts once; expiry and whether the key is still accepted, each time."""
        view = await self._standing.signing_key(said.kid)
        if view is None:
            raise TokenRefused("signed by a key that is not accepted")
        key = self._key(view)
        digest = hashlib.sha256(token.encode()).digest()
        genuine = self._genuine.get(digest)
        if genuine is None or genuine.key is not key:
            genuine = self._read(token, view, key)
            self._genuine[digest] = genuine
            if len(self._genuine) > MOST_TOKENS:
                self._genuine.popitem(last=False)
        if genuine.expires_at_s <= self._clock():
            raise TokenRefused("expired")
        return genuine

    def _read(self, token: str, view: SigningKeyView, key: jwt.PyJWK) -> _Genuine:
        claims = verified(
            token, key, view["alg"], issuer=self.issuer, audience=AUDIENCE, types=(ACCESS_TYPE,),
            now_s=self._clock(), required=("iss", "aud", "sub", "sid", "iat", "exp"),
        )  # fmt: skip
        if not isinstance(claims["sid"], str):
            raise TokenRefused("sid is not a text")
        return _Genuine(claims["sub"], claims["sid"], int(claims["exp"]), key)

    def _key(self, view: SigningKeyView) -> jwt.PyJWK:
        """The key object of a view: made once, so that it also tells whether the key is still the same."""
        name = (view["kid"], view["alg"])
        held = self._public.get(name)
        if held is not None and held[0]["jwk"] == view["jwk"]:
            return held[1]
        if view["alg"] not in ALGORITHMS:
            raise TokenRefused("signed by a key that is not accepted")
        try:
            key = public_key(view["jwk"], view["alg"])
        except KeyUnusable as error:
            raise TokenRefused("signed by a key that is not accepted") from error
        self._public[name] = (view, key)
        return key

    def _stands(self, account: AccountDocument | None, genuine: _Genuine) -> bool:
        return account is not None and session_of(account, genuine.session_id, self._now_ms()) is not None

    def _tell(self, account_id: str, key_id: str) -> None:
        """Once a key and hour; a gateway that forgets repeats itself, which its receiver knows."""
        hour = int(self._clock()) // USED_EVERY_S
        if self._usage is None or self._used.get(key_id) == hour:
            return
        self._used[key_id] = hour
        self._used.move_to_end(key_id)
        if len(self._used) > MOST_TOKENS:
            self._used.popitem(last=False)
        self._usage(account_id, key_id, hour * USED_EVERY_S * 1000)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
