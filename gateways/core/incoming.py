"""What a client's bytes say: WebSocket frames (RFC 6455, 5.2) of an uncompressed connection.

Pure: bytes in, messages out. Nothing is kept while nothing is on its way, which is what an idle connection
costs. A message that is too large is refused by its head, before any of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MORE: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
MOST_CONTROL_BYTES: Final = 125

BROKEN: Final = 1002
TOO_LARGE: Final = 1009
_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80


class FrameError(Exception):
    """The connection cannot go on; `code` is the close code that says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Incoming:
    """The frames of one connection. After a FrameError nothing more can be fed."""

    __slots__ = ("_held", "_kind", "_message", "_most_bytes")

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: of a whole message."""
        self._most_bytes = most_bytes
        self._held = b""  # a frame that is not whole yet
        self._kind = MORE  # of the message that further frames belong to; MORE for none
        self._message = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Whole messages and control frames, as (opcode, payload), in order; must be read to its end.

        Raises FrameError where the bytes break the protocol, after what was good before.
        """
        if self._held:
            data = self._held + data
        at, have = 0, len(data)
        while have - at >= 2:
            first, second, start = data[at], data[at + 1], at + 2
            kind, size = first & 0x0F, second & 0x7F
            if first & _RESERVED or not second & _MASKED:
                raise FrameError(BROKEN)
            if size > MOST_CONTROL_BYTES:
                start += 2 if size == 126 else 8
                if have < start:
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
            self._admit(kind, size, final=first & _FINAL != 0)
            end = start + 4 + size
            if have < end:
                break
            payload = unmasked(data[start : start + 4], data[start + 4 : end])
            at = end
            if kind > BINARY:
                yield kind, payload
            elif not first & _FINAL:
                self._kind, self._message = self._kind or kind, self._message + payload
            else:
                whole = self._kind or kind, self._message + payload
                self._kind, self._message = MORE, b""
                yield whole
        self._held = data[at:]

    def _admit(self, kind: int, size: int, *, final: bool) -> None:
        """Raises FrameError unless such a frame may come now."""
        if kind in (CLOSE, PING, PONG):
            if size > MOST_CONTROL_BYTES or not final:
                raise FrameError(BROKEN)
        elif kind > BINARY or (kind == MORE) != (self._kind != MORE):
            raise FrameError(BROKEN)
        elif len(self._message) + size > self._most_bytes:
            raise FrameError(TOO_LARGE)


def unmasked(key: bytes, payload: bytes) -> bytes:
    """`payload` xor the four bytes of `key`, over and over (RFC 6455, 5.3); the way there and back."""
    size = len(payload)
    keys = int.from_bytes((key * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ keys).to_bytes(size, "little")
