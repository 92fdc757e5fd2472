"""Playback tokens: for one account, one device and one film, good for minutes and for one licence.

The key pair is the service's own and stands in the vault; all gateways of the service share it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gateways.core.jwts import TokenRefused, public_key, verified
from streams.core.vault import PLATFORM_KEY, Vault, VaultUnusable

ALGORITHM: Final = "ES256"
AUDIENCE: Final = "licence"
ISSUER: Final = "kinolog-drm"
KEY_ID: Final = "drm.playback-tokens"
TOKEN_S: Final = 300
TYPE: Final = "playback+jwt"
_TEXTS: Final = ("jti", "sub", "asset", "device", "stream")


@dataclass(frozen=True, slots=True)
class Playback:
    """What a token says. `account_id`: as the drm domain names accounts, guests included."""

    account_id: str
    asset_id: str
    device_id: str
    stream_id: str
    privileged: bool
    device_name_sealed: str | None = None


class PlaybackTokens:
    """Signs and verifies. Raises the vault's errors. `clock` gives seconds since 1970."""

    def __init__(self, vault: Vault, clock: Callable[[], float] = time.time) -> None:
        self._vault, self._clock = vault, clock
        self._key: ec.EllipticCurvePrivateKey | None = None

    async def issue(self, playback: Playback) -> tuple[str, int]:
        """A token, and when it expires, seconds since 1970."""
        now_s = int(self._clock())
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": playback.account_id, "iat": now_s, "exp": now_s + TOKEN_S,
            "jti": secrets.token_hex(16), "asset": playback.asset_id, "device": playback.device_id,
            "stream": playback.stream_id, "privileged": playback.privileged,
            "device_name": playback.device_name_sealed,
        }  # fmt: skip
        token = jwt.encode(claims, await self._pair(), algorithm=ALGORITHM, headers={"typ": TYPE})
        return token, now_s + TOKEN_S

    async def read(self, token: str) -> tuple[Playback, str]:
        """What a token says, and the hash of its id, 32 hexadecimal digits. Raises TokenRefused."""
        pair = await self._pair()
        jwk = ECAlgorithm.to_jwk(pair.public_key(), as_dict=True)
        claims = verified(
            token,
            public_key(jwk, ALGORITHM),
            ALGORITHM,
            issuer=ISSUER,
            audience=AUDIENCE,
            types=(TYPE,),
            now_s=self._clock(),
            required=("iss", "aud", "iat", "exp", *_TEXTS, "privileged"),
        )
        if any(not isinstance(claims[name], str) for name in _TEXTS):
            raise TokenRefused("a claim is not a text")
        name = claims.get("device_name")
        playback = Playback(
            claims["sub"], claims["asset"], claims["device"], claims["stream"], claims["privileged"] is True,
            name if isinstance(name, str) else None,
        )  # fmt: skip
        secret = pair.private_numbers().private_value.to_bytes(32, "big")
        return playback, hashlib.blake2b(claims["jti"].encode(), key=secret, digest_size=16).hexdigest()

    async def _pair(self) -> ec.EllipticCurvePrivateKey:
        if self._key is None:
            made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            # Of several gateways that make one at once, the first one's is everybody's.
            await self._vault.put(PLATFORM_KEY, KEY_ID, made, if_absent=True)
            raw = await self._vault.get(PLATFORM_KEY, KEY_ID)
            if raw is None:
                raise VaultUnusable("the key of playback tokens was deleted while it was made; try again")
            key = serialization.load_pem_private_key(raw, None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._key = key
        return self._key
