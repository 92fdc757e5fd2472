"""The lane: a Faust transport that hands an agent one event per (partition, up to 4096 records).

Stock Faust makes two tasks per record, which bounds it at 8,000 events a second. Here the event's value is
a `Chunk`, acknowledged explicitly and as a whole:

    app = faust.App(..., broker="kinolane://host:9092;host:9092")
    @app.agent(app.topic("media.asset.events", value_serializer="kinolane"))
    async def agent(stream):
        async for event in stream.noack().events():
            chunk: Chunk = event.value
            ...
            event.ack()

It subclasses Faust's consumer and reads aiokafka's fetcher; `tests/unit/engine/test_canary.py` pins every
internal that is touched. Every topic of the app is read this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar, Final, Protocol, cast

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.serializers import codecs
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from faust.types.tuples import ack_lock

from streams.engine.acks import Acks, Standing
from streams.engine.chunk import Chunk

SCHEME: Final = "kinolane"
POLL_SECONDS = 1.0  # only a ceiling: a poll returns as soon as there are records
FETCH_WAIT_MS = 100  # the broker's long poll (Faust fixes 1500); idle CPU of 100 partitions: 4 %


class Hooks(Protocol):
    """What the lane asks the runtime. Set as `app.lane_hooks` before the app starts."""

    def limits(self, topic: str) -> tuple[int, int]:
        """(records in a chunk at most, chunks of a partition open at most) of a topic."""

    async def positions(self, consumer: Any, assigned: set[TP]) -> dict[TP, int]:
        """Where to read each partition from after a rebalance; those left out stay at their commit."""


class PassThrough(codecs.Codec):
    """Hands the chunk to the agent as it is: decoding is the handler's, whose errors nobody swallows."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


class LaneThread(driver.AIOKafkaConsumerThread):
    """The consumer's own thread: aiokafka with a short long poll and light records."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # read when start() makes the fetcher
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetch = fetcher._proc_fetch_request

        async def fetch_light(assignment: Any, node_id: Any, request: Any) -> Any:
            done = await fetch(assignment, node_id, request)
            for result in fetcher._records.values():
                if isinstance(result, FetchResult):
                    make_light(result)
            return done

        fetcher._proc_fetch_request = fetch_light


def make_light(result: FetchResult) -> None:
    """Let a fetch result give its records as parsed, all at once.

    aiokafka makes a dataclass of each and passes it through three Python frames, which together cost more
    than decoding the event.
    """

    def as_parsed(_tp: Any, record: Any) -> Any:
        return record

    def getall(max_records: int | None = None) -> list[Any]:
        if not result.check_assignment(result._topic_partition) or not result.has_more():
            return []
        records = list(islice(result._partition_records._records_iterator, max_records))
        result._update_position()
        if max_records is None or len(records) < max_records:
            result._partition_records = None
        return records

    if result._partition_records is not None:
        result._partition_records._consumer_record = as_parsed
    result.getall = getall


class Consumer(driver.Consumer):
    """Kafka consumer with a chunked drain loop and its own acknowledgement tracker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tracked: dict[TP, Acks] = {}
        self._ack_seen = asyncio.Event()
        self._sought: dict[TP, int] = {}  # where the last seek went: only there a gap is the log's own
        self.turn = 0  # seeks so far: what was fetched under an older one is taken back

    @property
    def _hooks(self) -> Hooks:
        hooks: Hooks = cast(Any, self.app).lane_hooks
        return hooks

    def _new_consumer_thread(self) -> LaneThread:
        return LaneThread(self, loop=self.loop, beacon=self.beacon)

    # -- acknowledgement: replaces Faust's offset lists and interval trees ---------------------

    def ack(self, message: Any) -> bool:
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            acks = self._tracked.get(message.tp)
            if acks is not None and message.value.turn == self.turn:
                acks.acked(message.offset)
            self._ack_seen.set()
            return True

    def _new_offset(self, tp: TP) -> int | None:
        return self._tracked[tp].position if tp in self._tracked else None

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter([tp for tp in self._tracked if not topics or tp in topics or tp.topic in topics])

    def standings(self) -> dict[TP, Standing]:
        """Of each assigned partition of which an answer to a fetch told the end."""
        found: dict[TP, Standing] = {}
        for tp in self.assignment() if self.flow_active else ():
            try:
                end = self.highwater(tp)
            except (AssertionError, AttributeError, KeyError):
                continue  # the consumer's thread lost it meanwhile: the next look is soon
            done = self._tracked[tp].position if tp in self._tracked else self._read_offset[tp]
            if end is not None:
                found[tp] = Standing(done or 0, end)
        return found

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)
        if self._tracked and not self.app.should_stop:
            await self.commit()  # what was acked, while the group still lets us
        self._tracked.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._tracked.clear()  # eager protocol: every partition is read again from where we seek
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Called by Faust after every rebalance, before the flow resumes: to the commits, then the hooks'."""
        self.turn += 1
        self._tracked.clear()
        try:
            await super().perform_seek()
            wanted = await self._hooks.positions(self, self.assignment())
            await self.seek_wait(wanted)
        except IllegalStateError as exc:
            self.log.warning("seek: %r: another rebalance follows", exc)
        self._sought = {tp: at or 0 for tp, at in self._read_offset.items()}

    # -- delivery ------------------------------------------------------------------------------

    def _has_room(self, tp: TP) -> bool:
        return tp not in self._tracked or self._tracked[tp].open_chunks < self._hooks.limits(tp.topic)[1]

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  # Faust's
        wanted = active_partitions or set()
        ready = {tp for tp in wanted if self._has_room(tp)}
        if wanted and not ready:
            self._ack_seen.clear()
            await self.wait_first(self._ack_seen.wait(), self.suspend_flow.wait(), timeout=timeout)
            return {}
        # With some partitions full, look again soon: an ack must not wait for another partition's records.
        return await super()._getmany(ready or None, timeout if ready == wanted else 0.01)

    def _is_gap(self, tp: TP, first: int) -> bool:
        """Whether records are missing before `first` that a second look might still bring.

        A gap right where we sought to is the log's own (compaction, transaction markers). Any other one
        is looked at again by seeking to its begin: what a rebalance made us skip is then read.
        """
        at = self._read_offset[tp] or 0
        return first != at and self._sought.get(tp) != at

    async def _deliver(self, tp: TP, records: list[Any]) -> None:
        size = self._hooks.limits(tp.topic)[0]
        turn, generation = self.turn, self.app.consumer_generation_id
        for i in range(0, len(records), size):
            if turn != self.turn or generation != self.app.consumer_generation_id or not self.flow_active:
                return  # rebalancing: its end seeks, and the rest is read again
            part = tuple(records[i : i + size])
            start, first, until = self._read_offset[tp] or 0, part[0].offset, part[-1].offset + 1
            if self._is_gap(tp, first):
                self.log.warning("%s: read to %s, next record %s: looking again", tp, start, first)
                self._sought[tp] = start
                await self.seek_wait({tp: start})
                return
            chunk: Any = Chunk(tp.topic, tp.partition, start, part, turn)
            message = ConsumerMessage(
                tp.topic, tp.partition, first, part[0].timestamp / 1000.0, 0, [], None, chunk, None, 0, 0, tp,
                generation_id=generation,
            )  # fmt: skip
            self._tracked.setdefault(tp, Acks()).delivered(first, until)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            if turn == self.turn:
                self._read_offset[tp] = until

    async def _take_back(self) -> None:
        """Records fetched across a seek: the consumer's position may stand behind them already.

        Dropping them would be a hole, delivering them may be one too: so seek again, once the flow is back.
        """
        await self.wait_first(self.can_resume_flow.wait())
        if not self.should_stop:
            await self.perform_seek()

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                turn = self.turn
                records, active = await self._wait_next_records(POLL_SECONDS)
                if self.should_stop:
                    return
                if records and (turn != self.turn or not self.flow_active):
                    self.log.info("taken back after a seek: %s", {tp: len(b) for tp, b in records.items()})
                    await self._take_back()
                    continue
                if not self.flow_active:
                    continue  # a rebalance is on: its end seeks
                for tp, batch in (records or {}).items():
                    if turn != self.turn:
                        break  # these were fetched before the seek, which set every position anew
                    if active is None or tp in active or tp in self._buffered_partitions:
                        seen = self._read_offset[tp]
                        if batch and seen is not None and batch[0].offset < seen:
                            batch = [r for r in batch if r.offset >= seen]
                        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                        await self._deliver(tp, batch)
                await asyncio.sleep(0)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise


class Transport(driver.Transport):
    """Chosen by the scheme of the broker URL."""

    Consumer: ClassVar[Any] = Consumer


codecs.register(SCHEME, PassThrough())
TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
