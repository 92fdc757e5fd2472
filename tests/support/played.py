"""Scenes of coroutines in which time passes when everybody waits, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class PlayedLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while anybody works, and jumps to the next thing that is due."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        real = self._selector.select  # type: ignore[attr-defined]

        def select(timeout: float | None) -> Any:
            events = real(0)
            if not events and timeout is None:
                raise AssertionError("everybody waits for something that nobody will do")
            if not events and timeout:
                self.now_s += timeout
            return events

        self._selector.select = select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now_s


def played(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it where no time passes but what is waited for."""
    with asyncio.Runner(loop_factory=PlayedLoop) as runner:
        runner.run(scene())
