"""Topics as the map wants them against topics as the broker has them.

Creating is idempotent and never deletes. A partition count that differs is never changed: keys would move.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import confluent_kafka.admin
from confluent_kafka import KafkaError, KafkaException

from schemas.catalog import Topology
from streams.core.producer import record_max_bytes
from streams.core.settings import Settings

TIMEOUT_S: Final = 30.0
_kafka: Any = confluent_kafka.admin  # its stubs export nothing


class TopicsError(Exception):
    """The broker is not reachable, or a topic cannot become what the map says."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One topic as it should be; `config` holds only what we care about."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where broker and map disagree. `what` is `missing`, `partitions` or a topic configuration's name."""

    topic: str
    what: str
    expected: str
    found: str


def wanted_topics(topology: Topology, settings: Settings) -> list[Wanted]:
    """Every topic of the map and its dead-letter topic (one partition)."""
    common = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",  # an event's time is its record's timestamp
        "max.message.bytes": str(record_max_bytes(settings)),
        "min.insync.replicas": str(max(1, settings.kafka_replication_factor - 1)),
    }
    wanted: list[Wanted] = []
    for topic in topology.topics.values():
        for name, partitions, retention in (
            (topic.name, topic.partitions, topic.retention),
            (topic.dlq, 1, topology.dead_letters),
        ):
            config = {"retention.ms": str(retention.retention_ms), "compression.type": retention.compression}
            wanted.append(Wanted(name, partitions, {**common, **config}))
    return wanted


def differences(settings: Settings, wanted: Iterable[Wanted]) -> list[Difference]:
    """What `create_topics` would do, and what it could not. Blocks. Raises TopicsError."""
    admin = _admin(settings)
    wanted = list(wanted)
    found: list[Difference] = []
    try:
        known = admin.list_topics(timeout=TIMEOUT_S).topics
        present = [topic for topic in wanted if topic.name in known]
        configs = _configs(admin, [topic.name for topic in present])
    except KafkaException as error:
        raise _unreachable(settings, error) from error
    for topic in wanted:
        if topic.name not in known:
            found.append(Difference(topic.name, "missing", f"{topic.partitions} partitions", "no topic"))
            continue
        count = len(known[topic.name].partitions)
        if count != topic.partitions:
            found.append(Difference(topic.name, "partitions", str(topic.partitions), str(count)))
        for name, value in topic.config.items():
            if configs[topic.name].get(name) != value:
                found.append(Difference(topic.name, name, value, str(configs[topic.name].get(name))))
    return found


def create_topics(settings: Settings, topology: Topology) -> list[Difference]:
    """Make what is missing and set what differs; returns what was done. Safe to repeat. Blocks.

    Raises TopicsError if the broker is not there or a partition count differs.
    """
    wanted = {topic.name: topic for topic in wanted_topics(topology, settings)}
    todo = differences(settings, wanted.values())
    wrong = [d for d in todo if d.what == "partitions"]
    if wrong:
        raise TopicsError(
            "\n".join(
                f"topic {d.topic} has {d.found} partitions, {topology.path} says {d.expected}: keys would "
                "move; put the map's number back, or make a new topic version and move by replay"
                for d in wrong
            )
        )
    admin = _admin(settings)
    missing = [wanted[d.topic] for d in todo if d.what == "missing"]
    if missing:
        _create(admin, missing, settings)
    changed = [d for d in todo if d.what != "missing"]
    if changed:
        _alter(admin, changed)
    return todo


def _create(admin: Any, missing: list[Wanted], settings: Settings) -> None:
    new = [
        _kafka.NewTopic(topic.name, topic.partitions, settings.kafka_replication_factor, config=topic.config)
        for topic in missing
    ]
    for name, future in admin.create_topics(new, operation_timeout=TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicsError(f"topic {name} cannot be created: {error.args[0].str()}") from error


def _alter(admin: Any, changed: list[Difference]) -> None:
    resources: dict[str, Any] = {}
    for d in changed:
        resource = resources.setdefault(d.topic, _kafka.ConfigResource(_kafka.ResourceType.TOPIC, d.topic))
        entry = _kafka.ConfigEntry(d.what, d.expected, incremental_operation=_kafka.AlterConfigOpType.SET)
        resource.add_incremental_config(entry)
    for resource, future in admin.incremental_alter_configs(list(resources.values())).items():
        try:
            future.result()
        except KafkaException as error:
            raise TopicsError(f"topic {resource.name} cannot be changed: {error.args[0].str()}") from error


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    futures = admin.describe_configs(
        [_kafka.ConfigResource(_kafka.ResourceType.TOPIC, name) for name in names]
    )
    return {
        resource.name: {name: entry.value for name, entry in future.result(TIMEOUT_S).items()}
        for resource, future in futures.items()
    }


def _admin(settings: Settings) -> Any:
    return _kafka.AdminClient({**settings.kafka_client(), "log_level": 0, "socket.timeout.ms": 10_000})


def _unreachable(settings: Settings, error: KafkaException) -> TopicsError:
    return TopicsError(
        f"Kafka at {settings.kafka_bootstrap_servers} does not answer ({error.args[0].str()}): start it "
        "(`kinolog up`) or correct KAFKA_BOOTSTRAP_SERVERS"
    )
