"""The lane alone on a real broker: logs with gaps of their own, several brokers, seeks while records come."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio as aioredis
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT
from deploy.topics import create_topics
from schemas.catalog import load_topology
from schemas.headers import request_headers
from schemas.keys import PARTITIONER, tag
from schemas.wire import codec
from schemas.wiring import TIMER_DUE
from tests.integration.engine.world import read_back

PARTITIONS = 2
MAP = """\
version: 1
retention: {{facts: {{days: -1}}, dead_letters: {{days: 30}}}}
topics:
  {name}.said.events:
    {{owner: {name}, retention: facts, partitions: {partitions}, key: key, public: false, doc: Said.,
     events: [kinolog.engine.TimerDue]}}
apps: {{{name}: {{domain: {name}, doc: The test's.}}}}
agents:
  lane.view:
    {{kind: projector, app: {name}, reads: {name}.said.events, store: redis,
     function: "tests.integration.engine.lane_agents:view"}}
"""
PATIENCE_S = 180.0
KEYS = [f"k{n}" for n in range(20)]


class Lane:
    """One topic, its producer, and one process that reads it into a Redis database of the test's own."""

    def __init__(self, stack: Stack, folder: Path, database: int) -> None:
        self.name, self._stack, self._folder = f"t{secrets.token_hex(5)}", stack, folder
        self.topic = f"{self.name}.said.events"
        path = folder / "topology.yaml"
        path.write_text(MAP.format(name=self.name, partitions=PARTITIONS))
        create_topics(stack.settings, load_topology(path))
        self._redis_url = stack.env["REDIS_URL"].removesuffix("/0") + f"/{database}"
        self._env = {
            **os.environ, **stack.env, "TOPOLOGY_FILE": str(path), "REDIS_URL": self._redis_url,
            "KINOLOG_HOME": str(folder),
        }  # fmt: skip
        self.redis = aioredis.Redis.from_url(self._redis_url)
        self.process: subprocess.Popen[bytes] | None = None
        self.sent = 0

    def start(self, seeks: int = 0, brokers: str = "") -> None:
        command = [sys.executable, "-m", "tests.integration.engine.lane_agents", self.name, str(seeks)]
        env = {**self._env, **({"KAFKA_BOOTSTRAP_SERVERS": brokers} if brokers else {})}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=log, stderr=log)

    @property
    def log(self) -> Path:
        return self._folder / "lane.log"

    def producer(self, **config: Any) -> Producer:
        return Producer({**self._stack.settings.kafka_client(), "partitioner": PARTITIONER, **config})

    def send(self, producer: Producer, count: int) -> None:
        """The next `count` events, numbered, their keys taken in turns."""
        for n in range(self.sent, self.sent + count):
            value = codec().encode(TIMER_DUE, {"timer_id": "t", "due_at_ms": n, "note": ""})
            headers = request_headers(TIMER_DUE, "test", f"c{n}", 1, "", "")
            producer.produce(self.topic, value, KEYS[n % len(KEYS)], headers=list(headers))
        self.sent += count

    async def until_applied(self, numbers: Sequence[int]) -> None:
        """Wait for the last of these numbers of each key; then all of them must be there, once, in order."""
        wanted: dict[str, list[int]] = {key: [] for key in KEYS}
        for n in numbers:
            wanted[KEYS[n % len(KEYS)]].append(n)
        wanted = {key: entries for key, entries in wanted.items() if entries}
        async with asyncio.timeout(PATIENCE_S):
            while (found := await self._documents()) != wanted:
                assert self.process is not None
                assert self.process.poll() is None, f"the process ended: {self.log.read_text()[-2000:]}"
                for key, entries in found.items():
                    assert entries == wanted[key][: len(entries)], f"{key} is {entries}"
        counts = {
            key.decode(): int(count)
            for partition in range(PARTITIONS)
            for key, count in (await self.redis.hgetall(f"{self._tag(partition)}:count")).items()
        }
        assert counts == {key: len(entries) for key, entries in wanted.items()}

    async def _documents(self) -> dict[str, list[int]]:
        return {
            key.decode(): json.loads(document)["entries"]
            for partition in range(PARTITIONS)
            for key, document in (await self.redis.hgetall(f"{self._tag(partition)}:state")).items()
        }

    def _tag(self, partition: int) -> str:
        return tag("lane.view", 1, partition)

    async def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        await self.redis.flushdb()
        await self.redis.aclose()


@pytest.fixture
async def lane(stack: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Lane]:
    """A lane with the database that the test's parameter names."""
    made = Lane(stack, tmp_path, request.param)
    await made.redis.flushdb()
    yield made
    await made.close()


@pytest.mark.parametrize("lane", [2], indirect=True)
async def test_markers_of_transactions_are_gaps_that_are_passed(lane: Lane) -> None:
    """Each transaction's end takes an offset that no reader ever sees."""
    lane.start()
    producer = lane.producer(**{"transactional.id": lane.name})
    producer.init_transactions(120)
    for _ in range(15):
        producer.begin_transaction()
        lane.send(producer, 30)
        producer.commit_transaction(120)
    await lane.until_applied(range(lane.sent))


@pytest.mark.parametrize("lane", [6], indirect=True)
async def test_records_that_compaction_took_are_gaps_that_are_passed(lane: Lane, stack: Stack) -> None:
    producer = lane.producer()
    await compact_soon(stack, lane.topic)
    for _ in range(4):  # each time a new segment: the active one is never compacted
        lane.send(producer, 100)
        await asyncio.to_thread(producer.flush, 60)
    async with asyncio.timeout(PATIENCE_S):
        while len(await numbers_on(stack, lane.topic)) >= lane.sent:
            lane.send(producer, 1)
            await asyncio.to_thread(producer.flush, 60)
    await configure(stack, ConfigResource.Type.TOPIC, lane.topic, {"cleanup.policy": "delete"})
    left: list[int] = []
    while left != (left := await numbers_on(stack, lane.topic)):
        pass  # a last compaction may have been under way
    lane.start()
    await lane.until_applied(left)


async def compact_soon(stack: Stack, topic: str) -> None:
    """Let the broker compact whatever it may, about at once."""
    segments = {"cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0.001"}
    await configure(stack, ConfigResource.Type.TOPIC, topic, segments)
    (broker,) = AdminClient(stack.settings.kafka_client()).list_topics(timeout=60).brokers
    await configure(stack, ConfigResource.Type.BROKER, str(broker), {"log.cleaner.backoff.ms": "500"})


async def configure(stack: Stack, kind: ConfigResource.Type, name: str, wanted: dict[str, str]) -> None:
    """Change some of the broker's or a topic's settings."""
    resource = ConfigResource(kind, name)
    for setting, value in wanted.items():
        resource.add_incremental_config(
            ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        )
    admin = AdminClient(stack.settings.kafka_client())
    for future in admin.incremental_alter_configs([resource]).values():
        await asyncio.to_thread(future.result, 60)


async def numbers_on(stack: Stack, topic: str) -> list[int]:
    """Of the events that are still on the topic, in the order in which they were sent."""
    records = await asyncio.to_thread(read_back, stack.settings, topic, range(PARTITIONS))
    return sorted(codec().decode(record.value())[1]["due_at_ms"] for record in records)


@pytest.mark.parametrize("lane", [3], indirect=True)
async def test_seeks_while_records_are_on_their_way_lose_and_double_nothing(lane: Lane) -> None:
    lane.start(seeks=5)
    producer = lane.producer()
    while "taken back 5 times" not in lane.log.read_text():
        lane.send(producer, 5)
        await asyncio.to_thread(producer.flush, 60)
        assert lane.process is not None
        assert lane.process.poll() is None, lane.log.read_text()[-2000:]
        assert lane.sent < 100_000, "fetched records were never taken back"
    lane.send(producer, 50)
    await asyncio.to_thread(producer.flush, 60)
    await lane.until_applied(range(lane.sent))


@pytest.mark.parametrize("lane", [4], indirect=True)
async def test_one_of_several_brokers_is_enough(lane: Lane, stack: Stack) -> None:
    """The others of the list are not there; spaces around the comma are no part of a name."""
    there = stack.env["KAFKA_BOOTSTRAP_SERVERS"]
    lane.start(brokers=f"127.0.0.1:1, {there}")
    producer = lane.producer()
    lane.send(producer, 100)
    await asyncio.to_thread(producer.flush, 60)
    await lane.until_applied(range(100))


@pytest.mark.parametrize("lane", [5], indirect=True)
async def test_a_log_that_starts_after_the_fence_ends_the_process_with_the_reason(
    lane: Lane, stack: Stack
) -> None:
    producer = lane.producer()
    lane.send(producer, 100)
    await asyncio.to_thread(producer.flush, 60)
    admin = AdminClient(stack.settings.kafka_client())
    for future in admin.delete_records([TopicPartition(lane.topic, 0, 5)]).values():
        await asyncio.to_thread(future.result, 60)
    lane.start()
    assert lane.process is not None
    assert await asyncio.to_thread(lane.process.wait, PATIENCE_S) == 70
    assert "the log starts at 5: records it needs are gone" in lane.log.read_text()
