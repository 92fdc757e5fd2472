"""From an older version of an event to the newest, in Python where that is enough.

Enough means: top-level fields came with defaults or went. Anything deeper (changed nested records,
unions, promotions) is left to Avro's own resolution, at half the decoding speed: correct always, fast in
the usual case.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.lock import without_docs


class Upcast(NamedTuple):
    """`resolve`: decode with both schemas. `apply`: mend the decoded dict in place."""

    resolve: bool
    apply: Callable[[dict[str, Any]], None] | None


def upcast_of(writer: dict[str, Any], newest: dict[str, Any]) -> Upcast:
    """How data written with `writer` becomes data of `newest` (two versions of one record)."""
    old = {f["name"]: f for f in without_docs(writer)["fields"]}
    new = {f["name"]: f for f in without_docs(newest)["fields"]}
    if any(f["type"] != old[name]["type"] for name, f in new.items() if name in old):
        return Upcast(True, None)
    added = {name: f for name, f in new.items() if name not in old}
    if any("aliases" in f or "default" not in f or not _is_plain(f) for f in added.values()):
        return Upcast(True, None)
    gone = [name for name in old if name not in new]
    if not added and not gone:
        return Upcast(False, None)
    defaults = {name: f["default"] for name, f in added.items()}

    def apply(data: dict[str, Any]) -> None:
        for name in gone:
            del data[name]
        data.update(copy.deepcopy(defaults))

    return Upcast(False, apply)


def _is_plain(field: dict[str, Any]) -> bool:
    """Whether the JSON default is the very value that Avro would give (not so for bytes and records)."""
    kind, default = field["type"], field["default"]
    if isinstance(kind, list):
        return default is None
    if isinstance(kind, dict):
        return (kind["type"], default) in (("array", []), ("map", {}))
    return kind in ("string", "boolean", "int", "long", "float", "double")
