"""A small map of a test's own on the shared stack: topics, a decider, a projector, and what feeds them."""

from __future__ import annotations

import asyncio
import secrets
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.topics import create_topics
from schemas.catalog import Topology, load_topology
from schemas.event import Event
from schemas.keys import table_of
from schemas.wire import codec
from schemas.wiring import TIMER_DUE
from streams.core.clients import clickhouse_client
from streams.core.producer import EventProducer, OutputProducer
from streams.core.settings import Settings
from streams.engine.agents import Out, State, decider, projector
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.history import History, Table
from streams.engine.ops import Op
from streams.engine.outputs import Encoder, Outputs
from streams.engine.projectors import ProjectorFold
from streams.engine.reading import Place, Reading
from streams.engine.replay import Replay
from streams.engine.store import RedisStore
from streams.engine.transact import Fold, Transactor
from streams.engine.versions import REQUEST_WINDOW

PARTITIONS = 3
MAP = """\
version: 1
retention: {{facts: {{days: -1}}, dead_letters: {{days: 30}}}}
topics:
  {name}.asked.requests:
    {{owner: {name}, retention: facts, partitions: {partitions}, key: key, public: false, doc: Asked.,
     events: [kinolog.engine.TimerDue]}}
  {name}.said.events:
    {{owner: {name}, retention: facts, partitions: {partitions}, key: key, public: false, doc: Said.,
     events: [kinolog.engine.TimerDue, kinolog.engine.RequestRefused, kinolog.engine.RequestRepeated]}}
  engine.projection.events:
    {{owner: engine, retention: facts, partitions: 1, key: name, public: false, doc: Receipts.,
     events: [kinolog.engine.ProjectionRebuilt]}}
apps: {{{name}: {{domain: {name}, doc: The test's.}}}}
agents:
  {name}.asked:
    {{kind: decider, app: {name}, reads: {name}.asked.requests, writes: [{name}.said.events],
     function: "{module}:decide"}}
  {name}.view:
    {{kind: projector, app: {name}, reads: {name}.said.events, store: redis, function: "{module}:project"}}
  {name}.log:
    {{kind: projector, app: {name}, reads: {name}.said.events, store: clickhouse, table: {name},
     function: "{module}:rows"}}
"""
DDL = """
CREATE TABLE IF NOT EXISTS {table}
(topic String, partition UInt32, offset UInt64, key String, due_at_ms Int64, at DateTime64 DEFAULT now64())
ENGINE = MergeTree ORDER BY (topic, partition, offset) SETTINGS non_replicated_deduplication_window = 1000
"""


class World:
    """Everything under one random name, so that tests on one stack do not meet."""

    def __init__(self, settings: Settings, client: Any, folder: Path) -> None:
        self.name = f"t{secrets.token_hex(5)}"
        self.settings, self.client = settings, client
        self.asked, self.said = f"{self.name}.asked.requests", f"{self.name}.said.events"
        self.decider, self.view, self.log = (f"{self.name}.{what}" for what in ("asked", "view", "log"))
        self.project: Any = _project  # the code as it is now
        self.rows: Any = _rows
        self._module = install(
            self.name, self._decide, lambda *args: self.project(*args), lambda event: self.rows(event)
        )
        path = folder / f"{self.name}.yaml"
        path.write_text(MAP.format(name=self.name, module=self._module.__name__, partitions=PARTITIONS))
        self.topology: Topology = load_topology(path)
        create_topics(settings, self.topology)
        self._clickhouse: Any = None
        self.replays: list[Replay] = []  # closed at the end
        patient = settings.model_copy(update={"publish_timeout_s": 60.0})
        self.producer = EventProducer(patient, "test")
        self._outputs = OutputProducer(settings)
        self._reading = {
            topic: Reading(settings, [Place(topic, partition) for partition in range(PARTITIONS)])
            for topic in (self.asked, self.said)
        }

    async def close(self) -> None:
        await self.producer.close()
        for replay in self.replays:
            await replay.close()
        if self._clickhouse is not None:
            await self._clickhouse.close()
        for reading in self._reading.values():
            reading.close()
        del sys.modules[self._module.__name__]

    @property
    def _decide(self) -> Any:
        def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
            n = (state or {"n": 0})["n"] + 1
            return {"n": n}, [Out(self.said, event.key, TIMER_DUE, {**event.data, "note": str(n)})]

        return decide

    async def ask(self, count: int, topic: str = "", begin: int = 0) -> None:
        """Put events of `count` keys on a topic, by default on the projector's."""
        for n in range(begin, begin + count):
            data = {"timer_id": f"k{n % 40}", "due_at_ms": n, "note": ""}
            await self.producer.publish(topic or self.said, f"k{n % 40}", TIMER_DUE, data)

    def store(self, agent: str, version: int = 1) -> RedisStore:
        window = REQUEST_WINDOW if agent == self.decider else 0
        return RedisStore(self.client, agent, version, window)

    async def feed(self, agent: str, version: int = 1) -> None:
        """What the agent's live worker would do until it stands at the log's end."""
        reading = self._reading[self.topology.agent(agent).reads]
        applier: Any = self._history(version) if agent == self.log else self._transactor(agent, version)
        spans = {}
        for place, end in (await reading.ends()).items():
            at = applier.table.fence(*place) if agent == self.log else applier.store.fence(place.partition)
            spans[place] = (await at + 1, end - 1)
        async for chunk in reading.chunks(spans, 7):
            await applier.apply(chunk)

    async def fences(self, agent: str, version: int) -> list[int]:
        store = self.store(agent, version)
        return [await store.fence(partition) for partition in range(PARTITIONS)]

    async def ends(self) -> list[int]:
        """Last offset of each partition of the projector's topic."""
        return [end - 1 for _, end in sorted((await self._reading[self.said].ends()).items())]

    async def _clickhouse_client(self) -> Any:
        if self._clickhouse is None:
            self._clickhouse = await clickhouse_client(self.settings)
        return self._clickhouse

    async def lose_begin(self, partition: int, offset: int) -> None:
        """The projector's topic loses the records of a partition below an offset."""
        admin: Any = AdminClient(self.settings.kafka_client())
        for future in admin.delete_records([TopicPartition(self.said, partition, offset)]).values():
            await asyncio.to_thread(future.result, 60)

    def table(self, version: int) -> Table:
        return Table(self._clickhouse_client, table_of(self.name, version))

    def _history(self, version: int) -> History:
        outputs, letters = Outputs(self._outputs), DeadLetters(self.log, "test")
        return History(self.log, codec(), self.table(version), lambda e: self.rows(e), outputs, letters)

    async def keys(self, agent: str, version: int) -> int:
        found = [key async for key in self.client.scan_iter(match=f"{{{agent}:{version}:*", count=5000)]
        return len(found)

    def _transactor(self, agent: str, version: int) -> Transactor:
        fold: Fold = ProjectorFold(lambda state, event: self.project(state, event))
        if agent == self.decider:
            encoder = Encoder(codec(), agent, (self.said,), self.settings.event_max_bytes)
            fold = DeciderFold(agent, self.asked, self.said, self._decide, encoder)
        letters = DeadLetters(agent, "test")
        return Transactor(agent, codec(), self.store(agent, version), fold, Outputs(self._outputs), letters)


def install(name: str, decide: Any = None, project: Any = None, rows: Any = None) -> types.ModuleType:
    """The module that the map of the world `name` speaks of; without functions, with those it begins with."""
    module = types.ModuleType(f"tests.integration.engine.{name}")
    module.__dict__.update(
        decide=decider(f"{name}.asked")(decide or (lambda state, event: (state, []))),
        project=projector(f"{name}.view")(project or (lambda *args: _project(*args))),
        rows=projector(f"{name}.log", ddl=DDL)(rows or (lambda event: _rows(event))),
    )
    sys.modules[module.__name__] = module
    return module


def _project(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    entries = [*(state or {"entries": []})["entries"], event.data["due_at_ms"]]
    return {"entries": entries}, [Op("ZADD", "newest", event.data["due_at_ms"], event.key)]


def _rows(event: Event) -> list[dict[str, Any]]:
    where = {"topic": event.topic, "partition": event.partition, "offset": event.offset, "key": event.key}
    return [{**where, "due_at_ms": event.data["due_at_ms"]}]


def read_back(settings: Settings, topic: str, partitions: Sequence[int] = (0,)) -> list[Any]:
    """Every message of these partitions, up to their ends as they are now."""
    consumer = Consumer(
        {**settings.kafka_client(), "group.id": "test-back", "enable.auto.commit": False,
         "enable.partition.eof": True, "auto.offset.reset": "earliest"}
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found, ended = [], set()
    while len(ended) < len(partitions):
        message = consumer.poll(60)
        assert message is not None, f"{topic} did not answer within 60 s"
        if message.error() is not None:
            ended.add(message.partition())
        else:
            found.append(message)
    consumer.close()
    return found
