"""Digests of a projection that is written to while they are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from schemas.keys import tag
from streams.engine.digests import Digest, digest

TAG = tag("media.library", 1, 0)


class Written:
    """A store of two documents a step; `between(store)` is called after each step of reading."""

    def __init__(self, between: Callable[[Written], None] = lambda _: None) -> None:
        self.fence = 7
        self.state = {f"k{n}": b"1" for n in range(6)}
        self.own: list[str] = []
        self.most = 0  # documents given in one call
        self._between = between

    async def hget(self, key: str, field: str) -> bytes:
        return str(self.fence).encode()

    async def hscan(self, key: str, cursor: int, count: int) -> tuple[int, dict[bytes, bytes]]:
        page = list(self.state.items())[cursor : cursor + 2]
        self.most = max(self.most, len(page))
        self._between(self)
        after = cursor + 2
        return (after if after < len(self.state) else 0), {k.encode(): v for k, v in page}

    async def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        for suffix in ("meta", "state", "outcome:1", *list(self.own)):
            yield f"{TAG}:{suffix}".encode()
        self._between(self)

    async def eval(self, script: str, count: int, *rest: str) -> list[Any]:
        fields = rest[count:]
        values = [self.state.get(field) for field in fields]
        self.most = max(self.most, len(values))
        return [str(self.fence).encode(), values, [b"zset:1"] * (count - 2)]


async def nothing(first: int, last: int) -> set[str]:
    raise AssertionError("the fence did not move")


async def still(state: dict[str, bytes], fence: int) -> Digest:
    """Digest of a store that nobody writes to."""
    store = Written()
    store.state, store.fence = state, fence
    return await digest(store, TAG, nothing)


async def test_documents_are_read_in_steps() -> None:
    store = Written()
    found = await digest(store, TAG, nothing)
    assert found.fence == 7
    assert store.most == 2


async def test_the_order_of_documents_does_not_matter_and_their_content_does() -> None:
    same = await still({"b": b"2", "a": b"1"}, 3)
    assert await still({"a": b"1", "b": b"2"}, 3) == same
    for other in ({"a": b"1"}, {"a": b"2", "b": b"1"}, {"a": b"1", "b": b"2", "c": b""}):
        assert (await still(other, 3)).ranges != same.ranges


async def test_what_changes_meanwhile_is_of_the_moment_of_the_fence() -> None:
    """Each step is followed by a record that changes, adds and deletes documents read before and after."""
    log = {8: ("k0", b"2"), 9: ("k5", None), 10: ("new", b"1"), 11: ("k0", b"3"), 12: ("k3", b"9")}
    asked = []

    def apply_next(store: Written) -> None:
        key, document = log.get(store.fence + 1, ("", None))
        if key:
            store.fence += 1
            store.state = {k: v for k, v in store.state.items() if k != key or document is not None}
            if document is not None:
                store.state[key] = document

    async def changed(first: int, last: int) -> set[str]:
        asked.append((first, last))
        return {log[offset][0] for offset in range(first, last + 1)}

    store = Written(apply_next)
    found = await digest(store, TAG, changed)
    assert asked[0][0] == 8
    assert asked[-1][1] == found.fence == 12
    assert found == await still(store.state, 12)


async def test_a_store_that_went_back_is_read_again_from_the_begin() -> None:
    lost = []

    def lose_the_end(store: Written) -> None:
        if not lost:
            lost.append(True)
            store.fence, store.state = 4, {"k0": b"0"}

    found = await digest(Written(lose_the_end), TAG, nothing)
    assert found == await still({"k0": b"0"}, 4)


async def test_a_key_that_comes_between_listing_and_digest_is_not_left_out() -> None:
    steps = []

    def grow(store: Written) -> None:
        steps.append(1)
        if len(steps) == 4:  # three steps of documents, then the first listing
            store.own.append("recent")

    found = await digest(Written(grow), TAG, nothing)
    assert (found.fence, found.own) == (7, {"recent": "zset:1"})
