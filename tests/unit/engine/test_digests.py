"""Two versions of a projection compared while one of them is written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from schemas.keys import tag
from streams.engine import digests
from streams.engine.differences import Differences
from streams.engine.digests import compare

OLD, NEW = tag("media.library", 1, 0), tag("media.library", 2, 0)


class Written:
    """A store of documents, given two at a time; `between(store)` is called after each page of OLD."""

    def __init__(self, between: Callable[[Written], None] = lambda _: None) -> None:
        self.fence = 7
        self.old = {f"k{n}": b"1" for n in range(6)}
        self.new = dict(self.old)
        self.most = 0  # documents given in one call
        self._between = between

    async def type(self, key: str) -> bytes:
        return b"hash"

    async def hscan(self, key: str, cursor: int, count: int) -> tuple[int, dict[bytes, bytes]]:
        state = self.old if key.startswith(OLD) else self.new
        page = list(state.items())[cursor : cursor + 2]
        self.most = max(self.most, len(page))
        if state is self.old:
            self._between(self)
        after = cursor + 2
        return (after if after < len(state) else 0), {k.encode(): v for k, v in page}

    async def eval(self, script: str, count: int, *rest: Any) -> list[Any]:
        state = self.old if rest[0].startswith(OLD) else self.new
        names = [name.decode() for name in rest[count + 1 :: 2]]
        self.most = max(self.most, len(names))
        found = [b"hash " + state[name] if name in state else None for name in names]
        return [str(self.fence).encode(), found]


async def compared(store: Written, log: dict[int, tuple[str, bytes | None]] | None = None) -> Any:
    """Compare, building the new version from `log`."""
    built = 7

    async def advance(offset: int) -> None:
        nonlocal built
        for at in range(built + 1, offset + 1):
            apply(store.new, *(log or {})[at])
        built = offset

    return await compare(store, OLD, NEW, {"state", "meta", "seen"}, advance)


def apply(state: dict[str, bytes], key: str, document: bytes | None) -> None:
    if document is None:
        state.pop(key, None)
    else:
        state[key] = document


async def test_equal_versions_are_read_in_pages_and_nothing_twice() -> None:
    store = Written()
    digest, found = await compared(store)
    assert found == Differences()
    assert store.most == 2
    store.new = store.old = dict(reversed(store.old.items()))
    assert (await compared(store))[0] == digest
    store.new = store.old = {**store.old, "k0": b"2"}
    assert (await compared(store))[0] != digest


async def test_what_differs_is_named_with_what_changed() -> None:
    store = Written()
    store.old |= {"k1": orjson.dumps({"n": 1}), "gone": b"3"}
    store.new |= {"k1": orjson.dumps({"n": 2}), "came": b"4"}
    _, found = await compared(store)
    assert found == Differences(
        3,
        {
            "came": "only in the new version: 4",
            "gone": "not in the new version: 3",
            "k1": "n: 1 -> 2",
        },
    )


async def test_what_moves_on_meanwhile_is_compared_at_one_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is followed by a record that changes, adds or deletes documents read before and after."""
    log = {8: ("k0", b"2"), 9: ("k5", None), 10: ("new", b"1"), 11: ("k0", b"3"), 12: ("k3", b"9")}

    def apply_next(store: Written) -> None:
        if store.fence + 1 in log:
            store.fence += 1
            apply(store.old, *log[store.fence])

    assert (await compared(Written(apply_next), log))[1] == Differences()
    corrupted = Written(apply_next)
    corrupted.old["k4"] = b"0"
    assert list((await compared(corrupted, log))[1].sample) == ["k4"]


async def test_many_differences_are_looked_at_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "AGAIN", 2)
    store = Written()
    store.old = {f"k{n}": b"%d" % n for n in range(90)}
    store.new = {f"k{n}": b"%d" % (n + 1) for n in range(90)}
    _, found = await compared(store)
    assert (found.count, len(found.sample), store.most) == (90, 20, 2)
