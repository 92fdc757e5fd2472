"""What the lane delivers: consecutively read records of one partition, acknowledged as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
