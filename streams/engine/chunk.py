"""What the lane delivers: consecutively read records of one partition, acknowledged as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Protocol

CHUNK_RECORDS: Final = 4096
"""When lagging: the larger, the fewer flushes, fence writes and copies of a state. READ unpacks as many keys,
of which Lua's stack holds less than 8000."""

PART_BYTES: Final = 1 << 19
"""Of values that are applied at once: decoded, an event takes thirty times its bytes, and that in each of the
partitions that an agent reads side by side."""


class Record(Protocol):
    """One Kafka record as the consumer parsed it; `timestamp` in milliseconds since 1970."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition in order; never empty.

    `start` is where reading stood before them: everything below it was delivered earlier, so offsets
    from `start` to the first record are gaps of the log itself (compaction, transaction markers).
    `turn` counts the consumer's seeks: a chunk of an older turn is read again and must be dropped.
    """

    topic: str
    partition: int
    start: int
    records: tuple[Record, ...]
    turn: int = 0

    @property
    def first(self) -> int:
        return self.records[0].offset

    @property
    def last(self) -> int:
        return self.records[-1].offset


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks that were delivered one after the other, of one partition and turn, as one."""
    if len(chunks) == 1:
        return chunks[0]
    return replace(chunks[0], records=tuple(chain.from_iterable(chunk.records for chunk in chunks)))


def parts(chunk: Chunk, most_bytes: int = PART_BYTES) -> Iterator[Chunk]:
    """The chunk in pieces of at most so many bytes of values, each of one record at least."""
    records = chunk.records
    start, begin, size = chunk.start, 0, 0
    for i, record in enumerate(records):
        length = len(record.value or b"")
        if size and size + length > most_bytes:
            yield replace(chunk, start=start, records=records[begin:i])
            start, begin, size = records[i - 1].offset + 1, i, 0
        size += length
    yield replace(chunk, start=start, records=records[begin:]) if begin else chunk
