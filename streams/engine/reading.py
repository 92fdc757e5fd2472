"""A topic's records by partition and offset range, outside of any consumer group: for replays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.wire import FRAME
from streams.core.settings import Settings

POLL_S = 1.0
TIMEOUT_S = 20.0


class ReadRecord(NamedTuple):
    """A record as the lane's chunks carry it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Reading:
    """Reads one topic. Every method waits for the broker; KafkaException when it cannot be reached."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._topic = topic
        self.schema_ids: set[int] = set()  # of the records read so far
        self._consumer = Consumer(
            {
                **settings.kafka_client(),
                "group.id": "kinolog.replay",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )

    async def ends(self) -> dict[int, int]:
        """Offset after the last record, by partition."""
        return await asyncio.to_thread(self._ends)

    def _ends(self) -> dict[int, int]:
        metadata = self._consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
        return {
            p: self._consumer.get_watermark_offsets(TopicPartition(self._topic, p), timeout=TIMEOUT_S)[1]
            for p in metadata.partitions
        }

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    async def chunks(
        self, partition: int, first: int, last: int, size: int
    ) -> AsyncIterator[tuple[ReadRecord, ...]]:
        """Records from offset `first` to `last`, both included, at most `size` at a time.

        Ends early where the log ends: then `last` is beyond it.
        """
        self._consumer.assign([TopicPartition(self._topic, partition, first)])
        try:
            while first <= last:
                messages = await asyncio.to_thread(self._consume, size)
                records = tuple(self._records(messages, last))
                if records:
                    yield records
                    first = records[-1].offset + 1
                if any(self._is_end(message) or (message.offset() or 0) >= last for message in messages):
                    return
        finally:
            self._consumer.unassign()

    def _consume(self, size: int) -> list[Any]:
        """What has arrived; waits for the first message only, where `consume` would wait for all `size`."""
        first = self._consumer.poll(POLL_S)
        return [] if first is None else [first, *self._consumer.consume(size - 1, 0.0)]

    def _records(self, messages: Sequence[Any], last: int) -> Sequence[ReadRecord]:
        records = []
        for message in messages:
            if message.error() is not None:
                if not self._is_end(message):
                    raise KafkaException(message.error())
                continue
            offset, value = message.offset() or 0, message.value()
            if offset > last:
                break
            if value is not None and len(value) >= FRAME.size:
                self.schema_ids.add(FRAME.unpack(value[: FRAME.size])[1])
            headers = [(name, data or b"") for name, data in message.headers() or ()]
            records.append(ReadRecord(offset, message.timestamp()[1], message.key(), value, headers))
        return records

    @staticmethod
    def _is_end(message: Any) -> bool:
        error = message.error()
        return error is not None and error.name() == "_PARTITION_EOF"
