"""What a licence server is told of a grant: keys and rules, sealed for it, as a header of the request.

A compact JWE (RFC 7516; `dir`, `A256GCM`) under the secret that both sides hold. It is bound to the player's
request by its hash and is good for a minute: whoever records it can use it for nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateways.drm.requesting import Given

HEADER: Final = "Kinolog-Entitlement"
LIFE_S: Final = 60
_PROTECTED: Final = {"alg": "dir", "enc": "A256GCM", "typ": "kinolog-entitlement"}
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


def entitlement(given: Given, challenge: bytes, **more: Any) -> dict[str, Any]:
    """The message: whose grant it is, its keys with their rules, and the rules of the whole licence.

    `expires_at_ms`, `playback_s`, `renew_every_s`: null asks for nothing. `hdcp` of a key: the version its
    output needs, such as HDCP_V2_2, or null. `min_security_level`: 1 to 5 as Widevine counts, or null.
    """
    licence, now_s = given.licence, int(time.time())
    keys = [
        {
            "kid": str(UUID(kid)),
            "key": base64.b64encode(given.keys[kid]).decode(),
            "label": label,
            "hdcp": licence["hdcp"].get(label),
        }
        for label, kid in given.film.protection["keys"].items()
        if kid in given.keys
    ]
    return {
        "iat": now_s, "exp": now_s + LIFE_S, "challenge": hashlib.sha256(challenge).hexdigest(),
        "system": licence["system"], "asset_id": licence["asset_id"],
        "scheme": given.film.protection["scheme"], "keys": keys, "offline": licence["offline"],
        "expires_at_ms": licence["expires_at_ms"], "playback_s": licence["playback_s"],
        "renew_every_s": licence["renew_every_s"],
        "min_security_level": given.film.rules["min_security_level"], **more,
    }  # fmt: skip


def seal(message: Mapping[str, Any], secret: bytes) -> str:
    """The JWE."""
    header, nonce = _said(orjson.dumps(_PROTECTED)), os.urandom(_NONCE_BYTES)
    sealed = AESGCM(secret).encrypt(nonce, orjson.dumps(message), header.encode())
    parts = (header, "", _said(nonce), _said(sealed[:-_TAG_BYTES]), _said(sealed[-_TAG_BYTES:]))
    return ".".join(parts)


def _said(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
