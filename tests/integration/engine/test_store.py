"""The store's contract on a real Redis and on a Redis Cluster, and what only these show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from schemas.wiring import REFUSED, REPEATED
from streams.engine.ops import Op
from streams.engine.store import Effects, RedisStore
from tests.unit.engine.store_contract import Make, StoreContract

StoreOf = Callable[..., RedisStore]


class TestOnRedis(StoreContract):
    @pytest.fixture
    def make(self, client: Any, store_of: StoreOf) -> Make:
        return lambda window: store_of(client, window)


class TestOnCluster(StoreContract):
    @pytest.fixture
    def make(self, cluster_client: Any, store_of: StoreOf) -> Make:
        return lambda window: store_of(cluster_client, window)

    async def test_ops_and_outcomes_of_every_partition(self, cluster_client: Any, store_of: StoreOf) -> None:
        store = store_of(cluster_client)
        for partition in range(12):  # some of them on each node
            ops = [Op("ZADD", "recent", 5, "a"), Op("SPUBLISH", "room", b"{}")]
            effects = Effects(0, outcomes={"r": "told"}, ops=ops)
            assert await store.write(partition, -1, effects)
            tag = store.tag(partition)
            assert await cluster_client.get(f"{tag}:outcome:r") == b"told"
            assert await cluster_client.zscore(f"{tag}:recent", "a") == 5


async def test_outcomes_expire(client: Any, store_of: StoreOf) -> None:
    store = store_of(client)
    await store.write(0, -1, Effects(0, outcomes={"r": "told"}))
    assert 0 < await client.ttl(f"{store.tag(0)}:outcome:r") <= 600


async def test_a_repeat_tells_what_became_of_the_request_at_first(client: Any, store_of: StoreOf) -> None:
    store, where = store_of(client), "outcome:r"
    done, repeated = f'{{"type":"{REFUSED}","data":{{}}}}', f'{{"type":"{REPEATED}","data":{{}}}}'
    await store.write(0, -1, Effects(0, outcomes={"s": repeated}))
    assert await client.get(f"{store.tag(0)}:outcome:s") == repeated.encode()
    for fence, outcome in enumerate((done, repeated, repeated)):
        await store.write(0, fence, Effects(fence + 1, outcomes={"r": outcome}))
        told = orjson.loads(await client.get(f"{store.tag(0)}:{where}"))
        assert told == orjson.loads(outcome) | ({"first": REFUSED} if fence else {})


async def test_the_note_reaches_the_partitions_channel(client: Any, store_of: StoreOf) -> None:
    store = store_of(client)
    listener = client.pubsub()
    await listener.ssubscribe(store.tag(4))
    assert (await listener.get_message(timeout=60))["type"] == "ssubscribe"
    await store.write(4, -1, Effects(0, note=orjson.dumps(["k"])))
    message = await listener.get_message(timeout=60)
    assert orjson.loads(message["data"]) == ["k"]
    await listener.aclose()


async def test_an_op_reaches_a_channel_of_its_own_with_what_it_speaks_of(
    client: Any, store_of: StoreOf
) -> None:
    store = store_of(client)
    room = f"{store.tag(4)}:room"
    listener = client.pubsub()
    await listener.ssubscribe(room)
    assert (await listener.get_message(timeout=60))["type"] == "ssubscribe"
    added = Op("XADD", "room", "MAXLEN", "=", 2, "7-0", "d", "seven")
    assert await store.write(4, -1, Effects(7, ops=[added, Op("SPUBLISH", "room", b"seven")]))
    assert (await listener.get_message(timeout=60))["data"] == b"seven"
    assert await client.xrange(room) == [(b"7-0", {b"d": b"seven"})]
    assert not await store.write(4, -1, Effects(8, ops=[Op("SPUBLISH", "room", b"late")]))
    assert await store.write(
        4, 7, Effects(8, ops=[Op("XDEL", "room", "7-0"), Op("SPUBLISH", "room", b"gone")])
    )
    assert (await listener.get_message(timeout=60))["data"] == b"gone"
    assert await client.xlen(room) == 0
    await listener.aclose()


async def test_a_lost_script_cache_is_no_fault(client: Any, store_of: StoreOf) -> None:
    store = store_of(client)
    await store.write(0, -1, Effects(0))
    await client.script_flush()
    assert (await store.read(0, [])).fence == 0
    assert await store.write(0, 0, Effects(1))
