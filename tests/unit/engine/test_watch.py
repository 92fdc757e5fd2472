"""The watch ends a process whose store lost its end, also where no record arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

import pytest

from streams.engine.store import Effects
from streams.engine.watch import Watch, Watched
from tests.chaos import mutations
from tests.unit.engine.model import ModelStore


class Ended(Exception):
    """The process would be gone."""


def end(why: str) -> NoReturn:
    raise Ended(why)


def watched(
    store: ModelStore,
    applied: Mapping[int, int],
    version: int = 1,
    look: Callable[[], None] = lambda: None,
) -> Watched:
    """An agent of this store; `look()` is called at each look at it."""

    async def fences(seen: Mapping[int, int]) -> dict[int, int]:
        look()
        return {partition: await store.fence(partition) for partition in seen}

    async def current() -> int:
        return version

    return Watched("media.library", applied, fences, 1, current, period_s=0.0)


async def run_for(one: Watched, looked: asyncio.Event) -> None:
    """The watch until it ends the process, or until `looked`: then it saw nothing."""
    watch = asyncio.create_task(Watch([one], end).run())
    enough = asyncio.create_task(looked.wait())
    await asyncio.wait((watch, enough), return_when=asyncio.FIRST_COMPLETED)
    enough.cancel()
    if watch.done():
        watch.result()
    watch.cancel()


async def idle_process(looks: int) -> None:
    """A process that applied up to 9; at its third look the store has only 5. Ends after some looks."""
    store, looked = ModelStore(), asyncio.Event()
    await store.write(2, -1, Effects(5))
    saved = store.saved()
    await store.write(2, 5, Effects(9))
    turns = iter(range(looks))

    def look() -> None:
        turn = next(turns, None)
        if turn == 2:
            store.restore(saved)
        if turn is None:
            looked.set()

    await run_for(watched(store, {0: -1, 2: 9}, look=look), looked)


async def test_a_store_that_lost_its_end_ends_an_idle_process() -> None:
    with pytest.raises(Ended, match=r"media.library\[2\]: the fence went back from 9 to 5"):
        await idle_process(looks=20)


async def test_nothing_happens_while_all_is_well() -> None:
    await idle_process(looks=2)


async def test_the_rule_taken_away_is_what_the_chaos_runs_take_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever renames what `mutations.without_watch` replaces would make that run prove nothing."""
    monkeypatch.setattr(Watch, "_look", Watch._look)  # undone afterwards
    mutations.without_watch()
    await Watch([], end)._look(watched(ModelStore(), {2: 9}))


async def test_a_partition_that_left_is_not_watched() -> None:
    """It may be anywhere by now: its new process applies to it, or a FLUSHALL hit it, which is theirs."""
    applied = {2: 9}

    async def fences(seen: Mapping[int, int]) -> dict[int, int]:
        applied.clear()  # revoked while the store was asked
        return dict.fromkeys(seen, 5)

    async def current() -> int:
        return 1

    await Watch([], end)._look(Watched("a", applied, fences, 1, current))


async def test_a_fence_that_another_process_moved_is_no_fault() -> None:
    store = ModelStore()
    await store.write(2, -1, Effects(12))
    await Watch([], end)._look(watched(store, {2: 9}))


async def test_a_pointer_that_went_over_ends_the_process() -> None:
    with pytest.raises(Ended, match="readers went over from version 1 to 2"):
        await Watch([watched(ModelStore(), {}, version=2)], end).run()


async def test_one_store_that_is_away_does_not_stop_the_other_looks() -> None:
    async def away(seen: Mapping[int, int]) -> dict[int, int]:
        return await asyncio.get_running_loop().create_future()

    async def current() -> int:
        return 1

    waiting = Watched("log.x", {0: 1}, away, 1, current, period_s=0.0)
    lost = watched(ModelStore(), {2: 9})
    with pytest.raises(Ended, match="from 9 to -1"):
        await Watch([waiting, lost], end).run()
