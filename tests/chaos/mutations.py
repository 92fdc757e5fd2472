"""The rules of exactness taken away one at a time, to show that each is needed. Only for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from schemas.event import Src
from streams.engine.marks import Marks
from streams.engine.store import Effects, RedisStore, Snapshot
from streams.engine.watch import Watch


def without_marks() -> None:
    """Outputs that an agent emitted twice are applied twice."""

    def never(_self: Marks, _src: Src) -> bool:
        return False

    Marks.is_repeat = never  # type: ignore[method-assign]


def without_compare(store: type[Any] = RedisStore) -> None:
    """Writes are applied whoever moved the fence meanwhile."""
    write = store.write

    async def blind(self: Any, partition: int, expected: int, effects: Effects) -> bool:
        held = await self.fence(partition)
        return bool(await write(self, partition, held, effects))

    store.write = blind


def without_fence(store: type[Any] = RedisStore) -> None:
    """Nothing is trimmed, no hole is seen: the reader believes its own position."""
    without_compare(store)
    read = store.read

    async def unfenced(
        self: Any, partition: int, keys: Sequence[str], ids: Sequence[str] = (), block: int = 0
    ) -> Snapshot:
        return replace(await read(self, partition, keys, ids, block), fence=Unfenced(-1))

    store.read = unfenced


class Unfenced(int):
    """A fence below everything that is trimmed and above everything that would be a hole."""

    def __add__(self, other: int) -> int:
        return 2**62


def without_watch() -> None:
    """Nobody looks whether the store lost its end."""

    async def look(_self: Watch, _one: Any) -> None:
        return None

    Watch._look = look  # type: ignore[method-assign]


ALL: dict[str, Callable[[], None]] = {
    "marks": without_marks,
    "compare": without_compare,
    "fence": without_fence,
    "watch": without_watch,
}
