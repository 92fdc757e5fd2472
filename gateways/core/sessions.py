"""Signed tokens of the edge: the session cookie's and the watch code's.

Both are HS256 JWTs under SESSION_SECRET, told apart by their audience. Nothing is stored: ending a session
before its time means changing the secret, or the administrator's key (or clearing the cookie). A code travels
in a URL's fragment, which browsers never send; the page posts it once and gets a session for it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from gateways.core.jwts import TokenRefused
from gateways.core.permissions import PERMISSIONS, VIEWER
from gateways.core.principal import Principal

Clock = Callable[[], float]

ISSUER: Final = "kinolog"
SESSION_AUDIENCE: Final = "kinolog-session"
CODE_AUDIENCE: Final = "kinolog-code"
CODE_SUBJECT: Final = "watch-link"
SESSION_TTL_S: Final = 12 * 3600
CODE_TTL_S: Final = 15 * 60
MIN_SECRET_BYTES: Final = 32
MOST_KNOWN: Final = 4096


class SecretMissing(Exception):
    """SESSION_SECRET is empty or too short to sign with."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues and reads both kinds. `clock` gives seconds since the epoch.

    Sessions last as long as the administrator's key that was in force when they began: once a key that leaked
    is changed, no cookie that was had for it opens anything.
    """

    secret: str
    clock: Clock = time.time
    admin_key_sha256: str = ""
    _known: OrderedDict[str, Principal] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def usable(self) -> bool:
        """Whether there is a secret to sign with."""
        return len(self.secret.encode()) >= MIN_SECRET_BYTES

    def issue_session(self, principal: Principal, ttl_s: int = SESSION_TTL_S) -> str:
        """A cookie value for `principal`."""
        claims = {
            "iss": ISSUER,
            "sub": principal.subject,
            "iat": int(self.clock()),
            "permissions": sorted(principal.permissions),
        }
        return self._sign(self._session_audience, claims, principal.asset_id, ttl_s)

    def read_session(self, token: str) -> Principal:
        """The principal of a cookie value; raises TokenRefused. Its signature is checked once."""
        known = self._known.get(token)
        if known is None:
            known = self._principal(self._read(self._session_audience, token, ("iss", "exp", "iat", "sub")))
            self._known[token] = known
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        if known.expires_at_s is None or known.expires_at_s <= self.clock():
            raise TokenRefused("expired")
        return known

    def issue_code(
        self, *, asset_id: str | None = None, permissions: Iterable[str] = VIEWER, ttl_s: int = CODE_TTL_S
    ) -> str:
        """A code for a link's fragment; with `asset_id` its session sees that asset only.

        People copy links: what every code has in common, the reader adds.
        """
        granted = frozenset(permissions)
        claims = {} if granted == VIEWER else {"permissions": sorted(granted)}
        return self._sign(CODE_AUDIENCE, claims, asset_id, ttl_s, {"typ": None})

    def read_code(self, code: str) -> Principal:
        """The principal that a code stands for; raises TokenRefused."""
        claims = self._read(CODE_AUDIENCE, code, required=("exp",))
        return self._principal({"sub": CODE_SUBJECT, "permissions": VIEWER, **claims})

    @property
    def _session_audience(self) -> str:
        key = self.admin_key_sha256.lower()[:16]
        return f"{SESSION_AUDIENCE}-{key}" if key else SESSION_AUDIENCE

    def _sign(
        self,
        audience: str,
        claims: dict[str, Any],
        asset_id: str | None,
        ttl_s: int,
        headers: dict[str, Any] | None = None,
    ) -> str:
        if not self.usable:
            raise SecretMissing(
                f"SESSION_SECRET must have at least {MIN_SECRET_BYTES} bytes; set it and restart the gateway"
            )
        claims = {**claims, "aud": audience, "exp": int(self.clock()) + ttl_s}
        if asset_id is not None:
            claims["asset_id"] = asset_id
        return jwt.encode(claims, self.secret, algorithm="HS256", headers=headers)

    def _read(self, audience: str, token: str, required: Sequence[str]) -> dict[str, Any]:
        if not self.usable:
            raise TokenRefused("this gateway has no SESSION_SECRET")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.secret,
                algorithms=["HS256"],
                audience=audience,
                issuer=ISSUER if "iss" in required else None,
                # Expiry is compared below against the injected clock.
                options={"require": list(required), "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused(str(error)) from error
        expires = claims["exp"]
        if not isinstance(expires, int) or expires <= self.clock():
            raise TokenRefused("expired")
        return claims

    @staticmethod
    def _principal(claims: dict[str, Any]) -> Principal:
        asset_id = claims.get("asset_id")
        return Principal(
            subject=str(claims["sub"]),
            # A permission that no longer exists is not granted by an old token.
            permissions=frozenset(claims.get("permissions", ())) & frozenset(PERMISSIONS),
            via="session",
            asset_id=str(asset_id) if asset_id is not None else None,
            expires_at_s=int(claims["exp"]),
        )
