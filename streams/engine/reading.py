"""Offset ranges of many partitions, read once from begin to end and outside of any group: for replays.

One consumer reads all partitions at once: a partition after the other would wait for the broker each time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import confluent_kafka.admin
from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.wire import FRAME
from streams.core.settings import Settings
from streams.engine.chunk import Chunk

POLL_S: Final = 0.5
TIMEOUT_S: Final = 20.0  # without a word from the broker
_kafka: Any = confluent_kafka.admin  # its stubs export nothing
_GONE: Final = ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE")


class LogAway(Exception):
    """The broker does not answer, or has no longer what is to be read; the text says what to do."""


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class ReadRecord(NamedTuple):
    """A record as the lane's chunks carry it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Reading:
    """Reads these partitions. Methods wait for the broker for TIMEOUT_S, then raise LogAway."""

    def __init__(self, settings: Settings, places: Iterable[Place]) -> None:
        self._places = tuple(places)
        self.schema_ids: set[int] = set()  # of the records read so far
        self._servers = settings.kafka_bootstrap_servers
        # What matters arrives as errors of the calls: librdkafka's own lines would only litter the terminal.
        quiet = logging.getLogger("librdkafka")
        quiet.setLevel(logging.CRITICAL)
        client = {**settings.kafka_client(), "error_cb": lambda _: None}
        self._admin: Any = _kafka.AdminClient(client, logger=quiet)
        self._consumer: Any = Consumer(
            {
                **client,
                "group.id": "kinolog.replay",  # required; nothing is ever committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",  # records that are gone must not be skipped in silence
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 32_768,
            },
            logger=quiet,
        )

    async def ends(self) -> dict[Place, int]:
        """Offset after the last record of each partition."""
        return await asyncio.to_thread(self._ends)

    def _ends(self) -> dict[Place, int]:
        latest = _kafka.OffsetSpec.latest()
        asked = {TopicPartition(*place): latest for place in self._places}
        try:
            answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S)
            return {Place(tp.topic, tp.partition): int(f.result().offset) for tp, f in answers.items()}
        except KafkaException as error:
            raise self._away(error.args[0].str()) from error

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    async def chunks(self, spans: Mapping[Place, tuple[int, int]], size: int) -> AsyncIterator[Chunk]:
        """Records from the first to the last offset of each span, both included, at most `size` at a time.

        In order within a partition. Ends early where the log ends: then a span's last is beyond it.
        """
        left = {place: span for place, span in spans.items() if span[0] <= span[1]}
        if not left:
            return
        self._consumer.assign([TopicPartition(*place, first) for place, (first, _) in left.items()])
        heard_at = time.monotonic()
        try:
            while left:
                messages = await asyncio.to_thread(self._consume, size)
                if not messages and time.monotonic() - heard_at > TIMEOUT_S:
                    raise self._away("no records came")
                for place, run in _by_place(messages).items():
                    if place not in left:
                        continue  # beyond what was asked for
                    first, last = left[place]
                    records = tuple(self._records(run, last))
                    if records:
                        yield Chunk(*place, first, records)
                        left[place] = (records[-1].offset + 1, last)
                    # The last offset itself may be a gap of the log, such as a transaction's marker.
                    if any(_is_end(message) or message.offset() >= last for message in run):
                        del left[place]
                        self._consumer.incremental_unassign([TopicPartition(*place)])
                heard_at = time.monotonic() if messages else heard_at
        finally:
            self._consumer.unassign()

    def _consume(self, size: int) -> list[Any]:
        """What has arrived; waits for the first message only, where `consume` would wait for all `size`."""
        first = self._consumer.poll(POLL_S)
        return [] if first is None else [first, *self._consumer.consume(size - 1, 0.0)]

    def _records(self, messages: Sequence[Any], last: int) -> Sequence[ReadRecord]:
        records = []
        for message in messages:
            error = message.error()
            if error is not None:
                if error.name() in _GONE:
                    raise LogAway(
                        f"{message.topic()}[{message.partition()}]: the log no longer has the records that "
                        f"are to be replayed ({error.str()}): restore the topic from a backup"
                    )
                if not _is_end(message):
                    raise self._away(error.str())
                continue
            offset, value = message.offset(), message.value()
            if offset > last:
                break
            if value is not None and len(value) >= FRAME.size:
                self.schema_ids.add(FRAME.unpack(value[: FRAME.size])[1])
            headers = [(name, data or b"") for name, data in message.headers() or ()]
            records.append(ReadRecord(offset, message.timestamp()[1], message.key(), value, headers))
        return records

    def _away(self, why: str) -> LogAway:
        return LogAway(
            f"Kafka at {self._servers} does not answer ({why}): start it (`kinolog up`) or correct "
            "KAFKA_BOOTSTRAP_SERVERS, then run the command again: it begins anew"
        )


def _by_place(messages: Iterable[Any]) -> dict[Place, list[Any]]:
    found: dict[Place, list[Any]] = {}
    for message in messages:
        found.setdefault(Place(message.topic(), message.partition()), []).append(message)
    return found


def _is_end(message: Any) -> bool:
    error = message.error()
    return error is not None and error.name() == "_PARTITION_EOF"
