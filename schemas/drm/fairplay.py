"""FairPlay's signalling: a URI in playlists that names the key. There is no box; it takes `cbcs` only."""

from __future__ import annotations

import uuid
from typing import Final

KEY_FORMAT: Final = "com.apple.streamingkeydelivery"


def hls_uri(kid: str) -> str:
    """URI of an EXT-X-KEY: the player gives it to its application, which asks for the key by it."""
    return f"skd://{uuid.UUID(kid)}"
