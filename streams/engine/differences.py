"""What differs between two versions of a projection, so that a person can judge it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import orjson

SAMPLE: Final = 20  # differing keys shown of a partition
_CHANGES: Final = 5  # shown of one key
_TEXT: Final = 80  # characters of one value
_MISSING: Final = object()


@dataclass
class Differences:
    """Of one partition: how many keys differ, and what the first of them look like."""

    count: int = 0
    sample: dict[str, str] = field(default_factory=dict)  # key -> what changed

    def add(self, key: str, before: Any, after: Any) -> None:
        """Count a key; `before` and `after` are JSON values, None where the key is missing."""
        self.count += 1
        if len(self.sample) < SAMPLE:
            self.sample[key] = explained(before, after)


def explained(before: Any, after: Any) -> str:
    """`state: "ready" -> "failed"; ...`: the places that changed, bounded."""
    if before is None:
        return f"only in the new version: {_short(after)}"
    if after is None:
        return f"not in the new version: {_short(before)}"
    changes = list(islice(_changes("", before, after), _CHANGES + 1))
    more = ["..."] if len(changes) > _CHANGES else []
    return "; ".join([*changes[:_CHANGES], *more])


def _changes(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            below = f"{path}.{name}" if path else name
            yield from _changes(below, before.get(name, _MISSING), after.get(name, _MISSING))
    elif isinstance(before, list) and isinstance(after, list):
        for n in range(max(len(before), len(after))):
            pair = (before[n] if n < len(before) else _MISSING, after[n] if n < len(after) else _MISSING)
            yield from _changes(f"{path}[{n}]", *pair)
    elif before is _MISSING or after is _MISSING or before != after or type(before) is not type(after):
        what = f"{_short(before)} -> {_short(after)}"
        yield f"{path}: {what}" if path else what


def _short(value: Any) -> str:
    if value is _MISSING:
        return "(nothing)"
    text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return text if len(text) <= _TEXT else text[: _TEXT - 3] + "..."
