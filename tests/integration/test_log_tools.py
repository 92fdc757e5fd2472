"""The tools on the log against the real broker: what librdkafka's mock of it cannot do."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from deploy.chain import Node, find_chain
from deploy.dead_letters import letters, redrive
from deploy.local.launcher import Stack
from deploy.log_reader import LogReader, entry_of
from deploy.topics import TopicsError, create_topics, differences, wanted_topics
from schemas.catalog import load_topology
from schemas.headers import output_headers, request_headers
from schemas.keys import partition_of
from schemas.wire import encode
from streams.core.producer import EventProducer, OutputProducer, Record, now_ms

TYPE = "kinolog.engine.TimerCancelled"
DATA = {"timer_id": "t"}


def _keys(nodes: list[Node]) -> list[tuple[str, list[object]]]:
    return [(node.entry.key, list(_keys(node.children))) for node in nodes]


async def test_a_chain_over_three_topics_is_found_among_others(stack: Stack) -> None:
    """Many older and unrelated events lie around it, in its own partitions too."""
    topology = load_topology()
    run, now = secrets.token_hex(6), now_ms()
    noise = OutputProducer(stack.settings)
    for topic in ("media.asset.requests", "media.asset.events", "media.work.requests"):
        noise.produce_many(
            Record(
                topic, f"{run}-noise-{n}", encode(TYPE, DATA),
                output_headers(TYPE, "noise", f"noise|{run}|0", n, 0, now - 10**9, "x", ""), now - 10**9 + n,
            )
            for n in range(2000)
        )  # fmt: skip
    await noise.flush()
    producer = EventProducer(stack.settings, "test")
    film, work, first, second = f"{run}-film", f"{run}-work", secrets.token_hex(16), secrets.token_hex(16)
    await producer.publish("media.asset.requests", film, TYPE, DATA, ce_id=first, at_ms=now)
    await producer.publish("media.work.requests", work, TYPE, DATA, ce_id=second, cause=first, at_ms=now)
    # The worker's clock is a little behind.
    await producer.publish("media.asset.requests", film, TYPE, DATA, cause=second, at_ms=now - 5000)
    await producer.close()
    with LogReader(stack.settings) as reader:
        for wanted in (film, work, second):
            chain = find_chain(reader, topology, wanted)
            assert _keys(chain) == [(film, [(work, [(film, [])])])]
        assert find_chain(reader, topology, f"{run}-nothing") == []
        since = reader.spans([("media.asset.requests", partition_of(film, 12))], since_ms=now)
        assert sum(m.key() == film.encode() for m in reader.messages(since)) >= 1


async def test_a_dead_letter_goes_back_as_it_came(stack: Stack) -> None:
    key, now = f"{secrets.token_hex(6)}-film", now_ms()
    headers = [
        *request_headers(TYPE, "test", key, now),
        ("src", b"a|b|0|1|0"),
        ("dlq_topic", b"media.asset.events"),
        ("dlq_agent", b"media.library"),
    ]
    producer = EventProducer(stack.settings, "test")
    await producer.send("media.asset.events.dlq", key, encode(TYPE, DATA), headers, now)
    with LogReader(stack.settings) as reader:
        [letter] = [some for some in letters(reader, "media.asset.events") if some.entry.key == key]
        position = await redrive(producer, letter)
        await producer.close()
        [span] = reader.spans([(position.topic, position.partition)])
        [entry] = [e for e in map(entry_of, reader.messages([span])) if e.key == key]
    assert (entry.id, entry.at_ms, entry.topic) == (key, now, "media.asset.events")
    assert entry.headers["redrive_agent"] == "media.library"
    assert not {"src", "dlq_topic", "dlq_agent"} & set(entry.headers)
    assert entry.event is not None
    assert entry.event.data == DATA


def test_topics_are_made_once_and_mended(stack: Stack) -> None:
    topology, settings = load_topology(), stack.settings
    assert create_topics(settings, topology) == []
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    changed = ConfigResource(ResourceType.TOPIC, "engine.projection.events")
    changed.add_incremental_config(
        ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    )
    for future in admin.incremental_alter_configs([changed]).values():
        future.result(10)
    found = differences(settings, wanted_topics(topology, settings))
    assert ("engine.projection.events", "retention.ms") in [(d.topic, d.what) for d in found]
    assert create_topics(settings, topology) == found
    assert differences(settings, wanted_topics(topology, settings)) == []


def test_another_partition_count_is_refused(stack: Stack, tmp_path: Path) -> None:
    changed = tmp_path / "topology.yaml"
    changed.write_text(load_topology().path.read_text().replace("partitions: 12", "partitions: 5"))
    with pytest.raises(TopicsError, match=r"12 partitions.* says 5: keys would move"):
        create_topics(stack.settings, load_topology(changed))
