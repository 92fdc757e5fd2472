"""A conversation while everything under it is killed once, or its room is built anew: exact for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from deploy.local.launcher import Stack, local_stack
from schemas.catalog import load_topology
from schemas.chat.views import ROOMS
from streams.core.clients import redis_client
from streams.engine.receipts import Report
from streams.engine.replay import Replay
from tests.chaos.conversation import KINDS, UNLIMITED, People, converse, judged, settled
from tests.chaos.readers import Reader
from tests.chaos.talkers import Talker

pytestmark = pytest.mark.chaos
PATIENCE_S = 180


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform of these tests' own, since they kill it and move its projections."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RATE_LIMITS", UNLIMITED)
        with local_stack(tmp_path_factory.mktemp("talk") / "home", platform=True) as stack:
            yield stack


async def rebuilt(stack: Stack) -> Report:
    """As `kinolog rebuild chat.rooms` does it, but for how long it waits for the worker."""
    redis = redis_client(stack.settings)
    replay = Replay(stack.settings, load_topology(), ROOMS, redis, lambda _: None, follow_s=5.0)
    try:
        return await replay.rebuild()
    finally:
        await replay.close()
        await redis.aclose()


async def test_who_listens_to_a_room_that_is_rebuilt_comes_back_to_all_of_it(own_stack: Stack) -> None:
    """Over sockets and event streams, while they talk: told `moved`, back by themselves, nothing twice."""
    enough, over = asyncio.Event(), asyncio.Event()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        people = People(http, own_stack)
        keys = [await people.join() for _ in range(3)]
        room, url = await people.room(), own_stack.url("chat")
        talkers = [Talker(f"c{n}", http, url, room, keys[n], n) for n in range(3)]
        clients = [*talkers, *(Reader(f"r{n}", http, url, room, keys[n], 9 + n) for n in range(2))]
        talking = [asyncio.create_task(client.talk(4.0, enough, over)) for client in clients]

        async def talked(least: int) -> None:
            """Everybody has heard and been acknowledged so much."""
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    if all(len(t.acknowledged) >= least for t in talkers) and all(c.seen for c in clients):
                        return
                    await asyncio.sleep(0.05)

        await talked(5)
        report = await rebuilt(own_stack)
        assert report.equal
        await talked(max(len(talker.acknowledged) for talker in talkers) + 5)
        enough.set()
        faults = await settled(clients, people, room)
        over.set()
        await asyncio.gather(*talking)
        assert faults + judged(clients, await people.history(room)) == []
    for client in clients:
        assert client.epoch.startswith(f"{report.to_version}-"), client.name
        assert client.gaps >= 1, client.name  # ids of another epoch: it is told that it gets the newest
    for kind in (Talker, Reader):  # who was just coming back for another reason needs not be told
        assert sum(client.counts["moved"] for client in clients if type(client) is kind) > 0


async def test_a_conversation_survives_one_blow_of_every_kind(own_stack: Stack) -> None:
    told = await converse(own_stack, list(KINDS), clients=8, per_s=1.0, pause_s=(0.5, 1.0), seed=3)
    assert told.faults == []
    assert told.messages > 0
    assert sum(told.blows.values()) == len(KINDS)
