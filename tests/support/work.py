"""What a request makes its service do: calls of named methods, counted. No clock is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest


class Work:
    """Counts calls while a test looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.done: Counter[str] = Counter()

    def watch(self, owner: type, *names: str, about: Callable[..., Any] = lambda *_: "") -> None:
        """Count these methods of a class; `about` (called as they are) tells calls of one apart."""
        for name in names:
            self._monkeypatch.setattr(owner, name, self._counted(owner, name, about))

    def taken(self) -> Counter[str]:
        """What was done since the last time."""
        done, self.done = self.done, Counter()
        return done

    def _counted(self, owner: type, name: str, about: Callable[..., Any]) -> Callable[..., Any]:
        real = getattr(owner, name)

        def counted(*positional: Any, **options: Any) -> Any:
            self.done[f"{owner.__name__}.{name} {about(*positional)}".strip()] += 1
            return real(*positional, **options)

        return counted
