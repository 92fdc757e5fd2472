"""A source as byte ranges: part objects that are never joined.

The process that holds the credentials reads (a `ByteSource`); the confined child sees a `RangeFile`, a
file object whose reads become bounded ranges, asked for over the child's pipe. FFmpeg itself would read
open-ended ranges and fetch most of a file for two seconds of it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

BLOCK_BYTES = 1 << 18
MOST_BLOCKS = 64  # 16 MiB of cache a source
LONGEST_READ_BLOCKS = 8


class ByteSource(Protocol):
    """Bytes by range. `read` blocks, is called from threads and raises OSError when it cannot deliver."""

    @property
    def key(self) -> str:
        """Equal for equal content; lets a worker recognise a source it has open."""
        ...

    @property
    def size(self) -> int: ...

    def read(self, start: int, end: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One part object: its key and its size."""

    name: str
    size: int


class PartSource:
    """Part objects in order. `fetch(name, start, end)` reads a range within one part and may block."""

    def __init__(self, key: str, parts: Sequence[Part], fetch: Callable[[str, int, int], bytes]) -> None:
        self._key = key
        self._parts = list(parts)
        self._fetch = fetch
        self._size = sum(part.size for part in parts)

    @property
    def key(self) -> str:
        return self._key

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, end: int) -> bytes:
        pieces: list[bytes] = []
        offset = 0
        for part in self._parts:
            low, high = max(start, offset), min(end, offset + part.size)
            if low < high:
                piece = self._fetch(part.name, low - offset, high - offset)
                if len(piece) != high - low:
                    raise OSError(f"part {part.name!r} gave {len(piece)} bytes, expected {high - low}")
                pieces.append(piece)
            offset += part.size
        return b"".join(pieces)


def loop_fetch(
    loop: asyncio.AbstractEventLoop, get: Callable[[str, int, int], Awaitable[bytes]]
) -> Callable[[str, int, int], bytes]:
    """A blocking fetch out of an async range read `get(name, start, end)`; call it from another thread."""

    def fetch(name: str, start: int, end: int) -> bytes:
        async def one() -> bytes:
            return await get(name, start, end)

        return asyncio.run_coroutine_threadsafe(one(), loop).result()

    return fetch


class BlockCache:
    """Blocks of one source, the least recently used dropped; runs of misses are read in one go."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._read = read
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._expected = -1
        self._run = 1

    def block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        # Reading on from the last miss doubles the range asked for; a jump starts small again.
        self._run = min(LONGEST_READ_BLOCKS, self._run * 2) if number == self._expected else 1
        start = number * BLOCK_BYTES
        end = min(self.size, start + self._run * BLOCK_BYTES)
        data = self._read(start, end)
        if len(data) != end - start:
            raise OSError(f"bytes {start}-{end} of the source came as {len(data)}")
        for i in range(0, len(data), BLOCK_BYTES):
            self._blocks[number + i // BLOCK_BYTES] = data[i : i + BLOCK_BYTES]
        self._expected = number + self._run
        while len(self._blocks) > MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[number]


class RangeFile:
    """A read-only file object over a block cache; several may share one cache."""

    def __init__(self, cache: BlockCache) -> None:
        self._cache = cache
        self._at = 0
        self.size = cache.size

    def read(self, size: int = -1) -> bytes:
        """At most up to the end of the current block; empty at the end of the source."""
        if self._at >= self.size:
            return b""
        number, offset = divmod(self._at, BLOCK_BYTES)
        block = self._cache.block(number)
        data = block[offset : offset + size] if size >= 0 else block[offset:]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self.size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
