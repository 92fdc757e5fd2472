"""HS256 tokens under JWT_SECRET, for deployments that make such tokens already. Off unless it is set.

Whoever knows the secret can be anybody: session tokens of accounts are better. They must name us as issuer
and audience, and live for a day at most, since none of them can be ended early.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from gateways.core.accounts import AUDIENCE
from gateways.core.jwts import TokenRefused, Unverified, verified
from gateways.core.oidc import TYPES, foreign_principal, roles_in
from gateways.core.principal import Principal
from schemas.identity.roles import ROLES

LONGEST_S: Final = 24 * 3600
_OURS: Final = {role: role for role in ROLES}


class SharedSecretTokens:
    """Reads them; the secret's strength was checked with the settings."""

    def __init__(self, secret: str, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._issuer = issuer
        self._clock = clock

    def takes(self, said: Unverified) -> bool:
        """Whether a token claims to be one: ours, by HS256."""
        return said.issuer == self._issuer and said.alg == "HS256"

    async def of_token(self, token: str, said: Unverified) -> Principal:
        """The principal of a token. Raises TokenRefused."""
        claims = verified(
            token, self._secret, "HS256", issuer=self._issuer, audience=AUDIENCE, types=TYPES,
            now_s=self._clock(),
        )  # fmt: skip
        if claims["exp"] - claims["iat"] > LONGEST_S:
            raise TokenRefused(f"lives for more than {LONGEST_S} s")
        return foreign_principal(claims, roles_in(claims, "roles"), _OURS)
