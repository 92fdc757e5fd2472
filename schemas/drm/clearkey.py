"""Clear Key (W3C Encrypted Media Extensions): how a licence is asked for and answered, and its signalling.

Content encryption, not DRM: the browser sees the keys.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

KEY_FORMAT: Final = "org.w3.clearkey"
MOST_KIDS: Final = 64
_KID_BYTES: Final = 16


class ClearKeyError(ValueError):
    """This is no request for a Clear Key licence; the message is a sentence."""


def kids_of(asked: bytes) -> list[str]:
    """The KIDs of a request, in its order, each once. Raises ClearKeyError."""
    try:
        body: Any = json.loads(asked)
        kids = [_heard(kid) for kid in body["kids"]]
        kind = body.get("type", "temporary")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ClearKeyError('A request for a Clear Key licence is {"kids": [base64url, ...]}.') from None
    if kind != "temporary":
        raise ClearKeyError("Clear Key licences are temporary: ask with type 'temporary'.")
    if not 1 <= len(kids) <= MOST_KIDS or any(len(kid) != _KID_BYTES for kid in kids):
        raise ClearKeyError(f"1 to {MOST_KIDS} KIDs of {_KID_BYTES} bytes each can be asked for.")
    return list(dict.fromkeys(kid.hex() for kid in kids))


def licence(keys: Mapping[str, bytes]) -> bytes:
    """The licence: a JSON Web Key Set of KID -> key."""
    listed = [
        {"kty": "oct", "kid": _said(bytes.fromhex(kid)), "k": _said(key)} for kid, key in sorted(keys.items())
    ]
    return json.dumps({"keys": listed, "type": "temporary"}).encode()


def hls_uri(kid: str) -> str:
    """URI of an EXT-X-KEY for players that ask the licence server: the KID itself."""
    return f"data:text/plain;base64,{base64.b64encode(bytes.fromhex(kid)).decode()}"


def _said(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _heard(text: str) -> bytes:
    # Browsers write no padding.
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
