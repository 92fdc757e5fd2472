"""Producers: idempotent, in order, retrying for ever; any delivery error ends the process.

A refused record would leave a hole in an agent's gap-free sequence, which readers would later take for a
repeat; so sizes are checked before producing, and what fails all the same calls `on_fatal`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.errors import EncodeError
from schemas.headers import Headers, request_headers
from schemas.keys import DLQ_SUFFIX, PARTITIONER
from schemas.wire import codec
from streams.core import metrics, tracing
from streams.core.ending import end_process
from streams.core.logging import get_logger
from streams.core.settings import Settings

log = get_logger(__name__)
Fatal = Callable[[str], None]
HEADERS_BYTES: Final = 1_000  # room for our headers: an event that leaves it is not measured further
_FLUSH_SLICE_S: Final = 1.0
_WARN_EVERY_S: Final = 5.0


class Position(NamedTuple):
    """Where an acknowledged event stands on the log."""

    topic: str
    partition: int
    offset: int


class Record(NamedTuple):
    """One encoded output, ready to be produced."""

    topic: str
    key: str
    value: bytes
    headers: Headers  # build with `schemas.headers.output_headers`
    at_ms: int


class EventTooLarge(EncodeError):
    """The record exceeds EVENT_MAX_BYTES: large bytes belong in the object store."""


class LogUnavailable(Exception):
    """The broker did not acknowledge in time. The event may still arrive: repeat with the same ce_id."""


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def record_max_bytes(settings: Settings) -> int:
    """Largest record on the wire: a dead letter carries an event of the largest size and its reasons."""
    return settings.event_max_bytes + 100_000


class _Idempotent:
    """What both producers share: configuration, size check, fatal errors."""

    def __init__(self, settings: Settings, on_fatal: Fatal, config: dict[str, Any]) -> None:
        self._max_bytes = settings.event_max_bytes
        self._on_fatal = on_fatal
        self._warned_at = -_WARN_EVERY_S
        quiet = logging.getLogger("librdkafka")
        quiet.setLevel(
            logging.CRITICAL
        )  # what matters arrives at _error; it repeats itself many times a second
        self._producer: Any = Producer(
            {
                **settings.kafka_client(),
                "enable.idempotence": True,
                "enable.gapless.guarantee": True,
                "message.timeout.ms": 0,
                "message.max.bytes": record_max_bytes(settings),
                "linger.ms": settings.producer_linger_ms,
                "partitioner": PARTITIONER,
                "compression.type": "lz4",
                "error_cb": self._error,
                **config,
            },
            logger=quiet,
        )

    def _error(self, error: KafkaError) -> None:
        metrics.PRODUCER_ERRORS.inc()
        if error.fatal():
            self._on_fatal(f"producer: {error.str()}")
        elif time.monotonic() - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = time.monotonic()
            log.warning("producer error, it retries", error=error.str())

    def _check(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        if not key:
            raise EncodeError(f"an event for {topic} has an empty key: give the id of its aggregate")
        if len(value) + len(key) + HEADERS_BYTES <= self._max_bytes:
            return  # librdkafka's own limit is larger, for headers that need more than that
        size = len(value) + len(key) + sum(len(name) + len(text or b"") for name, text in headers)
        # A dead letter adds its reasons to the event, so it may be larger.
        if size > self._max_bytes and not topic.endswith(DLQ_SUFFIX):
            raise EventTooLarge(
                f"an event for {topic} under {key} has {size} bytes, EVENT_MAX_BYTES is {self._max_bytes}: "
                "put large bytes into the object store and their key into the event"
            )


class EventProducer(_Idempotent):
    """For gateways, workers and timers: one event at a time, each with its position as the answer."""

    def __init__(self, settings: Settings, source: str, on_fatal: Fatal = end_process) -> None:
        """`source` names the process in `ce_source`. Starts a thread that serves acknowledgements."""
        super().__init__(settings, on_fatal, {"queue.buffering.max.messages": 10_000})
        self._source = source
        self._timeout_s = settings.publish_timeout_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="producer", daemon=True)
        self._thread.start()

    async def publish(
        self,
        topic: str,
        key: str,
        type: str,
        data: Mapping[str, Any],
        *,
        ce_id: str | None = None,
        cause: str | None = None,
        trace: str | None = None,
        at_ms: int | None = None,
    ) -> Position:
        """Encode, send, wait for the broker. A repeat with the same `ce_id` changes nothing downstream.

        Raises EncodeError (a bug), EventTooLarge, LogUnavailable (retry with the same `ce_id`).
        """
        value = codec().encode(type, cast(dict[str, Any], data))
        at_ms = now_ms() if at_ms is None else at_ms
        headers = request_headers(
            type, self._source, ce_id or secrets.token_hex(16), at_ms, cause or "", trace or tracing.current()
        )
        self._check(topic, key, value, headers)
        return await self.send(topic, key, value, headers, at_ms)

    async def send(self, topic: str, key: str, value: bytes, headers: Headers, at_ms: int) -> Position:
        """As `publish`, for bytes that are encoded already and of checked size (dead letters)."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Position] = loop.create_future()

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._on_fatal(f"delivery to {topic} failed: {error.str()}")
                return
            position = Position(topic, message.partition() or 0, message.offset() or 0)
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, answer, position)

        began = time.perf_counter()
        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), timestamp=at_ms, on_delivery=delivered
            )
        except BufferError as error:
            raise LogUnavailable(
                "the producer's queue is full, the broker is not reachable: try again"
            ) from error
        try:
            async with asyncio.timeout(self._timeout_s):
                position = await answer
        except TimeoutError as error:
            raise LogUnavailable(
                f"the broker did not acknowledge an event for {topic} within {self._timeout_s:g} s: try again"
            ) from error
        metrics.EVENTS_WRITTEN.labels(topic).inc()
        metrics.PUBLISH_SECONDS.labels(topic).observe(time.perf_counter() - began)
        return position

    async def ready(self) -> None:
        """Raises if no broker answers within two seconds: a readiness probe."""
        await asyncio.get_running_loop().run_in_executor(
            None, lambda: self._producer.list_topics(timeout=2.0)
        )

    async def close(self, timeout_s: float = 5.0) -> None:
        """Send what is queued, at most for `timeout_s`, then stop the thread."""
        await asyncio.get_running_loop().run_in_executor(None, self._producer.flush, timeout_s)
        self._closed.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, 1.0)

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                self._producer.poll(0.2)
            except KafkaException as error:
                # A fatal error reaches whoever polls, not always `error_cb`. A producer without this thread
                # would stay and acknowledge nothing ever again.
                self._on_fatal(f"producer: {error}")
                return


class OutputProducer(_Idempotent):
    """For the engine: many outputs, then one flush before the fence moves. Not for several threads."""

    def __init__(self, settings: Settings, on_fatal: Fatal = end_process) -> None:
        super().__init__(
            settings,
            on_fatal,
            {
                "queue.buffering.max.messages": 1_000_000,
                # Only errors are reported: a callback per record would cost more than encoding it.
                "delivery.report.only.error": True,
                # A chunk's outputs gather; `flush` sends them at once, so nothing waits this long.
                "linger.ms": 5,
            },
        )

    def produce_many(self, records: Iterable[Record]) -> int:
        """Queue records in this order; returns how many. Blocks while the queue is full.

        Raises EncodeError or EventTooLarge before the offending record is queued: check first, or end
        the process, since those before it are queued already.
        """
        produce, delivered, count = self._producer.produce, self._delivered, 0
        room = self._max_bytes - HEADERS_BYTES
        for topic, key, value, headers, at_ms in records:
            if not key or len(value) + len(key) > room:  # nearly none: `_check` need not be called for each
                self._check(topic, key, value, headers)
            while True:
                try:
                    produce(topic, value, key, headers=headers, timestamp=at_ms, on_delivery=delivered)
                    break
                except BufferError:
                    self._producer.poll(0.1)
            count += 1
        return count

    async def flush(self) -> None:
        """Return when the broker has everything. Waits for as long as the broker is away."""
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, self._producer.flush, _FLUSH_SLICE_S):
            log.warning("waiting for the broker to acknowledge outputs", queued=len(self._producer))

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._on_fatal(f"delivery to {message.topic()} failed: {error.str()}")


def _answer(future: asyncio.Future[Position], position: Position) -> None:
    if not future.done():
        future.set_result(position)
