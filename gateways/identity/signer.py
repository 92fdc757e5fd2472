"""Session tokens: signed with the newest key pair whose time has come; its private half is in the vault.

A key pair is in the vault before the log speaks of it. One that the log never spoke of signs nothing, because
what signs is chosen from the projection that every verifier reads.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, cast

import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gateways.core.accounts import ACCESS_TYPE, AUDIENCE
from gateways.core.deps import Producer
from gateways.core.problem import Problem, retry_later
from gateways.core.projections import Projection, ProjectionReader
from schemas.identity.views import SIGNING_SET, SigningDocument, SigningKeyView, signing_now
from schemas.wiring import REFUSED
from streams.core.vault import SIGNING_KEY, Vault

TOPIC: Final = "identity.signing.requests"
ALGORITHM: Final = "ES256"
LONGEST_TOKEN_S: Final = 12 * 3600
SIGNS_AFTER_S: Final = 60  # a rotated key is published for so long before it signs
PLATFORM: Final = "kinolog"  # the actor of what no person asked for


class Signer:
    """Signs tokens, and puts new key pairs in place."""

    def __init__(
        self,
        vault: Vault,
        projections: ProjectionReader,
        signing: Projection,
        producer: Producer,
        issuer: str,
        *,
        outcome_s: float = 4.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._projections, self._signing, self._producer = vault, projections, signing, producer
        self._issuer, self._outcome_s, self._clock = issuer, outcome_s, clock
        self._private: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._making = asyncio.Lock()

    async def token(self, account_id: str, sid: str, roles: list[str], ttl_s: int) -> str:
        """A token of a login session. Problem 503 while there is no key to sign with."""
        kid, key = await self._key()
        now_s = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": account_id,
            "sid": sid,
            "roles": roles,
            "iat": now_s,
            "exp": now_s + min(ttl_s, LONGEST_TOKEN_S),
        }
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": ACCESS_TYPE})

    async def document(self) -> SigningDocument | None:
        """The key set as it is now."""
        view = await self._projections.pin(self._signing)
        return cast("SigningDocument | None", await view.get(SIGNING_SET))

    async def rotate(
        self, actor: str, request_id: str, reason_sealed: str | None, *, at_once: bool
    ) -> tuple[str, int]:
        """A new key pair; (kid, from when it signs, ms). `at_once` refuses the tokens of all others now."""
        await self._forget_retired()
        now_ms = int(self._clock() * 1000)
        signs_from_ms = now_ms if at_once else now_ms + SIGNS_AFTER_S * 1000
        until_ms = now_ms if at_once else signs_from_ms + LONGEST_TOKEN_S * 1000
        kid, refusal = await self._propose(
            request_id,
            signs_from_ms=signs_from_ms,
            others_verify_until_ms=until_ms,
            only_first=False,
            actor=actor,
            reason_sealed=reason_sealed,
        )
        if refusal is not None:
            raise Problem("conflict", refusal)
        return kid, signs_from_ms

    async def _key(self) -> tuple[str, ec.EllipticCurvePrivateKey]:
        view = signing_now(await self.document(), int(self._clock() * 1000))
        if view is None:
            view = await self._first()
        kid = view["kid"]
        if kid not in self._private:
            raw = await self._vault.get(SIGNING_KEY, kid)
            if raw is None:
                raise retry_later(
                    "unavailable",
                    "The vault does not hold the key that signs; restore it, or rotate the signing keys.",
                )
            key = serialization.load_pem_private_key(raw, None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._private = {kid: key}
        return kid, self._private[kid]

    async def _first(self) -> SigningKeyView:
        """The first key pair of all: of several gateways that make one at once, one is believed."""
        async with self._making:
            now_ms = int(self._clock() * 1000)
            if signing_now(await self.document(), now_ms) is None:
                await self._propose(
                    secrets.token_hex(16),
                    signs_from_ms=now_ms,
                    others_verify_until_ms=now_ms,
                    only_first=True,
                    actor=PLATFORM,
                    reason_sealed=None,
                )
            view = signing_now(await self.document(), int(self._clock() * 1000))
        if view is None:
            raise retry_later(
                "unavailable", "There is no key to sign tokens with yet; try again in a moment."
            )
        return view

    async def _propose(self, request_id: str, **data: Any) -> tuple[str, str | None]:
        """Vault first, then the log; (kid, why it was refused)."""
        # The same request names the same key pair; whichever half came first is the one that counts.
        kid = request_id[:16]
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        if not await self._vault.put(SIGNING_KEY, kid, pem, if_absent=True):
            kept = serialization.load_pem_private_key(await self._vault.get(SIGNING_KEY, kid) or pem, None)
            assert isinstance(kept, ec.EllipticCurvePrivateKey)
            key = kept
        jwk = {
            **ECAlgorithm.to_jwk(key.public_key(), as_dict=True),
            "kid": kid,
            "alg": ALGORITHM,
            "use": "sig",
        }
        full = {"name": SIGNING_SET, "kid": kid, "alg": ALGORITHM, "jwk": orjson.dumps(jwk).decode(), **data}
        view = await self._projections.pin(self._signing)
        await self._producer.publish(
            TOPIC, SIGNING_SET, "kinolog.identity.SigningKeyProposed", full, ce_id=request_id
        )
        outcome = await view.await_outcome(SIGNING_SET, request_id, self._outcome_s)
        if outcome is None:
            raise retry_later(
                "unavailable",
                "The signing key was not decided in time; try again with the same Idempotency-Key.",
            )
        if outcome["type"] == REFUSED:
            if outcome["data"]["code"] != "kid_taken":  # a late retry must not take away the key that signs
                await self._vault.delete(SIGNING_KEY, kid)
            return kid, str(outcome["data"]["detail"])
        return kid, None

    async def _forget_retired(self) -> None:
        """Private halves that will not sign again are of no use to anybody but a thief."""
        document = await self.document()
        now = signing_now(document, int(self._clock() * 1000))
        if document is None or now is None:
            return
        for key in document["keys"]:
            # One that was replaced before its time came may still sign for a moment.
            if key["verifies_until_ms"] is not None and key["signs_from_ms"] < now["signs_from_ms"]:
                await self._vault.delete(SIGNING_KEY, key["kid"])
