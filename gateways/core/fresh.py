"""Values that may be a moment old: loaded once for all who ask at the same time, kept for part of a second.

Bounded: the least recently used value goes first. A load that fails is nobody's answer but theirs who wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class _Held(NamedTuple, Generic[Value]):
    value: Value
    as_of_s: float


class _Loading(NamedTuple, Generic[Value]):
    task: asyncio.Task[Value]
    as_of_s: float


class Fresh(Generic[Value]):
    """`await get(key)` gives a value that was true `fresh_s` ago or later."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[Value]],
        *,
        fresh_s: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._fresh_s = fresh_s
        self._most = most
        self.clock = clock
        self._held: OrderedDict[str, _Held[Value]] = OrderedDict()
        self._loading: dict[str, _Loading[Value]] = {}

    async def get(self, key: str, since_s: float | None = None) -> Value:
        """The value as of `since_s` (of `clock`) or later; by default as of `fresh_s` ago.

        Raises what the load raises. Callers that go away do not stop a load that others wait for.
        """
        oldest = self.clock() - self._fresh_s if since_s is None else since_s
        held = self._held.get(key)
        if held is not None and held.as_of_s >= oldest:
            self._held.move_to_end(key)
            return held.value
        loading = self._loading.get(key)
        if loading is None or loading.as_of_s < oldest:
            as_of_s = self.clock()
            loading = _Loading(asyncio.create_task(self._run(key, as_of_s)), as_of_s)
            loading.task.add_done_callback(_seen)
            self._loading[key] = loading
        return await asyncio.shield(loading.task)

    def last(self, key: str) -> Value:
        """The value that was loaded last, however old. Raises KeyError if there is none any more."""
        return self._held[key].value

    async def _run(self, key: str, as_of_s: float) -> Value:
        try:
            value = await self._load(key)
        finally:
            loading = self._loading.get(key)
            if loading is not None and loading.as_of_s == as_of_s:
                del self._loading[key]
        held = self._held.get(key)
        if held is None or held.as_of_s < as_of_s:  # an older load may end after a newer one
            self._held[key] = _Held(value, as_of_s)
            self._held.move_to_end(key)
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        return value


def _seen(task: asyncio.Task[Value]) -> None:
    """A failure is raised to those who wait; asyncio need not tell of it where all of them have gone."""
    if not task.cancelled():
        task.exception()
