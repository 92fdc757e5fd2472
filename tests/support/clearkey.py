"""What a browser asks a Clear Key licence server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable


def challenge_of(kids: Iterable[str]) -> bytes:
    """`{"kids": [base64url without padding, ...], "type": "temporary"}` of KIDs in hexadecimal digits."""
    said = [base64.urlsafe_b64encode(bytes.fromhex(kid)).decode().rstrip("=") for kid in kids]
    return json.dumps({"kids": said, "type": "temporary"}).encode()
