"""Messages between a worker and its confined child: length-prefixed JSON, raw bytes after it.

Never pickle: what the child sends is written by whoever wrote the video, once the decoder is taken over.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any

import orjson

LONGEST_HEADER_BYTES = 16 << 20
LONGEST_BLOB_BYTES = 256 << 20
_LENGTH = struct.Struct(">I")


class Gone(Exception):
    """The other side has closed the connection or ended."""


class Channel:
    """One side of a socket pair. One thread reads and one writes at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, message: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """One message and its blobs, whose lengths travel in the message; Gone when nobody reads."""
        header = orjson.dumps({**message, "blobs": [len(blob) for blob in blobs]})
        try:
            self._sock.sendall(_LENGTH.pack(len(header)) + header)
            for blob in blobs:
                self._sock.sendall(blob)
        except OSError as error:
            raise Gone(str(error)) from error

    def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """The next message; Gone at the end, or when what comes is no message."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > LONGEST_HEADER_BYTES:
            raise Gone(f"a message of {length} bytes is announced, at most {LONGEST_HEADER_BYTES} are taken")
        try:
            message = orjson.loads(self._exactly(length))
            lengths = [int(n) for n in message.pop("blobs")]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Gone(f"what came is no message: {error}") from error
        if sum(lengths) > LONGEST_BLOB_BYTES or min(lengths, default=0) < 0:
            raise Gone(f"{sum(lengths)} bytes are announced, at most {LONGEST_BLOB_BYTES} are taken")
        return message, [self._exactly(n) for n in lengths]

    def close(self) -> None:
        self._sock.close()

    def _exactly(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        at = 0
        while at < size:
            try:
                got = self._sock.recv_into(view[at:])
            except OSError as error:
                raise Gone(str(error)) from error
            if got == 0:
                raise Gone("the connection is closed")
            at += got
        return bytes(data)
