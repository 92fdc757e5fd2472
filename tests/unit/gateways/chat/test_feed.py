"""A room's feed: everything once and in order, whatever is lost, and at a pace that all can bear."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import orjson
import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat.delivery import FLUSH_BYTES, PACE_S, QUICKEST_PACE_S, SLOWEST_PACE_S, WRITES_AT_ONCE
from gateways.chat.feed import BACKOFF_S, RECHECK_S, RENEWED_S
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN, Client, Stage, delta


def test_the_first_after_a_quiet_moment_goes_at_once_and_others_together() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        await asyncio.sleep(1)
        began_s = asyncio.get_running_loop().time()
        stage.say(delta(0))
        await asyncio.sleep(0.001)
        stage.say(*(delta(n) for n in range(1, 10)))
        await asyncio.sleep(1)
        waited_s = [round(at_s - began_s, 3) for at_s, _ in client.frames]
        assert client.ids == list(range(10))
        assert waited_s == [0.0, QUICKEST_PACE_S]
        await stage.feed.close()

    played(scene)


def test_a_room_of_some_size_is_written_to_ten_times_a_second() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        client.work_s = 0.01
        for n in range(100):
            stage.say(delta(n))
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        assert client.ids == list(range(100))
        times = [at_s for at_s, _ in client.frames]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert all(PACE_S - 0.001 <= gap <= PACE_S + 0.05 for gap in gaps)
        await stage.feed.close()

    played(scene)


def test_a_room_that_takes_long_to_write_to_is_written_to_less_often() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        client.work_s = 0.1  # as long as a very large room's
        for n in range(40):
            stage.say(delta(n))
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        assert client.ids == list(range(40))
        times = [at_s for at_s, _ in client.frames]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert all(0.3 <= gap <= SLOWEST_PACE_S + 0.2 for gap in gaps)
        await stage.feed.close()

    played(scene)


@pytest.mark.parametrize("heard", [True, False])
def test_a_flood_comes_whole_and_in_parts_that_a_client_can_take(heard: bool) -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        flood = [delta(n, text="x" * 500) for n in range(2500 if heard else 900)]
        stage.say(*flood, heard=heard)
        if not heard:
            stage.hub.break_off()
        await asyncio.sleep(30)
        assert client.ids == list(range(len(flood)))
        sizes = [len(orjson.dumps(frame)) for _, frame in client.frames]
        assert max(sizes) < FLUSH_BYTES + 2000
        gaps = [after - before for (before, _), (after, _) in itertools.pairwise(client.frames)]
        assert min(gaps[:-1]) >= PACE_S - 0.001
        assert gaps[-1] >= QUICKEST_PACE_S - 0.001
        await stage.feed.close()

    played(scene)


def test_what_was_not_heard_is_read_as_soon_as_the_next_is_heard() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        stage.say(delta(0))
        stage.say(delta(1), delta(2), heard=False)
        stage.say(delta(3))
        await asyncio.sleep(1)
        assert client.ids == [0, 1, 2, 3]
        await stage.feed.close()

    played(scene)


def test_what_was_not_heard_at_all_is_read_in_a_while() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        stage.say(delta(0), heard=False)
        await asyncio.sleep(RECHECK_S + 1)
        assert client.ids == [0]
        await stage.feed.close()

    played(scene)


def test_after_the_hub_broke_off_everything_is_read_again() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        stage.say(delta(0), heard=False)
        stage.hub.break_off()
        await asyncio.sleep(1)
        assert client.ids == [0]
        await stage.feed.close()

    played(scene)


def test_a_store_that_stumbles_costs_time_and_nothing_else() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        stage.stream.failing = [RedisConnectionError(), RedisConnectionError()]
        stage.say(delta(0), heard=False)
        stage.hub.break_off()
        await asyncio.sleep(5)
        assert client.ids == [0]
        assert stage.stream.failing == []
        await stage.feed.close()

    played(scene)


def test_a_part_that_was_forgotten_meanwhile_is_a_gap_that_is_told() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(*(delta(n) for n in range(5)))
        await stage.feed.open()
        client = stage.join(Client())
        stage.stream.deltas = [delta(n) for n in range(100, 110)]
        stage.hub.break_off()
        await asyncio.sleep(1)
        kinds = [frame["type"] for _, frame in client.frames]
        assert kinds == ["gap", "batch"]
        assert client.frames[0][1]["after"] == 4
        assert client.ids == list(range(100, 110))
        assert stage.feed.since(4, BEN) is None
        await stage.feed.close()

    played(scene)


def test_what_only_left_the_stream_because_it_is_hidden_is_no_gap() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0))
        await stage.feed.open()
        client = stage.join(Client())
        stage.stream.deltas.append(delta(9))  # of 1 to 8 nothing is left to show
        stage.hub.break_off()
        await asyncio.sleep(1)
        assert [frame["type"] for _, frame in client.frames] == ["batch"]
        assert client.ids == [9]
        await stage.feed.close()

    played(scene)


def test_what_is_for_one_account_reaches_all_of_its_clients_and_nobody_else() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        ann, anns_phone, ben, nobody = (stage.join(Client(who)) for who in (ANN, ANN, BEN, None))
        stage.say(delta(0), delta(1, only=ANN), delta(2))
        await asyncio.sleep(1)
        assert sorted(ann.ids) == sorted(anns_phone.ids) == [0, 1, 2]
        assert ben.ids == nobody.ids == [0, 2]
        recovered = {who: len(stage.feed.since(-1, who) or ()) for who in (ANN, BEN, None)}
        assert recovered == {ANN: 3, BEN: 2, None: 2}
        await stage.feed.close()

    played(scene)


def test_who_comes_in_gets_everything_once() -> None:
    """What a client is told when it comes in, and what is written to it then, is the log without a seam."""

    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        joined: list[tuple[int, list[int], Client]] = []
        for n in range(60):
            stage.say(delta(n))
            await asyncio.sleep(0.007)
            before = [int(wire.split(b":")[1].split(b",")[0]) for wire in stage.feed.since(-1, BEN) or ()]
            joined.append((stage.feed.last, before, stage.join(Client())))
        await asyncio.sleep(1)
        for last, before, client in joined:
            assert before == list(range(last + 1))
            assert before + client.ids == list(range(60))
        await stage.feed.close()

    played(scene)


def test_who_leaves_while_a_large_room_is_written_to_gets_no_more_of_it() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()

        class Leaver(Client):
            def write(self, frame: bytes) -> None:
                super().write(frame)
                asyncio.get_running_loop().call_soon(stage.feed.listeners.clear)

        clients = [stage.join(Leaver()) for _ in range(2 * WRITES_AT_ONCE)]
        stage.say(delta(0))
        await asyncio.sleep(1)
        assert sum(len(client.frames) for client in clients) == WRITES_AT_ONCE
        await stage.feed.close()

    played(scene)


def test_who_was_erased_leaves_the_window_of_an_open_room_too() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0), delta(1, account_id=BEN))
        await stage.feed.open()
        client = stage.join(Client())
        stage.erased.add(ANN)
        await asyncio.sleep(RENEWED_S + RECHECK_S + 1)
        assert [each["message_id"] for each in stage.feed.messages(None)] == ["m1"]
        stage.say(delta(2, account_id=BEN))
        await asyncio.sleep(1)
        assert client.ids == [2]
        assert stage.feed.last == 2
        await stage.feed.close()

    played(scene)


def test_what_is_forgotten_leaves_at_once_when_it_is_told() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0), delta(1, account_id=BEN))
        await stage.feed.open()
        stage.erased.add(ANN)
        assert stage.feed.shows({ANN})
        assert not stage.feed.shows({"c" * 32})
        stage.feed.renew()
        await asyncio.sleep(0.01)
        assert [each["message_id"] for each in stage.feed.messages(None)] == ["m1"]
        assert not stage.feed.shows({ANN})
        reads = stage.stream.reads
        await asyncio.sleep(RECHECK_S - 1)
        assert stage.stream.reads == reads  # it was done, and is not done again
        await stage.feed.close()

    played(scene)


def test_what_could_not_be_forgotten_at_once_is_tried_again() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0), delta(1, account_id=BEN))
        await stage.feed.open()
        stage.erased.add(ANN)
        stage.stream.failing = [RedisConnectionError()]
        stage.feed.renew()
        await asyncio.sleep(2 * BACKOFF_S)
        assert [each["message_id"] for each in stage.feed.messages(None)] == ["m1"]
        stage.erased.add(BEN)
        held = stage.stream.deltas.pop()  # trimmed, and what took its place is not heard of yet
        stage.feed.renew()
        await asyncio.sleep(BACKOFF_S / 2)
        assert [each["message_id"] for each in stage.feed.messages(None)] == ["m1"]
        stage.stream.deltas.append(held)
        await asyncio.sleep(BACKOFF_S)
        assert stage.feed.messages(None) == []
        await stage.feed.close()

    played(scene)


def test_who_is_erased_while_a_room_opens_is_not_overlooked() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0))
        opening = asyncio.create_task(stage.feed.open())
        assert stage.feed.shows({ANN})  # nobody knows yet
        stage.feed.renew()
        await opening
        stage.erased.add(ANN)
        await asyncio.sleep(1)
        assert stage.feed.messages(None) == []
        await stage.feed.close()

    played(scene)


def test_many_who_come_at_once_cost_one_reading() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(*(delta(n) for n in range(100)))
        await asyncio.gather(*(stage.feed.open() for _ in range(500)))
        assert stage.stream.reads == 1
        await stage.feed.close()

    played(scene)


def test_listeners_are_asked_again_when_readers_change() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.feed.open()
        client = stage.join(Client())
        stage.say(delta(0))
        await asyncio.sleep(1)
        assert client.rechecked == 0
        stage.say(delta(1, "membership", account_ids=[BEN], added=False))
        await asyncio.sleep(1)
        assert client.rechecked == 1
        await stage.feed.close()

    played(scene)


def test_a_poisonous_delta_is_skipped_and_the_room_goes_on_also_when_it_is_opened_anew() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.say(delta(0), delta(1))
        stage.poison = {1, 3}
        await stage.feed.open()
        client = stage.join(Client())
        stage.say(delta(2), delta(3), delta(4))
        await asyncio.sleep(1)
        assert client.ids == [2, 4]
        stage.feed.renew()
        await asyncio.sleep(1)
        stage.say(delta(5))
        await asyncio.sleep(1)
        assert client.ids == [2, 4, 5]
        assert [each["id"] for each in stage.feed.messages(BEN)] == [0, 2, 4, 5]
        await stage.feed.close()

    with structlog.testing.capture_logs() as lines:
        played(scene)
    skipped = [line for line in lines if line["event"] == "a delta is skipped"]
    assert {line["delta"] for line in skipped} == {1, 3}
    assert all(line["log_level"] == "error" and line["traceback"] for line in skipped)
    assert "text 3" not in str(lines)


def test_a_bug_anywhere_else_is_passed_by_after_a_pause() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.stream.failing = [RuntimeError("a bug")]
        await stage.feed.open()
        client = stage.join(Client())
        stage.stream.failing = [ValueError("another"), RuntimeError("a bug")]
        stage.hub.break_off()
        stage.say(delta(0))
        await asyncio.sleep(3 * BACKOFF_S)
        assert client.ids == [0]
        await stage.feed.close()

    played(scene)


def test_a_room_that_cannot_be_listened_to_at_first_is_later() -> None:
    async def scene() -> None:
        stage = Stage()
        listen, failures = stage.hub.listen, [RedisConnectionError(), RuntimeError()]

        def listening(*what: Any) -> Any:
            if failures:
                raise failures.pop()
            return listen(*what)

        stage.hub.listen = listening  # type: ignore[method-assign]
        stage.say(delta(0))
        await stage.feed.open()
        assert [each["id"] for each in stage.feed.messages(BEN)] == [0]
        await stage.feed.close()

    played(scene)
