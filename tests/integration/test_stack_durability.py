"""What a server has acknowledged is there after a restart and after a SIGKILL. A stack of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.local.control import OrderFailed
from deploy.local.launcher import Stack, local_stack
from streams.core.objects import ObjectStore

TOPIC = "media.asset.requests.dlq"  # one partition; nobody reads it here


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers that this module may kill."""
    with local_stack(tmp_path_factory.mktemp("durable") / "home") as stack:
        yield stack


@pytest.fixture(params=["SIGKILL", "restart"])
def interrupted(request: pytest.FixtureRequest, own_stack: Stack) -> Any:
    """Ends and starts one server of the stack, in one of two ways."""

    def interrupt(name: str) -> None:
        if request.param == "SIGKILL":
            own_stack.kill(name)
        else:
            own_stack.halt(name)
        own_stack.resume(name)

    return interrupt


def test_kafka_keeps_acknowledged_records(own_stack: Stack, interrupted: Any) -> None:
    bootstrap = {"bootstrap.servers": own_stack.env["KAFKA_BOOTSTRAP_SERVERS"]}
    producer = Producer(bootstrap | {"acks": "all", "enable.idempotence": True})
    offsets: list[int] = []
    for number in range(500):
        producer.produce(
            TOPIC, str(number), on_delivery=lambda _error, record: offsets.append(record.offset())
        )
    assert producer.flush(60) == 0
    interrupted("kafka")
    consumer = Consumer(bootstrap | {"group.id": "durability", "enable.auto.commit": False})
    consumer.assign([TopicPartition(TOPIC, 0, offsets[0])])
    values: list[str] = []
    while len(values) < 500:
        records = consumer.consume(500, timeout=60)
        assert records, f"only {len(values)} of 500 records came back"
        values += [record.value().decode() for record in records]
    consumer.close()
    assert values == [str(number) for number in range(500)]


def test_redis_keeps_acknowledged_writes(own_stack: Stack, interrupted: Any) -> None:
    client = redis.Redis.from_url(own_stack.env["REDIS_URL"])
    client.delete("durable")
    for number in range(500):
        client.hset("durable", str(number), number)
    interrupted("redis")
    assert client.hlen("durable") == 500


def test_clickhouse_keeps_acknowledged_inserts(own_stack: Stack, interrupted: Any) -> None:
    dsn = own_stack.env["CLICKHOUSE_URL"]
    client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
    client.command("CREATE OR REPLACE TABLE durable (a UInt64) ENGINE = MergeTree ORDER BY a")
    for number in range(20):
        client.insert("durable", [[number * 100 + row] for row in range(100)], column_names=["a"])
    interrupted("clickhouse")
    client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
    assert client.query("SELECT count(), uniqExact(a) FROM durable").result_rows == [(2000, 2000)]


async def test_objects_are_kept(own_stack: Stack, interrupted: Any) -> None:
    async with ObjectStore(own_stack.settings) as objects:
        for number in range(30):
            await objects.put(f"durable/{number}", b"x" * 100_000, "video/mp4")
        interrupted("s3")
        assert len([entry async for entry in objects.list("durable/")]) == 30
        assert await objects.get("durable/29") == b"x" * 100_000


def test_an_order_for_nobody_names_who_there_is(own_stack: Stack) -> None:
    with pytest.raises(OrderFailed, match="no process called 'postgres': there are kafka, redis"):
        own_stack.halt("postgres")


def test_a_new_supervisor_finds_the_same_data(tmp_path: Path) -> None:
    with local_stack(tmp_path / "home") as first:
        redis.Redis.from_url(first.env["REDIS_URL"]).set("kept", "yes")
        ports, credentials = first.ports, first.credentials
    with local_stack(tmp_path / "home", ports) as second:
        assert second.credentials == credentials
        assert redis.Redis.from_url(second.env["REDIS_URL"]).get("kept") == b"yes"
