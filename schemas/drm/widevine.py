"""Widevine's signalling: the message WidevinePsshData (protocol buffers) in a `pssh` box of version 0."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from schemas.drm.pssh import WIDEVINE, Pssh, build

KEY_FORMAT: Final = f"urn:uuid:{WIDEVINE}"

# Fields of the message, as tags: number << 3 | wire type.
_KEY_ID: Final = b"\x12"  # 2, bytes, repeated
_CONTENT_ID: Final = b"\x22"  # 4, bytes
_PROTECTION_SCHEME: Final = b"\x48"  # 9, a number: the scheme's four letters


def data(kids: Iterable[str], scheme: str, *, content_id: bytes = b"") -> bytes:
    """The message: the KIDs in their order, the content id if there is one, the scheme (`cenc`, `cbcs`)."""
    message = b"".join(_KEY_ID + _varint(len(kid) // 2) + bytes.fromhex(kid) for kid in kids)
    if content_id:
        message += _CONTENT_ID + _varint(len(content_id)) + content_id
    return message + _PROTECTION_SCHEME + _varint(int.from_bytes(scheme.encode(), "big"))


def pssh(kids: Iterable[str], scheme: str, *, content_id: bytes = b"") -> bytes:
    """The box."""
    return build(Pssh(WIDEVINE, data(kids, scheme, content_id=content_id)))


def hls_uri(box: bytes) -> str:
    """URI of an EXT-X-KEY: the box itself."""
    return f"data:text/plain;base64,{base64.b64encode(box).decode()}"


def _varint(number: int) -> bytes:
    said = bytearray()
    while number > 0x7F:
        said.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*said, number])
