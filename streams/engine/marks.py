"""Which outputs of other agents were applied already: the highest position per origin.

An agent that dies between emitting and moving its fence emits again, at new offsets. Each of its lives
emits, per output partition, the same sequence from its fence or earlier; so what is not above the mark is
a repeat.
"""

from __future__ import annotations

from schemas.event import Src


class Marks:
    """Marks of one input partition: those of the store, overlaid with what this chunk moved."""

    __slots__ = ("_highest", "_stored")

    def __init__(self, stored: dict[bytes, int]) -> None:
        self._stored = stored
        self._highest = {origin.decode(): position for origin, position in stored.items()}

    def is_repeat(self, src: Src) -> bool:
        """Whether `src` was applied before; if not, it is marked as applied."""
        origin, position = src
        highest = self._highest
        if position <= highest.get(origin, -1):
            return True
        highest[origin] = position
        return False

    @property
    def moved(self) -> dict[bytes, int]:
        """Origins that stand higher than in the store."""
        stored, now = self._stored, ((o.encode(), position) for o, position in self._highest.items())
        return {origin: position for origin, position in now if stored.get(origin) != position}
