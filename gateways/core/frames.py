"""WebSocket frames as bytes: a server's are not masked, so one can be made for many clients."""

from __future__ import annotations

from typing import Final

_FINAL_TEXT: Final = 0x81
_FINAL_CLOSE: Final = 0x88
_FINAL_PONG: Final = 0x8A
PING_FRAME: Final = b"\x89\x00"


def text_frame(payload: bytes) -> bytes:
    """One unfragmented, uncompressed text frame (RFC 6455, 5.2). `payload` is UTF-8."""
    size = len(payload)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + payload
    if size < 65_536:
        return bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; `reason` is at most 123 bytes of UTF-8."""
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes((_FINAL_CLOSE, len(payload))) + payload


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping; `payload` is the ping's, at most 125 bytes."""
    return bytes((_FINAL_PONG, len(payload))) + payload
