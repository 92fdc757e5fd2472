"""How deeply a JSON document is nested, found out without recursion."""

from __future__ import annotations

from typing import Any


def deeper_than(most: int, document: Any) -> bool:
    """Whether objects and lists stand within each other more than `most` times."""
    level: list[Any] = [document]
    for _ in range(most + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
