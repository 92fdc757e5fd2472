"""Which position of a partition may be committed, when chunks are acknowledged in any order."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple


class Standing(NamedTuple):
    """Where this process stands in one partition, as offsets: all below `done` is acknowledged."""

    done: int
    end: int  # of the log: the offset of the next record to be written


class Acks:
    """Chunks of one partition that were delivered and not yet acknowledged.

    The committable position is the first of them, else the end of what was delivered. Nothing counts
    offsets, so gaps of the log (compaction, transactions) do not matter. Faust's own tracker is off by
    one and loses data when acknowledgements arrive out of order.
    """

    __slots__ = ("_end", "_open")

    def __init__(self) -> None:
        self._open: list[int] = []
        self._end: int | None = None

    def delivered(self, first: int, until: int) -> None:
        """A chunk of offsets `first` to `until - 1` was handed to an agent."""
        insort(self._open, first)
        self._end = until if self._end is None else max(self._end, until)

    def acked(self, first: int) -> None:
        """The chunk that begins at `first` is done. Unknown chunks are ignored: they were taken back."""
        at = bisect_left(self._open, first)
        if at < len(self._open) and self._open[at] == first:
            del self._open[at]

    @property
    def open_chunks(self) -> int:
        return len(self._open)

    @property
    def position(self) -> int | None:
        """Offset to commit: the next one to be read after a restart. None before the first delivery."""
        return self._open[0] if self._open else self._end
