"""Answers that many ask for at once are found once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.analytics import sharing
from gateways.analytics.sharing import Shared


class Finder:
    """Finds when it is let."""

    def __init__(self) -> None:
        self.times = 0
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self.failing: Exception | None = None

    async def __call__(self) -> dict[str, Any]:
        self.times += 1
        self.began.set()
        await self.go.wait()
        if self.failing:
            raise self.failing
        return {"number": self.times}


async def test_one_process_finds_once(redis: Redis) -> None:
    shared, find = Shared(redis, lambda: 100.5), Finder()
    asking = [asyncio.create_task(shared.answer(["q", 1], find)) for _ in range(50)]
    other = asyncio.create_task(shared.answer(["q", 2], find))
    await asyncio.sleep(0)
    find.go.set()
    answers = await asyncio.gather(*asking)
    await other
    assert find.times == 2
    assert answers[0] == {"number": answers[0]["number"], "as_of_ms": 100_500}
    assert all(answer == answers[0] for answer in answers)


async def test_gateways_find_once_together(redis: Redis) -> None:
    first, second, find, never = (
        Shared(redis, lambda: 100.0),
        Shared(redis, lambda: 100.9),
        Finder(),
        Finder(),
    )
    asking = asyncio.create_task(first.answer("q", find))
    await find.began.wait()
    waiting = asyncio.create_task(second.answer("q", never))
    find.go.set()
    assert await asking == await waiting == {"number": 1, "as_of_ms": 100_000}
    assert await second.answer("q", never) == await asking
    assert never.times == 0


async def test_what_is_newer_is_found_anew(redis: Redis) -> None:
    now_s, find = [100.0], Finder()
    find.go.set()
    shared = Shared(redis, lambda: now_s[0])
    assert (await shared.answer("q", find))["number"] == 1
    now_s[0] = 101.9
    assert (await shared.answer("q", find))["number"] == 1
    now_s[0] = 102.0
    assert (await shared.answer("q", find))["number"] == 2


async def test_a_failure_is_nobody_elses(redis: Redis) -> None:
    shared, find = Shared(redis, lambda: 100.0), Finder()
    find.go.set()
    find.failing = OSError("away")
    with pytest.raises(OSError, match="away"):
        await shared.answer("q", find)
    find.failing = None
    assert (await shared.answer("q", find))["number"] == 2


async def test_who_gives_up_leaves_the_answer_to_the_others(redis: Redis) -> None:
    shared, find = Shared(redis, lambda: 100.0), Finder()
    leaving, staying = (asyncio.create_task(shared.answer("q", find)) for _ in range(2))
    await find.began.wait()
    leaving.cancel()
    find.go.set()
    assert (await staying)["number"] == 1


async def test_without_redis_each_finds_its_own() -> None:
    class Away:
        async def get(self, _: str) -> None:
            raise RedisConnectionError("away")

        async def set(self, *_: Any, **__: Any) -> None:
            raise RedisConnectionError("away")

        delete = get

    find = Finder()
    find.go.set()
    assert (await Shared(Away(), lambda: 100.0).answer("q", find))["number"] == 1


async def test_a_gateway_that_died_while_finding_is_not_waited_for(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "MAKING_MS", 50)
    first, second, stuck, find = Shared(redis, lambda: 1.0), Shared(redis, lambda: 1.0), Finder(), Finder()
    dead = asyncio.create_task(first.answer("q", stuck))
    await stuck.began.wait()
    find.go.set()
    assert (await second.answer("q", find))["number"] == 1
    dead.cancel()
