"""One app of the map as a running Faust worker: clients, stores and agents are put together here only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, cast

import faust
import structlog
import uvloop
from faust.types import TP

from schemas.catalog import Agent, Topology
from schemas.keys import GROUP_PREFIX, table_of
from schemas.wire import Codec, codec
from schemas.wiring import check_functions
from streams.core import garbage, metrics
from streams.core.clients import clickhouse_client, redis_client
from streams.core.ending import end_process
from streams.core.logging import configure_logging
from streams.core.producer import OutputProducer
from streams.core.settings import Settings, SettingsError
from streams.engine import memory
from streams.engine.acks import Standing
from streams.engine.agents import TABLES, WORKER_OPTIONS
from streams.engine.chunk import CHUNK_RECORDS
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.errors import End, EngineError
from streams.engine.health import serve_health
from streams.engine.history import History, Table
from streams.engine.lag import Lag
from streams.engine.lane import SCHEME
from streams.engine.leases import Leases
from streams.engine.outputs import Encoder, Outputs
from streams.engine.packing import PackedConnection
from streams.engine.positions import Positions
from streams.engine.projectors import ProjectorFold
from streams.engine.runners import FencedRunner, Runner, TapRunner
from streams.engine.store import RedisStore
from streams.engine.table_runner import TableRunner
from streams.engine.timers import TimerFold, Timers
from streams.engine.transact import Fold, Transactor
from streams.engine.versions import REQUEST_WINDOW, current_version
from streams.engine.watch import TABLE_PERIOD_S, Fences, Watch, Watched
from streams.engine.workers import WorkerRunner

log = structlog.get_logger("kinolog.engine")

OPEN_CHUNKS = 4  # of one partition, delivered and not acked
OPEN_JOBS = 256  # the same for workers, whose chunks are single records: what priorities choose among


class Runtime:
    """Builds the agents of one app. Also the lane's `Hooks`."""

    def __init__(
        self, settings: Settings, topology: Topology, app: str, end: End = end_process, group: str = ""
    ) -> None:
        """Raises ContractError if the map names no such app or an agent's function is missing."""
        self.settings, self.topology, self.name, self.end = settings, topology, app, end
        self.group = group or GROUP_PREFIX + app
        self.agents = topology.agents_of(app)
        self._functions = check_functions(topology, self.agents)
        self._codec: Codec = codec()
        packed: dict[str, Any] = {} if settings.redis_cluster else {"connection_class": PackedConnection}
        self._redis: Any = redis_client(settings, **packed)
        self._outputs = Outputs(OutputProducer(settings, end))
        self._limits: dict[str, tuple[int, int]] = {}
        self._tasks: list[Callable[[], Any]] = []
        self._watched: list[Watched] = []
        self._waits_for = "the first assignment of partitions"
        self.runners: dict[str, list[Runner]] = {}
        self.app = self._faust_app()

    # -- the lane's hooks ------------------------------------------------------------------

    def limits(self, topic: str) -> tuple[int, int]:
        return self._limits[topic]

    async def positions(self, consumer: Any, assigned: set[TP]) -> dict[TP, int]:
        found = await Positions(self.runners, self.end).after_rebalance(consumer, assigned)
        self._waits_for = ""
        return found

    # -- building --------------------------------------------------------------------------

    async def build(self) -> None:
        """Make every agent's runner. Asks the store for the versions of projections."""
        for agent in self.agents:
            runner = await self._runner(agent)
            self.runners.setdefault(agent.reads, []).append(runner)
            single = agent.kind == "worker"
            limits = (1, OPEN_JOBS) if single else (CHUNK_RECORDS, OPEN_CHUNKS)
            held = self._limits.get(agent.reads, limits)
            self._limits[agent.reads] = (min(held[0], limits[0]), max(held[1], limits[1]))
            self._register(agent, runner)

    def _register(self, agent: Agent, runner: Runner) -> None:
        topic = self.app.topic(agent.reads, value_serializer=SCHEME, value_type=None)

        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                runner.submit(event)

        self.app.agent(topic, name=agent.name)(consume)

    async def _runner(self, agent: Agent) -> Runner:
        function = self._functions[agent.name]
        letters = DeadLetters(agent.name, self.group)
        if agent.kind == "decider":
            encoder = self._encoder(agent, agent.writes)
            answers = self.topology.outcome_topic(agent).name
            fold = DeciderFold(agent.name, agent.reads, answers, function, encoder)
            return self._fenced(agent, RedisStore(self._redis, agent.name, 1, REQUEST_WINDOW), fold, letters)
        if agent.kind == "timer":
            store = RedisStore(self._redis, agent.name)
            runner = self._fenced(agent, store, TimerFold(tuple(self.topology.topics)), letters)
            encoder = self._encoder(agent, tuple(self.topology.topics))
            timers = Timers(agent, store, self._redis, self._outputs, encoder, runner.applied)
            self._tasks.append(timers.run)
            return runner
        if agent.kind == "worker":
            return self._worker(agent, function, letters)
        if agent.store == "clickhouse":
            return await self._history(agent, function, letters)
        if agent.store == "none":
            return TapRunner(self._codec, function, self.end, agent.name)
        version = await current_version(self._redis, agent.name)
        store = RedisStore(self._redis, agent.name, version)
        return self._fenced(agent, store, ProjectorFold(function), letters)

    def _fenced(self, agent: Agent, store: RedisStore, fold: Fold, letters: DeadLetters) -> FencedRunner:
        applier = Transactor(agent.name, self._codec, store, fold, self._outputs, letters)

        async def fences(seen: Fences) -> Fences:
            return {partition: await store.fence(partition) for partition in seen}

        current = self._version_of(agent, store.version)
        self._watched.append(Watched(agent.name, applier.applied, fences, store.version, current))
        return FencedRunner(applier, store.fence, self._turn, self.end, agent.name, agent.pace_ms / 1000)

    async def _history(self, agent: Agent, function: Callable[..., Any], letters: DeadLetters) -> TableRunner:
        version = await current_version(self._redis, agent.table)
        name, cluster = table_of(agent.table, version), self.settings.clickhouse_cluster
        table = Table(lambda: clickhouse_client(self.settings), name, cluster)
        ddl = getattr(function, TABLES, {}).get(agent.name)
        if ddl:
            await table.create(ddl)
        applier = History(agent.name, self._codec, table, function, self._outputs, letters)

        async def fence(partition: int) -> int:
            return await table.fence(agent.reads, partition)

        async def fences(seen: Fences) -> Fences:
            return await table.fences(agent.reads, seen)

        current = self._version_of(agent, version)
        self._watched.append(Watched(agent.name, applier.applied, fences, version, current, TABLE_PERIOD_S))
        return TableRunner(applier, fence, self._turn, self.end, agent.name, agent.pace_ms / 1000)

    def _worker(self, agent: Agent, function: Callable[..., Any], letters: DeadLetters) -> WorkerRunner:
        runner = WorkerRunner(
            agent.name, function, getattr(function, WORKER_OPTIONS)[agent.name], self.settings, self._codec,
            self._encoder(agent, agent.writes), self._outputs, letters,
            Leases(self._redis, f"{agent.name}/{self.settings.instance}"), self._turn, self.end,
        )  # fmt: skip
        self._tasks.append(runner.run)
        return runner

    def _encoder(self, agent: Agent, writes: Iterable[str]) -> Encoder:
        return Encoder(self._codec, agent.name, tuple(writes), self.settings.event_max_bytes)

    def _version_of(self, agent: Agent, version: int) -> Callable[[], Awaitable[int]]:
        async def current() -> int:
            versioned = agent.kind == "projector"
            return await current_version(self._redis, agent.table or agent.name) if versioned else version

        return current

    def _turn(self) -> int:
        turn: int = cast(Any, self.app.consumer).turn
        return turn

    def _standings(self) -> dict[TP, Standing]:
        found: dict[TP, Standing] = cast(Any, self.app.consumer).standings()
        return found

    def _faust_app(self) -> faust.App:
        settings = self.settings
        datadir = Path(settings.kinolog_home) / "faust" / f"{self.group}-{settings.instance}"
        datadir.mkdir(parents=True, exist_ok=True)
        app = faust.App(
            self.group,
            broker=[f"{SCHEME}://{host.strip()}" for host in settings.kafka_bootstrap_servers.split(",")],
            broker_credentials=credentials(settings),
            store="memory://",
            datadir=str(datadir),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,  # one unacked event would hang the shutdown for ever
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.0,
            broker_rebalance_timeout=10.0,
            broker_commit_interval=1.0,
            # Records are parsed when polled: no more at a time than are used at once, in memory still warm.
            broker_max_poll_records=CHUNK_RECORDS,
            broker_max_poll_interval=86_400.0,  # a worker whose slots are full polls nothing for hours
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=f"{self.group}-{settings.instance}",
            consumer_metadata_max_age_ms=3000,  # a broker just restarted may not know the topic yet
        )
        cast(Any, app).lane_hooks = self
        return app

    # -- running ---------------------------------------------------------------------------

    def waits_for(self) -> str:
        """What keeps this process from being ready, "" when it reads."""
        return self._waits_for

    async def background(self) -> None:
        """Everything beside the agents: watch, timers, job slots. Its failure ends the process."""
        try:
            watches = (Watch(self._watched, self.end).run(), Lag(self.runners, self._standings).run())
            await asyncio.gather(*watches, memory.sweep(), *(task() for task in self._tasks))
        except (SettingsError, EngineError) as exc:
            self.end(str(exc))
        except Exception as exc:
            self.end(f"{self.name}: {exc!r}: this is a bug of the engine, please report it")


def credentials(settings: Settings) -> Any:
    """How Faust's consumer signs in: the same settings that `Settings.kafka_client` gives librdkafka."""
    context = settings.kafka_ssl_context()
    if settings.kafka_sasl_mechanism:
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


def run_worker(
    settings: Settings,
    topology: Topology,
    app: str,
    metrics_port: int = 0,
    end: End = end_process,
    group: str = "",
) -> None:
    """Run one app of the map until it is told to stop. `metrics_port` 0 serves no metrics.

    `group` is the consumer group, by default the app's own.

    Raises SystemExit with Faust's status. Signals SIGTERM and SIGINT end it within two seconds.
    """
    configure_logging(settings, f"worker-{app}")
    metrics.initialise(topology)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    runtime = Runtime(settings, topology, app, end, group)
    loop.run_until_complete(runtime.build())

    garbage.settle(memory.CONTAINERS)
    runtime.app.task(runtime.background)
    if metrics_port:
        loop.run_until_complete(serve_health(settings.bind_host, metrics_port, runtime.waits_for))
    faust.Worker(
        runtime.app,
        loglevel=settings.log_level,
        loop=loop,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
    ).execute_from_commandline()
