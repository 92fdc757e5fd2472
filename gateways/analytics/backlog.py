"""How far consumers are behind the end of the log: Kafka's own account, which needs no consumer to be there.

A consumer is the group of an app's workers (`topology.yaml`). What a group has committed is done by each of
its agents that reads the topic; it commits every few seconds, so that a busy one is never at 0.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import confluent_kafka.admin
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from schemas.catalog import Topology
from schemas.keys import GROUP_PREFIX
from streams.core.settings import Settings

TIMEOUT_S: Final = 3.0
POLL_S: Final = 0.1
OLDEST_S: Final = 1.0  # for reading what waits longest, of one consumer
Place = tuple[str, int]
_kafka: Any = confluent_kafka.admin  # its stubs export nothing
_grouped: Any = ConsumerGroupTopicPartitions
_QUIET: Final = {"log_level": 0, "socket.timeout.ms": int(TIMEOUT_S * 1000)}


class Backlog:
    """One a process. Its clients are made when first asked for."""

    def __init__(self, settings: Settings, topology: Topology) -> None:
        self._settings, self._topology = settings, topology
        self._lock = threading.Lock()  # librdkafka's clients may be used by any thread, one after another
        self._clients: tuple[Any, Any] | None = None

    async def read(self) -> list[dict[str, Any]] | None:
        """For each app and topic: its agents, events to do, and for how long the oldest waits, milliseconds.

        None while the broker does not answer. Never raises for a server that is away.
        """
        return await asyncio.to_thread(self._read)

    async def close(self) -> None:
        """Let go of the clients."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            if self._clients is not None:
                self._clients[1].close()
                self._clients = None

    def _read(self) -> list[dict[str, Any]] | None:
        with self._lock:
            try:
                return self._found(time.time())
            except (KafkaException, TimeoutError):
                return None

    def _found(self, now_s: float) -> list[dict[str, Any]]:
        admin, consumer = self._clients or self._make()
        places = self._places()
        ends = _offsets(admin, places, _kafka.OffsetSpec.latest())
        begins = _offsets(admin, places, _kafka.OffsetSpec.earliest())
        found = []
        for app in self._topology.apps:
            agents = self._topology.agents_of(app)
            topics = list(dict.fromkeys(agent.reads for agent in agents))
            done = _committed(admin, GROUP_PREFIX + app, [place for place in ends if place[0] in topics])
            waiting = {
                place: max(done.get(place, 0), begins[place])
                for place in ends
                if place[0] in topics and max(done.get(place, 0), begins[place]) < ends[place]
            }
            since_ms = _times(consumer, waiting)
            for topic in topics:
                of_topic = [place for place in waiting if place[0] == topic]
                oldest_s = min(
                    (since_ms[place] / 1000 for place in of_topic if place in since_ms), default=None
                )
                found.append({
                    "consumer": app, "topic": topic,
                    "agents": [agent.name for agent in agents if agent.reads == topic],
                    "events": sum(ends[place] - waiting[place] for place in of_topic),
                    "oldest_ms": _age_ms(now_s, oldest_s) if of_topic else 0,
                })  # fmt: skip
        return found

    def _make(self) -> tuple[Any, Any]:
        client = {**self._settings.kafka_client(), **_QUIET}
        reader = {
            **client, "group.id": "kinolog.backlog", "enable.auto.commit": False,
            "enable.auto.offset.store": False, "fetch.wait.max.ms": 50, "queued.max.messages.kbytes": 4096,
            "max.partition.fetch.bytes": 65_536,
        }  # fmt: skip
        self._clients = _kafka.AdminClient(client), Consumer(reader)  # the group is required, not used
        return self._clients

    def _places(self) -> list[Place]:
        names = sorted({agent.reads for agent in self._topology.agents.values()})
        topics = [self._topology.topic(name) for name in names]
        return [(topic.name, number) for topic in topics for number in range(topic.partitions)]


def _age_ms(now_s: float, oldest_s: float | None) -> int | None:
    return None if oldest_s is None else max(0, int((now_s - oldest_s) * 1000))


def _offsets(admin: Any, places: Iterable[Place], spec: Any) -> dict[Place, int]:
    """Asked again for a while, as partitions may be without a leader. Raises KafkaException."""
    asked = {TopicPartition(*place): spec for place in places}
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        answers = admin.list_offsets(asked, request_timeout=TIMEOUT_S)
        try:
            return {
                (at.topic, at.partition): future.result(TIMEOUT_S).offset for at, future in answers.items()
            }
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def _committed(admin: Any, group: str, places: list[Place]) -> dict[Place, int]:
    """What a group has done; nothing of a place that it has never committed. Raises KafkaException."""
    if not places:
        return {}
    asked = [_grouped(group, [TopicPartition(*place) for place in places])]
    [future] = admin.list_consumer_group_offsets(asked, request_timeout=TIMEOUT_S).values()
    answer = future.result(TIMEOUT_S)
    return {(at.topic, at.partition): at.offset for at in answer.topic_partitions if at.offset >= 0}


def _times(consumer: Any, starts: Mapping[Place, int]) -> dict[Place, int]:
    """When the first record from each offset on was put on the log; of as many places as answer in time."""
    found: dict[Place, int] = {}
    if not starts:
        return found
    consumer.assign([TopicPartition(*place, offset) for place, offset in starts.items()])
    try:
        deadline = time.monotonic() + OLDEST_S
        while len(found) < len(starts) and time.monotonic() < deadline:
            for message in consumer.consume(100, POLL_S):
                if message.error() is None:
                    place = message.topic(), message.partition()
                    if place not in found:
                        found[place] = message.timestamp()[1]
                        consumer.incremental_unassign([TopicPartition(*place)])
    finally:
        consumer.unassign()
    return found
