"""Who is there, who types: two gateways over one store, at most once a tick, and quiet in large rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import orjson
import pytest

from gateways.chat import live
from gateways.chat.live import HEARTBEAT_S, TICK_S, Live
from gateways.chat.presence import GONE_S, Presence, live_tag
from gateways.core.push import Note
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN, ROOM, Client, FakeHub


class Store:
    """The part of Redis that presence is written to, and its channel."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, bytes]] = {}
        self.hub = FakeHub()
        self._asked: list[Any] = []

    def pipeline(self, transaction: bool = True) -> Store:
        return self

    def hset(self, key: str, field: str, value: bytes) -> None:
        self._asked.append(lambda: self.hashes.setdefault(key, {}).update({field: value}))

    def hdel(self, key: str, field: str) -> None:
        self._asked.append(lambda: self.hashes.get(key, {}).pop(field, None))

    def expire(self, key: str, seconds: int) -> None:
        self._asked.append(lambda: True)

    def hgetall(self, key: str) -> None:
        self._asked.append(lambda: dict(self.hashes.get(key, {})))

    async def execute(self) -> list[Any]:
        asked, self._asked = self._asked, []
        return [each() for each in asked]

    async def execute_command(self, command: str, channel: str, payload: bytes) -> None:
        assert (command, channel) == ("SPUBLISH", live_tag(ROOM))
        for listener in self.hub.listeners:
            listener.hear(Note(payload))


class Names:
    async def names(self, account_ids: Iterable[str]) -> Mapping[str, str | None]:
        return {account_id: account_id[0] * 3 for account_id in account_ids}


class Gateway:
    def __init__(self, store: Store, name: str) -> None:
        loop = asyncio.get_running_loop()
        self.live = Live(
            Presence(store, name), store.hub, Names(), lambda: int(loop.time() * 1000)  # type: ignore[arg-type]
        )  # fmt: skip
        self.task = asyncio.create_task(self.live.run())

    async def stop(self, *, killed: bool = False) -> None:
        if killed:
            self.live._rooms.clear()  # it says goodbye to nobody
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def told(client: Client, kind: str) -> list[dict[str, Any]]:
    return [frame for _, frame in client.frames if frame["type"] == kind]


def test_people_of_two_gateways_are_counted_and_named_together() -> None:
    async def scene() -> None:
        store = Store()
        one, two = Gateway(store, "one"), Gateway(store, "two")
        ann, ben = Client(ANN), Client(BEN)
        with one.live.listening(ROOM, ann):
            with two.live.listening(ROOM, ben), two.live.listening(ROOM, Client(None)):
                await asyncio.sleep(HEARTBEAT_S)
                last = told(ann, "presence")[-1]
                assert (last["count"], [each["id"] for each in last["accounts"]]) == (3, [ANN, BEN])
                assert told(ben, "presence")[-1] == last
            await asyncio.sleep(HEARTBEAT_S)
            assert told(ann, "presence")[-1]["count"] == 1
        await one.stop()
        await two.stop()
        assert store.hashes == {f"{live_tag(ROOM)}:presence": {}}

    played(scene)


def test_who_comes_while_other_rooms_are_left_is_there() -> None:
    async def scene() -> None:
        store, others = Store(), [f"r-{number:032}" for number in range(1, 4)]
        real = store.hub.listen

        @asynccontextmanager
        async def slow(channels: Sequence[str], listener: Any) -> AsyncIterator[None]:
            async with real(channels, listener):
                yield
            await asyncio.sleep(0.1)

        async def nobody_hears(*_: Any) -> None:
            pass

        store.hub.listen, store.execute_command = slow, nobody_hears  # type: ignore[assignment,method-assign]
        one, comer = Gateway(store, "one"), Client(ANN)
        with ExitStack() as there:
            for room in (*others, ROOM):
                there.enter_context(one.live.listening(room, Client(BEN)))
            await asyncio.sleep(1.5 * TICK_S)
        await asyncio.sleep(0.5 * TICK_S + 0.15)  # the first of them is left, the last is not yet
        with one.live.listening(ROOM, comer):
            await asyncio.sleep(HEARTBEAT_S)
            assert told(comer, "presence")
        await one.stop()

    played(scene)


def test_those_of_a_killed_gateway_are_gone_after_a_while() -> None:
    async def scene() -> None:
        store = Store()
        one, two = Gateway(store, "one"), Gateway(store, "two")
        ann = Client(ANN)
        with one.live.listening(ROOM, ann), two.live.listening(ROOM, Client(BEN)):
            await asyncio.sleep(HEARTBEAT_S)
            assert told(ann, "presence")[-1]["count"] == 2
            await two.stop(killed=True)
            await asyncio.sleep(GONE_S + HEARTBEAT_S + TICK_S)
            assert told(ann, "presence")[-1]["count"] == 1
        await one.stop()

    played(scene)


def test_who_types_right_after_coming_in_is_seen_before_the_channel_is_joined() -> None:
    async def scene() -> None:
        gateway = Gateway(Store(), "one")
        ann = Client(ANN)
        with gateway.live.listening(ROOM, ann):
            await gateway.live.typing(ROOM, BEN)
            await gateway.live.read(ROOM, BEN, 7)
            await asyncio.sleep(2 * TICK_S)
            assert [frame["accounts"] for frame in told(ann, "typing")] == [[{"id": BEN, "name": "bbb"}]]
            assert [frame["marks"] for frame in told(ann, "read")] == [{BEN: 7}]
        await gateway.stop()

    played(scene)


def test_typing_and_read_marks_reach_the_others_once_a_tick() -> None:
    async def scene() -> None:
        store = Store()
        one, two = Gateway(store, "one"), Gateway(store, "two")
        ben = Client(BEN)
        with one.live.listening(ROOM, Client(ANN)), two.live.listening(ROOM, ben):
            await asyncio.sleep(2 * TICK_S)
            for n in range(20):
                await one.live.typing(ROOM, ANN)
                await one.live.read(ROOM, ANN, n)
            await asyncio.sleep(2 * TICK_S)
            assert [frame["accounts"] for frame in told(ben, "typing")] == [[{"id": ANN, "name": "aaa"}]]
            assert [frame["marks"] for frame in told(ben, "read")] == [{ANN: 19}]
            assert all(frame["room"] == ROOM for _, frame in ben.frames)
        await one.stop()
        await two.stop()

    played(scene)


def test_a_large_room_turns_the_chatty_signals_off_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIVESTREAM_FROM", 10)
    monkeypatch.setattr(live, "LIVESTREAM_UNTIL", 8)

    async def scene() -> None:
        gateway = Gateway(Store(), "one")
        ann = Client(ANN)
        with gateway.live.listening(ROOM, ann):
            with ExitStack() as crowd:
                for _ in range(10):
                    crowd.enter_context(gateway.live.listening(ROOM, Client(None)))
                await asyncio.sleep(2 * TICK_S)
                assert [frame["on"] for frame in told(ann, "notice")] == [True]
                await gateway.live.typing(ROOM, BEN)
                await asyncio.sleep(2 * TICK_S)
                assert told(ann, "typing") == []
                assert (await gateway.live.now(ROOM))["livestream"] is True
            await asyncio.sleep(2 * TICK_S)
            assert [frame["on"] for frame in told(ann, "notice")] == [True, False]
        await gateway.stop()

    played(scene)


def test_a_crowd_is_a_count_without_names() -> None:
    async def scene() -> None:
        gateway = Gateway(Store(), "one")
        ann = Client(ANN)
        with ExitStack() as crowd:
            crowd.enter_context(gateway.live.listening(ROOM, ann))
            for n in range(60):
                crowd.enter_context(gateway.live.listening(ROOM, Client(f"{n:032x}")))
            await asyncio.sleep(2 * TICK_S)
            last = told(ann, "presence")[-1]
            assert (last["count"], last["accounts"]) == (61, None)
        await gateway.stop()

    played(scene)


def test_signals_cost_nothing_where_nobody_changes_anything() -> None:
    async def scene() -> None:
        store = Store()
        gateway = Gateway(store, "one")
        ann = Client(ANN)
        with gateway.live.listening(ROOM, ann):
            await asyncio.sleep(60)
            assert len(told(ann, "presence")) == 1
            assert orjson.loads(store.hashes[f"{live_tag(ROOM)}:presence"]["one"])["count"] == 1
        await gateway.stop()

    played(scene)


def test_a_tick_that_fails_by_a_bug_is_not_the_last() -> None:
    async def scene() -> None:
        one, client = Gateway(Store(), "one"), Client(ANN)
        tick, failures = one.live.tick, [KeyError("a bug"), RuntimeError()]

        async def failing(now_s: float) -> None:
            if failures:
                raise failures.pop()
            await tick(now_s)

        one.live.tick = failing  # type: ignore[method-assign]
        with one.live.listening(ROOM, client):
            await asyncio.sleep(4 * TICK_S)
            assert told(client, "presence")
        await one.stop()

    played(scene)
