"""From what a function returned to records on the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from schemas.errors import EncodeError
from schemas.event import MAX_INDEX, Event
from schemas.headers import output_headers, request_headers
from schemas.wire import Codec
from streams.core.producer import HEADERS_BYTES, Record
from streams.engine.agents import Out

_new_tuple = tuple.__new__


class Producer(Protocol):
    """What of `streams.core.producer.OutputProducer` the engine uses."""

    def produce_many(self, records: Iterable[Record]) -> int: ...

    async def flush(self) -> None: ...


class Outputs:
    """The process's one way to the log: records in order, then one flush for all who wait."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._flushing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    def send(self, records: Sequence[Record]) -> None:
        """Queue records in this order. Sizes were checked by `encode_output`: what fails here is fatal."""
        self._producer.produce_many(records)

    async def flushed(self) -> None:
        """Return when everything sent before this call is on the log.

        A flush that is under way may have ended before our records were queued, so all who come
        meanwhile share one that begins after it.
        """
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.ensure_future(self._producer.flush())
            await asyncio.shield(self._flushing)
            return
        if self._next is None or self._next.done():
            self._next = asyncio.ensure_future(self._after(self._flushing))
        await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[None]) -> None:
        await running
        self._next = None  # whoever comes from now on must not share this one
        self._flushing = asyncio.ensure_future(self._producer.flush())
        await self._flushing


class Encoder:
    """Encodes outputs and checks them before anything is produced: a refused record would be a hole."""

    def __init__(self, codec: Codec, agent: str, writes: Sequence[str], max_bytes: int) -> None:
        """`writes`: the topics the map allows this agent. `max_bytes`: of one record."""
        self._encode, self._agent = codec.encode, agent
        self._writes, self._room = frozenset(writes), max_bytes - HEADERS_BYTES

    def output(self, out: Out, origin: str, event: Event, index: int) -> Record:
        """Output number `index` of `event`, with `src`. Raises EncodeError."""
        topic, key, type_name, data = out
        value = self._encode(type_name, data)
        if topic not in self._writes or not key or len(value) + len(key) > self._room or index > MAX_INDEX:
            raise self._refused(out, value, index)
        at_ms = event.at_ms
        headers = output_headers(
            type_name, self._agent, origin, event.offset, index, at_ms, event.id, event.trace
        )
        return _new_tuple(Record, (topic, key, value, headers, at_ms))

    def report(self, out: Out, event: Event, ce_id: str, at_ms: int) -> Record:
        """A worker's or timer's event: no `src`, a deterministic `ce_id`. Raises EncodeError."""
        headers = request_headers(out.type, self._agent, ce_id, at_ms, event.id, event.trace)
        return Record(out.topic, out.key, self._value(out), headers, at_ms)

    def _value(self, out: Out) -> bytes:
        value = self._encode(out.type, out.data)
        if out.topic not in self._writes or not out.key or len(value) + len(out.key) > self._room:
            raise self._refused(out, value, 0)
        return value

    def _refused(self, out: Out, value: bytes, index: int) -> EncodeError:
        topic, key, type_name, _ = out
        emitted = f"{self._agent} emitted {type_name}"
        if topic not in self._writes:
            return EncodeError(
                f"{emitted} to {topic}, the map allows {sorted(self._writes)}: add the topic to its `writes`"
            )
        if not key:
            return EncodeError(f"{emitted} without a key: give its aggregate's id")
        if index > MAX_INDEX:
            return EncodeError(f"{self._agent} made more than {MAX_INDEX} outputs of one event: emit fewer")
        return EncodeError(
            f"{emitted} of {len(value)} bytes, the limit is {self._room}: "
            "put large bytes into the object store and their key into the event"
        )
