"""A world of accounts in memory: documents as identity's projections keep them, keys that sign, API keys."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gateways.core.accounts import ACCESS_TYPE, AUDIENCE, AccountCredentials, key_digest
from gateways.core.auth import Guard
from gateways.core.sessions import Tokens
from gateways.core.standing import KeyHash, Standing
from schemas.identity.views import AccountDocument, SigningKeyView

ISSUER = "kinolog"
ACCOUNT = "a" * 32
SID = "5" * 32
KEY_ID = "0123456789abcdef"
HOUR_MS = 3_600_000


def now_ms() -> int:
    return int(time.time() * 1000)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return {**jwk, "kid": kid, "use": "sig", "alg": "ES256"}


def guard_of(identities: MemoryIdentities, tokens: Tokens, admin_key: str) -> Guard:
    """The gate, as it lets in these accounts and the administrator's key."""
    return Guard(
        admin_key_sha256=hashlib.sha256(admin_key.encode()).hexdigest(),
        tokens=tokens,
        accounts=AccountCredentials(Standing(identities), ISSUER),
    )


class MemoryIdentities:
    """Identities in dicts. `away` is what each read raises, if anything; `reads` counts them by kind."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountDocument] = {}
        self.hashes: dict[str, KeyHash] = {}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {"first": ec_key()}
        self.away: Exception | None = None
        self.reads: list[str] = []

    async def account(self, account_id: str) -> AccountDocument | None:
        self._read("account")
        return self.accounts.get(account_id)

    async def signing_keys(self) -> Sequence[SigningKeyView]:
        self._read("signing")
        return [
            SigningKeyView(
                kid=kid, alg="ES256", jwk=public_jwk(key, kid), signs_from_ms=0, verifies_until_ms=None
            )
            for kid, key in self.keys.items()
        ]

    async def api_key(self, key_id: str) -> KeyHash | None:
        self._read("api_key")
        return self.hashes.get(key_id)

    @classmethod
    def of(cls, roles: Mapping[str, str]) -> MemoryIdentities:
        """With an account for each id, of this role."""
        made = cls()
        for account_id, role in roles.items():
            made.add(role, account_id=account_id)
        return made

    def _read(self, kind: str) -> None:
        self.reads.append(kind)
        if self.away is not None:
            raise self.away

    def add(self, *roles: str, account_id: str = ACCOUNT, **more: Any) -> AccountDocument:
        """An active account with one login session; `more` replaces fields of its document."""
        document = AccountDocument(
            account_id=account_id, state="active", roles=list(roles), email_sealed=None,
            display_name_sealed=None, created_at_ms=0, updated_at_ms=0, api_keys={}, links={},
            sessions={
                SID: {
                    "started_at_ms": 0, "expires_at_ms": now_ms() + HOUR_MS, "agent_sealed": None,
                    "country": None,
                }
            },
        )  # fmt: skip
        document.update(more)  # type: ignore[typeddict-item]
        self.accounts[account_id] = document
        return document

    def add_key(self, *scopes: str, account_id: str = ACCOUNT, key_id: str = KEY_ID, **more: Any) -> str:
        """A new API key of an account: its text."""
        text = f"kino_{key_id}_{'x' * 43}"
        self.hashes[key_id] = KeyHash(account_id, key_digest(text))
        view = {
            "name_sealed": "", "prefix": text[:12], "scopes": list(scopes), "created_at_ms": 0,
            "expires_at_ms": None, "last_used_at_ms": None, "replaced_by": None, "ends_at_ms": None, **more,
        }  # fmt: skip
        self.accounts[account_id]["api_keys"][key_id] = view  # type: ignore[assignment]
        return text

    def claims(self, **more: Any) -> dict[str, Any]:
        """Claims of a good session token; None as a value takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": ACCOUNT, "sid": SID, "roles": ["viewer"], "iat": now,
            "exp": now + 300, **more,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, headers: dict[str, Any] | None = None, kid: str = "first", **more: Any) -> str:
        """A session token, good unless `headers` or `more` make it something else."""
        return jwt.encode(
            self.claims(**more),
            self.keys[kid],
            algorithm="ES256",
            headers={"kid": kid, "typ": ACCESS_TYPE, **(headers or {})},
        )
