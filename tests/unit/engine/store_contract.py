"""What every store must do. Run over the model and, on the real servers, over Redis and Redis Cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streams.engine.ops import Op
from streams.engine.store import Effects, Store

Make = Callable[[int], Store]  # window -> a store with keys of its own


class StoreContract:
    """Inherit, and give a `make` fixture."""

    async def test_an_unknown_partition_has_no_fence(self, make: Make) -> None:
        view = await make(0).read(3, ["k"])
        assert (view.fence, view.marks, view.states) == (-1, {}, {})

    async def test_what_is_written_is_read_together(self, make: Make) -> None:
        store = make(0)
        marks = {b"agent|topic|0": 5 << 16 | 2}
        assert await store.write(0, -1, Effects(7, marks=marks, states={"k": b"{}", "other": b"1"}))
        view = await store.read(0, ["k", "unknown"])
        assert (view.fence, view.marks, view.states) == (7, marks, {"k": b"{}"})
        assert await store.fence(0) == 7
        assert await store.fence(1) == -1

    async def test_a_moved_fence_refuses_everything(self, make: Make) -> None:
        store = make(0)
        await store.write(0, -1, Effects(3, states={"k": b"first"}))
        for expected in (-1, 2, 4):
            late = Effects(9, {b"m": 1}, {"k": b"late"}, ops=[Op("RPUSH", "list", "x")])
            assert not await store.write(0, expected, late)
        view = await store.read(0, ["k"])
        assert (view.fence, view.marks, view.states) == (3, {}, {"k": b"first"})

    async def test_a_state_of_none_is_deleted(self, make: Make) -> None:
        store = make(0)
        await store.write(0, -1, Effects(0, states={"k": b"1", "kept": b"2"}))
        await store.write(0, 0, Effects(1, states={"k": None}))
        assert (await store.read(0, ["k", "kept"])).states == {"kept": b"2"}

    @pytest.mark.parametrize("document", [bytes(range(256)), b"", b"\x00", '"ü\u2028'.encode()])
    async def test_bytes_stay_bytes(self, make: Make, document: bytes) -> None:
        store = make(0)
        await store.write(0, -1, Effects(0, states={"schlüssel": document}))
        assert (await store.read(0, ["schlüssel"])).states == {"schlüssel": document}

    async def test_ten_thousand_states_fit_one_write(self, make: Make) -> None:
        store = make(0)
        states: dict[str, bytes | None] = {f"k{n}": str(n).encode() for n in range(10_000)}
        assert await store.write(0, -1, Effects(0, states=states))
        assert (await store.read(0, ["k9999", "k0"])).states == {"k9999": b"9999", "k0": b"0"}

    async def test_requests_in_the_window_are_known(self, make: Make) -> None:
        store = make(10)
        await store.write(0, -1, Effects(0, seen={"r1": 100, "r2": 101}, block=0, floor=-1))
        view = await store.read(0, [], ["r1", "r3", "r2"], 0)
        assert (view.seen, view.floor) == ({"r1", "r2"}, -1)

    async def test_the_window_is_cut_where_a_block_begins(self, make: Make) -> None:
        store = make(3)
        seen = {f"r{n}": 100 + n for n in range(5)}
        await store.write(0, -1, Effects(4, seen=seen, block=0, floor=-1))
        in_block = await store.read(0, [], list(seen), 0)
        assert (in_block.seen, in_block.floor) == (set(seen), -1)
        beyond = await store.read(0, [], list(seen), 1)
        assert (beyond.seen, beyond.floor) == ({"r2", "r3", "r4"}, 101)

    async def test_looking_and_cutting_agree(self, make: Make) -> None:
        """A read that looks past a block's begin, and one after a write that cut there, see the same."""
        store = make(3)
        seen = {f"r{n}": 100 + n // 2 for n in range(7)}
        await store.write(0, -1, Effects(4, seen=seen, block=0, floor=-1))
        looked = await store.read(0, [], list(seen), 2)
        await store.write(0, 4, Effects(5, seen={}, block=2, floor=looked.floor))
        cut = await store.read(0, [], list(seen), 2)
        assert (cut.seen, cut.floor) == (looked.seen, looked.floor)
