"""JSON Web Tokens, read strictly: what a signature check alone would let through is refused before it.

A verifier brings the key and the one algorithm that belongs to it; nothing in a token chooses either, beyond
naming a key (`kid`) among those that are allowed. `jku`, `x5u`, `x5c` and `jwk` headers are never looked at.
Compact serialisation of RFC 7515 only; the checks follow RFC 8725.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateways.core.depth import deeper_than

MAX_TOKEN_CHARS: Final = 8192
MAX_DEPTH: Final = 8
SKEW_S: Final = 30
"""How far another machine's clock may be ahead of ours, seconds."""
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KEY_TYPES: Final[Mapping[str, tuple[str, str | None]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
}
_MIN_RSA_BITS: Final = 2048
_JWS: Final = jwt.PyJWS()


class TokenRefused(Exception):
    """The token is malformed, expired, signed by another key or meant for something else."""


class KeyUnusable(Exception):
    """A published key does not verify the algorithm asked for."""


class Unverified(NamedTuple):
    """What a token says of itself: good for choosing who verifies it, for nothing else. Empty texts for what
    it does not say. Nothing more is kept: a small token can hold a document that takes much memory.
    """

    alg: str
    kid: str
    typ: str  # in lower case, without `application/`
    issuer: str


def looks_like_token(text: str) -> bool:
    """Whether it has the three parts of a compact token."""
    return _COMPACT.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def peek(token: str) -> Unverified:
    """Header and claims without any check of the signature. Raises TokenRefused if they are malformed.

    Remembered, since a client sends the same token again and again.
    """
    said = _head(token)
    return said._replace(issuer=_text(_object(_decoded(token.split(".")[1])).get("iss")))


def _head(token: str) -> Unverified:
    """The header alone, of a token whose form is right."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenRefused(f"longer than {MAX_TOKEN_CHARS} characters")
    if not looks_like_token(token):
        raise TokenRefused("not a compact token")
    parts = [_decoded(part) for part in token.split(".")]
    header = _object(parts[0])
    # What must be understood to be safe (RFC 7515, 4.1.11) and what changes how the payload is read.
    for name in ("crit", "b64", "zip", "enc"):
        if name in header:
            raise TokenRefused(f"the header {name} is not taken")
    typ = _text(header.get("typ")).lower().removeprefix("application/")
    return Unverified(_text(header.get("alg")), _text(header.get("kid")), typ, "")


def public_key(jwk: Mapping[str, Any], alg: str) -> jwt.PyJWK:
    """The key of a JWK for `alg`. Raises KeyUnusable if it is of another kind, or for another use."""
    kind, curve = _KEY_TYPES.get(alg, ("", None))
    if not kind or jwk.get("kty") != kind or (curve is not None and jwk.get("crv") != curve):
        raise KeyUnusable(f"the key is not one of {alg}")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", alg) != alg:
        raise KeyUnusable("the key has another use or algorithm")
    if "verify" not in jwk.get("key_ops", ("verify",)):
        raise KeyUnusable("the key's operations do not include verify")
    public = {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    try:
        key = jwt.PyJWK(public, algorithm=alg)
    except (jwt.PyJWTError, ValueError, TypeError, binascii.Error) as error:
        raise KeyUnusable(f"the key cannot be read: {type(error).__name__}") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _MIN_RSA_BITS:
        raise KeyUnusable(f"the key has fewer than {_MIN_RSA_BITS} bits")
    return key


def signed_payload(token: str, key: jwt.PyJWK | str | bytes, alg: str) -> bytes:
    """The payload of a token that `key` signed by `alg`. Raises TokenRefused.

    Costs 50 (HS256) to 500 (EdDSA) microseconds: callers keep the result.
    """
    if _head(token).alg != alg:
        raise TokenRefused("signed by another algorithm")
    try:
        payload: bytes = _JWS.decode(token, key, algorithms=[alg])
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused(str(error)) from error
    return payload


def verified(
    token: str,
    key: jwt.PyJWK | str,
    alg: str,
    *,
    issuer: str,
    audience: str,
    types: Collection[str],
    now_s: float,
    required: Collection[str] = ("iss", "aud", "sub", "iat", "exp"),
) -> dict[str, Any]:
    """The claims of a token that `key` signed by `alg`, in force at `now_s`. Raises TokenRefused.

    `types` are the `typ` headers taken, in lower case; an empty text stands for none.
    """
    payload = signed_payload(token, key, alg)
    if _head(token).typ not in types:
        raise TokenRefused("a token of another type")
    claims = _object(payload)
    missing = [name for name in required if name not in claims]
    if missing:
        raise TokenRefused(f"without {', '.join(missing)}")
    meant_for = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims["iss"] != issuer or audience not in meant_for:
        raise TokenRefused("of another issuer, or for another audience")
    if not isinstance(claims["sub"], str):
        raise TokenRefused("sub is not a text")
    _check_times(claims, now_s)
    return claims


def _check_times(claims: Mapping[str, Any], now_s: float) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise TokenRefused(f"{name} is not a number")
        if name == "exp" and value <= now_s:
            raise TokenRefused("expired")
        if name != "exp" and value > now_s + SKEW_S:
            raise TokenRefused("not valid yet")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise TokenRefused("a part is not JSON") from error
    if not isinstance(found, dict):
        raise TokenRefused("a part is not an object")
    if deeper_than(MAX_DEPTH, found):
        raise TokenRefused("a part is nested too deeply")
    return found


def _decoded(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise TokenRefused("a part is not base64url") from error
    # Bits that decode to nothing would give one token many texts.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise TokenRefused("a part is not base64url")
    return raw


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
