"""Content codings that ClickHouse clients use, in both directions."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
from backports import zstd

from deploy.local.clickhouse.statement import BadRequest

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstd.compress(data, 1),
    "lz4": lz4.frame.compress,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "deflate": lambda data: zlib.compress(data, 1),
}


def _all_lz4_frames(data: bytes) -> bytes:
    # A client compresses each of its blocks by itself: a body is several frames. The library's own
    # `decompress` reads the first and says nothing of the rest.
    parts = []
    while data:
        decompressor = lz4.frame.LZ4FrameDecompressor()
        parts.append(decompressor.decompress(data))
        if not decompressor.eof:
            raise ValueError("the last frame is cut off")
        data = decompressor.unused_data or b""
    return b"".join(parts)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "lz4": _all_lz4_frames,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
_WORTH_COMPRESSING_BYTES = 512


def decode(body: bytes, coding: str) -> bytes:
    """Inflate a request body. Raises BadRequest for an unknown coding or broken data."""
    coding = coding.strip().lower()
    if not body or coding in ("", "identity"):
        return body
    decoder = _DECODERS.get(coding)
    if decoder is None:
        raise BadRequest(
            89, "UNKNOWN_COMPRESSION_METHOD", f"Content-Encoding {coding!r} is not supported here."
        )
    try:
        return decoder(body)
    except Exception as error:
        raise BadRequest(271, "CANNOT_DECOMPRESS", f"The {coding} body is broken ({error}).") from error


def encode(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compress an answer with the client's first coding that we have; small ones stay as they are."""
    if len(body) < _WORTH_COMPRESSING_BYTES:
        return body, None
    for offer in accepted.lower().split(","):
        coding = offer.partition(";")[0].strip()
        if coding in _ENCODERS:
            return _ENCODERS[coding](body), coding
    return body, None
