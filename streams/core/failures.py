"""Bugs that must not end what a whole process does in the background: told on the log, then it goes on."""

from __future__ import annotations

import traceback
from typing import Any


def tell(log: Any, what: str, error: BaseException, **about: Any) -> None:
    """An error with where it came from. Not what it says: that may hold what people wrote."""
    frames = traceback.format_tb(error.__traceback__)
    log.error(what, error=type(error).__name__, traceback=frames, **about)
