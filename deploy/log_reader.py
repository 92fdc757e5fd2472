"""Reading the log for people: bounded or following, decoded, without a consumer group's offsets."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka.admin
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import WireError
from schemas.event import Event
from schemas.wire import codec
from streams.core.settings import Settings

TIMEOUT_S: Final = 5.0
_kafka: Any = confluent_kafka.admin  # its stubs export nothing
_BATCH: Final = 1000
_POLL_S: Final = 0.1
# A partition without a leader gets one soon; librdkafka asks again by itself in everything but this.
_ELECTING: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class LogError(Exception):
    """The broker is not there, or has no such topic."""


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets `start` up to but not including `end` of one partition."""

    topic: str
    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: its event, or why it has none."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    key: str
    headers: dict[str, str]
    event: Event | None
    error: str

    @property
    def id(self) -> str:
        return self.headers.get("ce_id", "")

    @property
    def cause(self) -> str:
        return self.headers.get("causation_id", "")

    @property
    def type(self) -> str:
        return self.event.type if self.event else self.headers.get("ce_type", "(unknown)")

    def as_json(self) -> dict[str, Any]:
        """The log entry as every API of ours shows it."""
        body: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "key": self.key,
            "at_ms": self.at_ms,
            "source": self.headers.get("ce_source", ""),
            "causation_id": self.cause,
            "trace_id": self.headers.get("traceparent", "")[3:35],
            "data": self.event.data if self.event else None,
        }
        return {**body, "error": self.error} if self.error else body


class LogReader:
    """A context manager around one consumer. All methods block. Raises LogError."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka_bootstrap_servers
        # A client of its own: questions to the consumer wait behind its long polls.
        self._admin: Any = _kafka.AdminClient({**settings.kafka_client(), "log_level": 0})
        self._consumer: Any = Consumer(
            {
                **settings.kafka_client(),
                "group.id": f"kinolog-cli-{secrets.token_hex(4)}",  # required; nothing is ever committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "fetch.wait.max.ms": 100,
                "log_level": 0,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many the topic has."""
        try:
            found = self._consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise self._unreachable(error) from error
        if found.error is not None:
            raise LogError(
                f"the broker has no topic {topic}: `kinolog topics list` shows the names, "
                "`kinolog topics create` makes what is missing"
            )
        return len(found.partitions)

    def spans(self, places: Iterable[tuple[str, int]], since_ms: int = 0) -> list[Span]:
        """What (topic, partition) pairs hold now; with `since_ms`, from the first record of that time on."""
        wanted = list(places)
        start = _kafka.OffsetSpec.for_timestamp(since_ms) if since_ms > 0 else _kafka.OffsetSpec.earliest()
        starts, ends = self._offsets(wanted, start), self._offsets(wanted, _kafka.OffsetSpec.latest())
        return [
            # No record since then: the answer is -1.
            Span(*place, starts[place] if starts[place] >= 0 else ends[place], ends[place])
            for place in wanted
        ]

    def _offsets(self, places: list[tuple[str, int]], spec: Any) -> dict[tuple[str, int], int]:
        if not places:
            return {}
        asked = {TopicPartition(*place): spec for place in places}
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S)
                return {(tp.topic, tp.partition): future.result().offset for tp, future in answers.items()}
            except KafkaException as error:
                if error.args[0].code() not in _ELECTING or time.monotonic() > deadline:
                    raise self._unreachable(error) from error
                time.sleep(_POLL_S)

    def messages(self, spans: Iterable[Span]) -> Iterator[Any]:
        """Every record of the spans, in order per partition; ends when all were read."""
        left = {(s.topic, s.partition): s.end for s in spans if s.start < s.end}
        starts = {(s.topic, s.partition): s.start for s in spans}
        self._consumer.assign([TopicPartition(t, p, starts[t, p]) for t, p in left])
        while left:
            for message in self._polled():
                place = (message.topic(), message.partition())
                end = left.get(place)
                if end is None:
                    continue
                if message.offset() < end:
                    yield message
                if message.offset() + 1 >= end:
                    del left[place]  # not paused: librdkafka would keep that for the next assignment
            # Offsets may end in a gap (control records): the position then passes the end by itself.
            for place in list(left):
                [at] = self._consumer.position([TopicPartition(*place)])
                if at.offset >= left[place]:
                    del left[place]

    def follow(self, spans: Iterable[Span]) -> Iterator[Any]:
        """Records from the spans' starts on, for ever."""
        self._consumer.assign([TopicPartition(s.topic, s.partition, s.start) for s in spans])
        while True:
            yield from self._polled()

    def _polled(self) -> Iterator[Any]:
        for message in self._consumer.consume(_BATCH, _POLL_S):
            if message.error() is not None:
                raise LogError(f"reading {message.topic()} failed: {message.error().str()}")
            yield message

    def _unreachable(self, error: KafkaException) -> LogError:
        return LogError(
            f"Kafka at {self._servers} does not answer ({error.args[0].str()}): start it (`kinolog up`) or "
            "correct KAFKA_BOOTSTRAP_SERVERS"
        )


def entry_of(message: Any) -> Entry:
    """Decode a record; what cannot be decoded keeps the reason."""
    raw = message.headers() or []
    event, error = None, ""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    at_ms = message.timestamp()[1]
    try:
        event = codec().event(topic, partition, offset, at_ms, message.key(), message.value(), raw)
    except WireError as caught:
        error = str(caught)
    key = (message.key() or b"").decode("utf-8", "replace")
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in raw}
    return Entry(topic, partition, offset, at_ms, key, headers, event, error)
