"""Which outputs of other agents were applied already: the highest position per origin.

An agent that dies between emitting and moving its fence emits again, at new offsets. Each of its lives
emits, per output partition, the same sequence from its fence or earlier; so what is not above the mark is
a repeat.
"""

from __future__ import annotations

from schemas.event import Src


class Marks:
    """Marks of one input partition: those of the store, overlaid with what this chunk moved."""

    __slots__ = ("_stored", "moved")

    def __init__(self, stored: dict[bytes, int]) -> None:
        self._stored = stored
        self.moved: dict[bytes, int] = {}

    def is_repeat(self, src: Src) -> bool:
        """Whether `src` was applied before; if not, it is marked as applied."""
        origin = src.origin.encode()
        held = self.moved.get(origin)
        if held is None:
            held = self._stored.get(origin, -1)
        if src.position <= held:
            return True
        self.moved[origin] = src.position
        return False
