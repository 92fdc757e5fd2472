"""The rooms of a process: opened once, closed a while after the last, and given up when they are rebuilt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateways.chat.feeds import KEPT_S, SWEEP_ROUNDS, VERSION_S, Feeds, RoomAway
from gateways.chat.welcome import NEWEST, PART_BYTES, honest, welcome
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN, ROOM, Client, FakeHub, Stage, as_they_are, delta

DOCUMENT: dict[str, Any] = {
    "room_id": ROOM, "settings": {"access": "public"}, "pinned": [], "reactions": {}, "asset_id": None,
    "owner_id": BEN,
}  # fmt: skip


class Redis:
    """One room's stream."""

    def __init__(self) -> None:
        self.failing = False

    async def xrange(self, key: str, min: str = "-", max: str = "+", count: int | None = None) -> list[Any]:
        if self.failing:
            raise ConnectionError
        return [(b"0-0", {b"d": orjson.dumps(delta(0))})] if min == "-" else []


class World:
    def __init__(self) -> None:
        self.version_now, self.open_to_all, self.owner = 1, True, BEN
        self.redis, self.hub = Redis(), FakeHub()
        reader = SimpleNamespace(pin=self.pin, version=self.version)
        self.feeds = Feeds(
            reader, SimpleNamespace(name="chat.rooms"), self.redis, self.hub, as_they_are,  # type: ignore[arg-type]
            everybodys=self.everybodys, follow=self.follow, owned=self.owned,
        )  # fmt: skip
        self.changed: Callable[[], Awaitable[None]] | None = None

    async def follow(self, room_id: str, changed: Callable[[], Awaitable[None]]) -> None:
        self.changed = changed
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.changed = None

    async def everybodys(self, _: Any) -> bool:
        return self.open_to_all

    async def owned(self, room: Any) -> Any:
        return {**room, "owner_id": self.owner}

    async def version(self, _: str) -> int:
        return self.version_now

    async def pin(self, _: Any) -> Any:
        async def get(key: str) -> Any:
            return DOCUMENT

        projection = SimpleNamespace(partitions=12)
        return SimpleNamespace(
            version=self.version_now, projection=projection, tag_of=lambda _: "{tag}", get=get
        )


def test_clients_of_a_rebuilt_room_are_told_to_subscribe_again() -> None:
    async def scene() -> None:
        world, client = World(), Client()
        running = asyncio.create_task(world.feeds.run())
        async with world.feeds.listening(ROOM, client) as before:
            world.version_now = 2
            await asyncio.sleep(VERSION_S + 1)
            assert [frame for _, frame in client.frames] == [{"type": "moved", "room": ROOM}]
            assert before.over
            async with world.feeds.listening(ROOM, client) as after:
                assert (before.source.epoch, after.source.epoch) == ("1-12", "2-12")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    played(scene)


def test_a_room_stays_open_for_a_while_after_the_last_has_left() -> None:
    async def scene() -> None:
        world = World()
        async with world.feeds.listening(ROOM, Client()) as first:
            pass
        await asyncio.sleep(KEPT_S / 2)
        async with world.feeds.listening(ROOM, Client()) as second:
            assert second is first
            await asyncio.sleep(2 * KEPT_S)
            assert not first.over
        await asyncio.sleep(KEPT_S + 1)
        assert first.over
        assert world.hub.listeners == []

    played(scene)


def test_a_room_that_cannot_be_read_is_away_and_comes_back() -> None:
    async def scene() -> None:
        world = World()
        world.redis.failing = True
        with pytest.raises(RoomAway):
            await world.feeds.feed(ROOM)
        world.redis.failing = False
        assert (await world.feeds.feed(ROOM)).last == 0

    played(scene)


def test_who_listens_to_a_room_that_is_not_everybodys_is_asked_again() -> None:
    async def scene() -> None:
        world, client = World(), Client()
        running = asyncio.create_task(world.feeds.run())
        async with world.feeds.listening(ROOM, client):
            await asyncio.sleep(VERSION_S * SWEEP_ROUNDS + 1)
            assert client.rechecked == 0
            world.open_to_all = False
            await asyncio.sleep(VERSION_S * SWEEP_ROUNDS)
            assert client.rechecked == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    played(scene)


def test_listeners_are_asked_again_as_soon_as_the_film_beside_the_room_changed() -> None:
    async def scene() -> None:
        world, client = World(), Client()
        running = asyncio.create_task(world.feeds.run())
        async with world.feeds.listening(ROOM, client) as feed:
            assert world.changed is not None
            await world.changed()
            assert client.rechecked == 0  # it is still everybody's
            world.open_to_all = False
            await world.changed()
            assert client.rechecked == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert feed.over
        assert world.changed is None

    played(scene)


def test_whose_a_room_is_follows_its_film() -> None:
    async def scene() -> None:
        world = World()
        feed = await world.feeds.feed(ROOM)
        await asyncio.sleep(1)
        assert feed.room is not None
        assert feed.room["owner_id"] == BEN
        world.owner = ANN
        assert world.changed is not None
        await world.changed()
        await asyncio.sleep(0.1)
        assert feed.room["owner_id"] == ANN
        await feed.close()

    played(scene)


def test_rooms_know_who_is_shown_in_them_and_forget_who_is_erased() -> None:
    async def scene() -> None:
        world = World()
        feed = await world.feeds.feed(ROOM)
        assert world.feeds.authors() == {ANN, BEN}
        renewed: list[Any] = []
        told: list[Any] = []
        feed.tell = told.append  # type: ignore[method-assign]
        feed.renew = lambda: renewed.append(feed)  # type: ignore[method-assign]
        world.feeds.forget({"c" * 32})
        assert renewed == []
        world.feeds.forget({BEN})  # the owner: the room's title is theirs
        world.feeds.forget({ANN})
        assert renewed == [feed, feed]
        # A page may show more than the window holds.
        assert [each["account_ids"] for each in told] == [["c" * 32], [BEN], [ANN]]
        await feed.close()

    played(scene)


def welcomed(stage: Stage, since: Any, account_id: str | None = BEN) -> list[dict[str, Any]]:
    return [orjson.loads(part) for part in welcome(stage.feed, DOCUMENT, {}, since, account_id, {})]  # type: ignore[arg-type]


def test_much_that_was_missed_comes_in_parts_that_can_be_gone_on_from() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(*(delta(n, text="x" * 2000) for n in range(300)))
        await stage.feed.open()
        parts = welcomed(stage, {"epoch": "1-12", "id": 9})
        assert [part["type"] for part in parts] == ["subscribed", *["batch"] * (len(parts) - 1)]
        assert len(parts) > 5
        assert all(len(orjson.dumps(part)) < PART_BYTES + 4096 for part in parts)
        assert parts[0]["id"] == parts[0]["items"][-1]["id"]
        assert [item["id"] for part in parts for item in part["items"]] == list(range(10, 300))
        await stage.feed.close()

    played(scene)


def test_an_id_that_nobody_has_said_is_a_gap_and_one_of_a_gateway_ahead_is_none() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(*(delta(n) for n in range(10)))
        await stage.feed.open()
        stage.say(delta(10), heard=False)
        for after, recovered in ((9, True), (10, True), (11, False), (10**17, False)):
            [part] = welcomed(stage, await honest(stage.feed, {"epoch": "1-12", "id": after}))
            assert (part["recovered"], part["gap"]) == (recovered, not recovered)
        other = {"epoch": "2-12", "id": 10**17}
        assert await honest(stage.feed, other) == other
        assert await honest(stage.feed, None) is None
        await stage.feed.close()

    played(scene)


@pytest.mark.parametrize(
    ("since", "recovered", "gap"),
    [
        (None, False, False), ({"epoch": "1-12", "id": 5}, True, False),
        ({"epoch": "1-12", "id": -1}, True, False), ({"epoch": "2-12", "id": 5}, False, True),
        ({"epoch": "1-12"}, False, True), ("nonsense", False, True),
        ({"epoch": "1-12", "id": "5"}, False, True), ([], False, True),
    ],
)  # fmt: skip
def test_what_was_missed_is_whole_or_a_gap_that_is_told(since: Any, recovered: bool, gap: bool) -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(*(delta(n) for n in range(100)), delta(100, only=ANN))
        await stage.feed.open()
        [part] = welcomed(stage, since)
        assert (part["recovered"], part["gap"], part["id"]) == (recovered, gap, 100)
        expected = range(since["id"] + 1, 100) if recovered else range(101 - NEWEST, 100)
        assert [item["id"] for item in part["items"]] == list(expected)
        await stage.feed.close()

    played(scene)
