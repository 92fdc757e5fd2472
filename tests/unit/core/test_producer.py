"""Producers, on librdkafka's own mock broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from deploy.log_reader import Entry, LogReader, entry_of
from schemas.errors import EncodeError
from schemas.headers import output_headers
from schemas.keys import partition_of
from schemas.wire import encode
from streams.core import tracing
from streams.core.producer import (
    EventProducer,
    EventTooLarge,
    LogUnavailable,
    OutputProducer,
    Position,
    Record,
)
from streams.core.settings import Settings

TYPE = "kinolog.engine.TimerDue"
DATA = {"timer_id": "t", "due_at_ms": 5, "note": "n"}
TOPIC = "media.asset.requests"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    cluster = Producer({"test.mock.num.brokers": 1})
    [address] = [f"{b.host}:{b.port}" for b in cluster.list_topics(timeout=60).brokers.values()]
    yield address
    cluster.flush(0)


@pytest.fixture
def settings(broker: str) -> Settings:
    return Settings(kafka_bootstrap_servers=broker, event_max_bytes=2000, publish_timeout_s=60)


def _fatal(reason: str) -> None:
    pytest.fail(reason)


def _read(settings: Settings, topic: str) -> list[Entry]:
    with LogReader(settings) as reader:
        spans = reader.spans((topic, n) for n in range(reader.partitions(topic)))
        return [entry_of(m) for m in reader.messages(spans)]


async def test_a_published_event_is_on_the_log(settings: Settings) -> None:
    producer = EventProducer(settings, "streaming", _fatal)
    try:
        await producer.ready()
        with tracing.tracing(f"00-{'a' * 32}-{'b' * 16}-01"):
            position = await producer.publish(
                TOPIC, "asset-1", TYPE, DATA, ce_id="id-1", cause="c", at_ms=1234
            )
        other = await producer.publish(TOPIC, "asset-2", TYPE, DATA)
    finally:
        await producer.close()
    assert isinstance(position, Position)
    found = {entry.key: entry for entry in _read(settings, TOPIC)}
    entry = found["asset-1"]
    assert (entry.topic, entry.partition, entry.offset) == position
    assert entry.partition == partition_of("asset-1", 4)
    assert entry.event is not None
    assert (entry.event.type, entry.event.data, entry.event.at_ms) == (TYPE, DATA, 1234)
    assert (entry.event.id, entry.event.cause, entry.event.trace_id) == ("id-1", "c", "a" * 32)
    assert entry.event.source == "kinolog/streaming"
    assert found["asset-2"].partition == other.partition
    assert len(found["asset-2"].id) == 32


async def test_outputs_keep_their_order_and_their_key(settings: Settings) -> None:
    producer = OutputProducer(settings, _fatal)

    def record(n: int) -> Record:
        headers = output_headers(TYPE, "a", "a|t|0", n, 0, 5, "c" * 32, "")
        return Record("outputs", f"key-{n % 7}", encode(TYPE, {**DATA, "due_at_ms": n}), headers, 1000 + n)

    assert producer.produce_many(record(n) for n in range(500)) == 500
    await producer.flush()
    seen: dict[str, list[int]] = {}
    for entry in _read(settings, "outputs"):
        assert entry.event is not None
        assert entry.partition == partition_of(entry.key, 4)
        n = entry.event.data["due_at_ms"]
        assert (entry.event.src, entry.at_ms) == (("a|t|0", n << 16), 1000 + n)
        seen.setdefault(entry.key, []).append(entry.event.data["due_at_ms"])
    assert sorted(n for some in seen.values() for n in some) == list(range(500))
    assert all(some == sorted(some) for some in seen.values())


async def test_what_must_not_be_sent_is_refused_before(settings: Settings) -> None:
    producer = EventProducer(settings, "streaming", _fatal)
    outputs = OutputProducer(settings, _fatal)
    long: dict[str, Any] = {**DATA, "note": "x" * 3000}
    try:
        with pytest.raises(EventTooLarge, match="EVENT_MAX_BYTES is 2000"):
            await producer.publish("refused", "k", TYPE, long)
        with pytest.raises(EncodeError, match="empty key"):
            await producer.publish("refused", "", TYPE, DATA)
        with pytest.raises(EncodeError, match="due_at_ms"):
            await producer.publish("refused", "k", TYPE, {"timer_id": "t"})
        with pytest.raises(EventTooLarge):
            outputs.produce_many([Record("refused", "k", encode(TYPE, long), [], 0)])
        letter = Record("refused.dlq", "k", encode(TYPE, long), [("dlq_reason", b"x")], 0)
        assert outputs.produce_many([letter]) == 1
        await outputs.flush()
    finally:
        await producer.close()
    assert [entry.at_ms for entry in _read(settings, "refused.dlq")]


async def test_without_a_broker_a_gateway_gives_up_and_says_so() -> None:
    nowhere = Settings(kafka_bootstrap_servers="127.0.0.1:1", publish_timeout_s=0.05)
    producer = EventProducer(nowhere, "streaming", _fatal)
    with pytest.raises(LogUnavailable, match="try again"):
        await producer.publish(TOPIC, "k", TYPE, DATA)
    await producer.close(timeout_s=0)


async def test_a_fatal_error_that_comes_by_polling_ends_the_process(settings: Settings) -> None:
    heard: list[str] = []
    producer = EventProducer(settings, "streaming", heard.append)
    producer._closed.set()
    producer._thread.join()

    class Broken:
        def poll(self, _: float) -> int:
            raise KafkaException(KafkaError(KafkaError.INVALID_TIMESTAMP, "no gap-less order"))

    producer._producer = Broken()
    producer._closed.clear()
    producer._serve()
    assert len(heard) == 1
    assert "no gap-less order" in heard[0]
