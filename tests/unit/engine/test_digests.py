"""Digests of a projection that is written to while they are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator

from schemas.keys import tag
from streams.engine.digests import digest

TAG = tag("media.library", 1, 0)


class Growing:
    """A store whose projection makes its first own key right after it was first listed."""

    def __init__(self) -> None:
        self._keys = [f"{TAG}:meta", f"{TAG}:state", f"{TAG}:outcome:1"]

    async def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        for key in list(self._keys):
            yield key.encode()
        if f"{TAG}:recent" not in self._keys:
            self._keys.append(f"{TAG}:recent")

    async def eval(self, script: str, count: int, *keys: str) -> list[object]:
        return [b"7", [b"0"] * 16, [b"zset:1"] * (count - 2)]

    async def hget(self, key: str, field: str) -> bytes:
        return b"7"


async def test_a_key_that_comes_between_listing_and_digest_is_not_left_out() -> None:
    found = await digest(Growing(), TAG)
    assert (found.fence, found.own) == (7, {"recent": "zset:1"})
