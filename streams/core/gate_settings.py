"""What settings of the gate may say: issuers of foreign tokens, proxies, secrets that are no guess."""

from __future__ import annotations

import ipaddress
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from schemas.identity.roles import ROLES

Algorithm = Literal[
    "ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"
]  # fmt: skip
MIN_SECRET_BYTES: Final = 32
MIN_SECRET_BITS: Final = 96.0


class WidevineSigner(BaseModel):
    """Whose requests for keys are answered: an AES key of 16 or 32 bytes and a vector of 16."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr = Field(description="AES key of 16 or 32 bytes, hexadecimal")
    iv: SecretStr = Field(description="vector of 16 bytes, hexadecimal")

    def secrets(self) -> tuple[bytes, bytes]:
        """Key and vector."""
        return bytes.fromhex(self.key.get_secret_value()), bytes.fromhex(self.iv.get_secret_value())

    @model_validator(mode="after")
    def _of_length(self) -> WidevineSigner:
        try:
            key, iv = self.secrets()
        except ValueError:
            raise ValueError("key and iv must be hexadecimal") from None
        if len(key) not in (16, 32) or len(iv) != 16:
            raise ValueError("key must have 16 or 32 bytes, iv 16")
        return self


class OidcIssuer(BaseModel):
    """One issuer whose tokens let people in; a field that is not known here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1, description="`iss`, exactly")
    audience: str = Field(min_length=1, description="`aud` that its tokens for us have")
    jwks_uri: str = Field(description="where its public keys are: https, or http on this machine")
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "ES256"), min_length=1)
    roles_claim: str = Field(default="roles", description="claim with its roles; a.b reads b within a")
    roles: Mapping[str, str] = Field(
        default_factory=dict, description="its role -> ours; others give nothing"
    )

    @field_validator("jwks_uri")
    @classmethod
    def _private(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")):
            return value
        raise ValueError("jwks_uri must be https; http only on this machine")

    @field_validator("roles")
    @classmethod
    def _known(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(value.values()) - set(ROLES))
        if unknown:
            raise ValueError(f"there is no role {', '.join(unknown)}; there are {', '.join(ROLES)}")
        return value


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine, by its name alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listed(value: Any) -> Any:
    """A comma-separated text as its parts; anything else as it is."""
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def from_json(value: Any) -> Any:
    """A JSON text as what it says; anything else as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None


def check_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError unless all are addresses or networks."""
    for text in value:
        ipaddress.ip_network(text, strict=False)
    return value


def weakness(secret: str) -> str:
    """Why `secret` is too weak to sign tokens with; empty if it is not.

    A text is judged by what is seen of it: a secret made of chance passes (of 16 random
    bytes in hexadecimal all but one in ten thousand), words repeated do not.
    """
    if len(secret.encode()) < MIN_SECRET_BYTES:
        return f"shorter than {MIN_SECRET_BYTES} bytes"
    if secret in (secret * 2)[1:-1]:
        return "the same text over and over"
    size = len(secret)
    bits = -sum(n * math.log2(n / size) for n in Counter(secret).values())
    return "" if bits >= MIN_SECRET_BITS else "made of too few different characters"
