"""Who is erased is gone from the rooms that are open, as soon as their account says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import orjson
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat.forgetting import TICK_S, VERSION_S, Forgetting
from gateways.core.push import Note
from streams.core.sealing import KEPT_S
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN

SOON_S = 2 * TICK_S + KEPT_S


class World:
    """Accounts, their news, and what was forgotten of whom."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {ANN: "active", BEN: "active"}
        self.shown = {ANN, BEN}
        self.forgotten: list[set[str]] = []
        self.names_dropped: list[set[str]] = []
        self.listener: Any = None
        self.watched = 0
        self.version_now = 1
        self.failing = False
        self.error: Exception = RedisConnectionError()
        self.looks = 0

    @asynccontextmanager
    async def watch(self, listener: Any) -> AsyncIterator[None]:
        self.listener = listener
        self.watched += 1
        yield

    async def version(self, _: str) -> int:
        return self.version_now

    async def pin(self, _: Any) -> World:
        if self.failing:
            raise self.error
        return self

    async def get_many(self, keys: list[str]) -> list[Any]:
        self.looks += 1
        return [{"state": self.states[key]} if key in self.states else None for key in keys]

    def authors(self) -> set[str]:
        return self.shown

    def forget(self, account_ids: set[str]) -> None:
        self.forgotten.append(account_ids)

    def tell(self, *keys: str) -> None:
        self.listener.hear(Note(orjson.dumps(keys)))

    @property
    def name(self) -> str:
        return "identity.accounts"


class Names:
    def __init__(self, world: World) -> None:
        self.world = world

    def forget(self, account_ids: set[str]) -> None:
        self.world.names_dropped.append(account_ids)


def scene_with(play: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def scene() -> None:
        world = World()
        forgetting = Forgetting(world.watch, world, world, world, Names(world))  # type: ignore[arg-type]
        task = asyncio.create_task(forgetting.run())
        await asyncio.sleep(SOON_S)
        await play(world)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    played(scene)


def test_only_who_is_erased_is_forgotten_and_not_before_keys_are() -> None:
    async def play(world: World) -> None:
        world.tell(ANN, BEN)
        await asyncio.sleep(SOON_S)
        assert world.forgotten == []
        world.states[ANN] = "erased"
        world.tell(ANN, BEN, "c" * 32)
        await asyncio.sleep(KEPT_S)
        assert world.forgotten == []
        await asyncio.sleep(SOON_S - KEPT_S)
        assert (world.forgotten, world.names_dropped) == ([{ANN}], [{ANN}])
        looks = world.looks
        await asyncio.sleep(60)
        assert (world.looks, len(world.forgotten)) == (looks, 1)

    scene_with(play)


def test_after_a_gap_everybody_who_is_shown_is_looked_at() -> None:
    async def play(world: World) -> None:
        world.states |= {ANN: "erased", "c" * 32: "erased"}
        world.listener.hear(None)
        await asyncio.sleep(SOON_S)
        assert world.forgotten == [{ANN}]

    scene_with(play)


def test_news_that_came_while_the_store_was_away_are_not_lost() -> None:
    async def play(world: World) -> None:
        world.failing = True
        world.states[BEN] = "erased"
        world.tell(BEN)
        await asyncio.sleep(30)
        assert world.forgotten == []
        world.failing = False
        await asyncio.sleep(SOON_S + TICK_S)
        assert world.forgotten == [{BEN}]

    scene_with(play)


def test_a_rebuilt_projection_is_listened_to_instead() -> None:
    async def play(world: World) -> None:
        await asyncio.sleep(3 * VERSION_S)
        assert world.watched == 1
        world.version_now, world.states[ANN] = 2, "erased"
        await asyncio.sleep(VERSION_S + SOON_S)
        assert world.watched == 2
        assert world.forgotten == [{ANN}]

    scene_with(play)


def test_a_bug_does_not_end_it() -> None:
    async def play(world: World) -> None:
        world.failing, world.error = True, KeyError("state")
        world.states[BEN] = "erased"
        world.tell(BEN)
        await asyncio.sleep(3)
        world.failing = False
        await asyncio.sleep(SOON_S + TICK_S)
        assert world.forgotten == [{BEN}]

    scene_with(play)
