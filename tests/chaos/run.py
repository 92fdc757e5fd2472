"""One chaos run: clients ask, blows fall, everything settles, the oracle judges."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import redis
from confluent_kafka import Consumer, TopicPartition

from deploy.local import launcher
from deploy.local.ports import free_ports
from schemas.keys import pointer_key
from tests.chaos import oracle
from tests.chaos.clients import Clients
from tests.chaos.crew import Crew
from tests.chaos.servers import HERE, Cluster, cut_append_only_file, map_of

WORKERS = {"a": "chaos-a", "b": "chaos-b", "c": "chaos-c", "w": "chaos-work"}
GATEWAYS = ("g1", "g2")
FREEZE_S = 9.0  # beyond the session timeout of 6 s
JOIN_S = 5.0  # for a second worker to take its share
SETTLE_S = 300.0
KINDS = (
    "gateway",
    "a",
    "b",
    "c",
    "w",
    "two",
    "broker",
    "redis",
    "clickhouse",
    "freeze",
    "rebalance",
    "flush",
)


@dataclass
class Plan:
    """What to do in one run."""

    blows: list[str]
    clients: int = 24
    per_s: float = 4.0
    pause_s: tuple[float, float] = (1.0, 2.5)  # between blows
    seed: int = 7
    without: str = ""  # rules taken away, comma-separated
    last_cut: bool = True  # cut the store's tail once more when all is quiet
    deadline_s: float = 3600.0  # no further blow after this
    recover_s: float = SETTLE_S  # after the last cut
    replay: bool = False  # at the end verify the deciders, rebuild the projector, and go on upon that


@dataclass
class Result:
    """How it ended; no faults means exact."""

    faults: list[str]
    requests: int
    entries: int
    retries: int
    blows: Counter[str]
    kills: Counter[str]
    exits: Counter[str]
    seconds: float
    settled: bool = field(default=False)
    calm: bool = field(default=False)  # all was right before the store's tail was cut at the end

    def summary(self) -> str:
        verdict = "EXACT" if not self.faults else f"WRONG: {len(self.faults)} faults"
        return (
            f"{verdict}; {self.requests} requests, {self.entries} entries, {self.retries} retries, "
            f"{self.seconds:.0f} s; blows {dict(self.blows)}; kills {dict(self.kills)}; "
            f"own exits {dict(self.exits)}"
        )


class Chaos:
    """Drives one run on a running stack."""

    def __init__(
        self, stack: launcher.Stack, plan: Plan, cluster: Cluster | None = None,
        say: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self._stack, self._plan, self._cluster = stack, plan, cluster
        self._rng = random.Random(plan.seed)
        self._began = time.monotonic()
        self._tell = say
        self._settle_s = SETTLE_S
        env = {**stack.env, **map_of(HERE)}
        if cluster is not None:
            env |= {"REDIS_URL": f"redis://127.0.0.1:{cluster.ports[0]}", "REDIS_CLUSTER": "true"}
        self._crew = Crew(env, stack.home.logs, self._say)
        self._blows: Counter[str] = Counter()
        self._background: list[asyncio.Task[None]] = []
        ports = free_ports(GATEWAYS)
        self._gateways = {name: ports[name] for name in GATEWAYS}
        self._clients = Clients(plan.clients, plan.per_s, list(ports.values()), self._rng)

    def _say(self, text: str) -> None:
        self._tell(f"{time.monotonic() - self._began:7.1f} {text}")

    async def run(self) -> Result:
        keeper = asyncio.create_task(self._crew.keep())
        try:
            for name, port in self._gateways.items():
                self._crew.start(name, ["-m", "tests.chaos.gateway", str(port)])
            for stage in WORKERS:
                self._start(stage, 1)
            until = asyncio.get_running_loop().create_future()
            asking = asyncio.create_task(self._ask(until))
            await self._wait(lambda now: now > 0, "the first entry")
            for blow in self._plan.blows:
                if time.monotonic() - self._began > self._plan.deadline_s:
                    break
                await self._deal(blow)
                await asyncio.sleep(self._rng.uniform(*self._plan.pause_s))
            await asyncio.gather(*self._background)
            until.set_result(None)
            await asking
            self._say("clients are done")
            settled = await self._settle()
            calm = settled and not await asyncio.to_thread(self._judge)
            if self._plan.last_cut and self._cluster is None:
                self._settle_s = self._plan.recover_s
                await self._cut_redis()
                settled = await self._settle()
            found = await asyncio.to_thread(self._judge)
            if self._plan.replay:
                found += await self._replay()
        finally:
            keeper.cancel()
            await asyncio.to_thread(self._crew.stop)
        acked = self._clients.acked
        return Result(
            found, sum(map(len, acked.values())), oracle.copies(acked), self._clients.retries, self._blows,
            self._crew.kills, self._crew.exits, time.monotonic() - self._began, settled, calm,
        )  # fmt: skip

    def _start(self, stage: str, number: int) -> str:
        name = f"{stage}{number}"
        command = ["-m", "tests.chaos.worker", WORKERS[stage], str(number)]
        self._crew.start(name, [*command, f"without={self._plan.without}"])
        return name

    async def _ask(self, until: asyncio.Future[None]) -> None:
        """Clients ask in short rounds until told to stop, so that the end need not be known before."""
        while not until.done():
            await self._clients.run(time.monotonic() + 1.0)

    # -- blows ---------------------------------------------------------------------------------

    async def _deal(self, blow: str) -> None:
        self._blows[blow] += 1
        deal: dict[str, Callable[[], Awaitable[None]]] = {
            "two": self._two, "broker": self._broker, "redis": self._cut_redis, "flush": self._flush,
            "clickhouse": self._clickhouse, "freeze": self._freeze, "rebalance": self._rebalance,
        }  # fmt: skip
        if blow in deal:
            await deal[blow]()
            return
        name = self._rng.choice(GATEWAYS) if blow == "gateway" else f"{blow}1"
        self._say(f"kill {name}")
        self._crew.kill(name)

    async def _two(self) -> None:
        names = self._rng.sample(self._crew.names(), 2)
        self._say(f"kill {' and '.join(names)}")
        for name in names:
            self._crew.kill(name)

    async def _restart(self, server: str) -> None:
        self._say(f"kill {server}")
        await asyncio.to_thread(self._stack.restart, server)

    async def _broker(self) -> None:
        await self._restart("kafka")

    async def _clickhouse(self) -> None:
        await self._restart("clickhouse")

    async def _cut_redis(self) -> None:
        if self._cluster is not None:
            n = self._rng.randrange(3)
            self._say(f"kill cluster node {n}; it comes back empty")
            await asyncio.to_thread(self._cluster.restart_empty, n)
            return
        await asyncio.to_thread(self._stack.kill, "redis")
        folder = self._stack.home.data("redis")
        lost = cut_append_only_file(folder, self._rng.randrange(20_000, 150_000))
        self._say(f"kill redis; {lost} bytes of its file are lost")
        await asyncio.to_thread(self._stack.resume, "redis")

    async def _flush(self) -> None:
        self._say("FLUSHALL")
        await asyncio.to_thread(self._redis().flushall)

    async def _freeze(self) -> None:
        self._in_background(self._frozen(self._rng.choice("ab")))

    async def _frozen(self, stage: str) -> None:
        second = await self._joined(stage)
        self._say(f"freeze {stage}1")
        await self._crew.freeze(f"{stage}1", FREEZE_S)
        self._say(f"{stage}1 wakes")
        await asyncio.sleep(2)
        self._crew.dismiss(second)

    async def _rebalance(self) -> None:
        self._in_background(self._comes_and_goes(self._rng.choice("abc")))

    async def _comes_and_goes(self, stage: str) -> None:
        second = await self._joined(stage)
        self._crew.dismiss(second)
        self._say(f"{second} goes")

    async def _joined(self, stage: str) -> str:
        taken = self._crew.names()
        number = next(n for n in range(2, 9) if f"{stage}{n}" not in taken)
        self._say(f"{stage}{number} comes")
        name = self._start(stage, number)
        await asyncio.sleep(JOIN_S)
        return name

    def _in_background(self, what: Any) -> None:
        self._background.append(asyncio.create_task(what))

    # -- the end -------------------------------------------------------------------------------

    async def _replay(self) -> list[str]:
        """Prove the states from the log, move the projector to its next version while clients ask on."""
        found = []
        until = asyncio.get_running_loop().create_future()
        asking = asyncio.create_task(self._ask(until))
        for command in (["verify", "chaos.a"], ["verify", "chaos.b"], ["rebuild", "chaos.c"]):
            code, said = await self._crew.once(["-m", "deploy.cli", *command])
            self._say(f"{' '.join(command)}: {code}")
            if code:
                found.append(f"{' '.join(command)} ended with {code}: {said}")
        until.set_result(None)
        await asking
        await self._settle()
        if await self._patiently(lambda: self._redis().get(pointer_key("chaos.c"))) != b"2":
            found.append("readers of chaos.c did not go over to version 2")
        return found + await asyncio.to_thread(self._judge)

    async def _settle(self) -> bool:
        wanted = oracle.copies(self._clients.acked)
        if not await self._wait(lambda now: now >= wanted, f"{wanted} entries"):
            return False
        toils = sum(len(held) for held in await self._patiently(self._toiled))
        self._say(f"settled: {wanted} entries, {toils} works")
        return await self._wait_rows(sum(await asyncio.to_thread(self._log_ends)))

    async def _wait(self, enough: Callable[[int], bool], what: str) -> bool:
        deadline = time.monotonic() + self._settle_s
        while True:
            now = await self._patiently(lambda: oracle.applied(self._redis()))
            if enough(now):
                return True
            if time.monotonic() > deadline:
                self._say(f"gave up waiting for {what}: {now}")
                return False
            await asyncio.sleep(0.3)

    async def _wait_rows(self, wanted: int) -> bool:
        deadline = time.monotonic() + self._settle_s
        while len(rows := await asyncio.to_thread(self._rows)) < wanted:
            if time.monotonic() > deadline:
                self._say(f"gave up waiting for {wanted} rows: {len(rows)}")
                return False
            await asyncio.sleep(0.5)
        missing = await self._patiently(self._works_missing)
        while missing and time.monotonic() < deadline:
            await asyncio.sleep(0.3)
            missing = await self._patiently(self._works_missing)
        return not missing

    def _toiled(self) -> list[dict[str, int]]:
        return [state["toiled"] for state in oracle.read_redis(self._redis()).clients.values()]

    def _works_missing(self) -> int:
        done = sum(map(len, self._toiled()))
        wanted = sum(oracle.wants_work(rid) for rids in self._clients.acked.values() for rid in rids)
        return wanted - done

    def _judge(self) -> list[str]:
        held = oracle.read_redis(self._redis())
        held.rows = self._rows()
        return oracle.faults(self._clients.acked, held, self._log_ends())

    async def _patiently(self, ask: Callable[[], Any]) -> Any:
        while True:
            try:
                return await asyncio.to_thread(ask)
            except (redis.RedisError, OSError):
                await asyncio.sleep(0.3)

    def _redis(self) -> Any:
        if self._cluster is not None:
            return redis.RedisCluster(host="127.0.0.1", port=self._cluster.ports[0])
        return redis.Redis(port=self._stack.ports["redis"])

    def _rows(self) -> list[tuple[int, int, str]]:
        url = urlsplit(self._stack.env["CLICKHOUSE_URL"])
        client = clickhouse_connect.get_client(
            host=url.hostname, port=url.port, username=url.username, password=url.password,
            database=url.path.strip("/"), autogenerate_session_id=False,
        )  # fmt: skip
        return list(client.query("SELECT partition, offset, id FROM chaos_events").result_rows)

    def _log_ends(self) -> list[int]:
        servers = self._stack.env["KAFKA_BOOTSTRAP_SERVERS"]
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "chaos-oracle"})
        partitions = [TopicPartition("chaos.b.events", p) for p in range(oracle.PARTITIONS)]
        ends = [consumer.get_watermark_offsets(p, timeout=60)[1] for p in partitions]
        consumer.close()
        return ends


def blows_of(kinds: Sequence[str], each: int, seed: int) -> list[str]:
    """`each` blows of every kind, in an order that the seed decides."""
    blows = [kind for kind in kinds for _ in range(each)]
    random.Random(seed).shuffle(blows)
    return blows


def logs_of(stack: launcher.Stack) -> Path:
    """Where the run's processes wrote."""
    return stack.home.logs
