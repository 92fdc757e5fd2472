"""The lane beside its peers: events per CPU second of the consuming process, and latency to a projection.

All sides of a bench read the same topic, of events as the house writes them, with all their headers: 7 on
a request, 9 on a decider's output. Each parses them into names and bytes, as the clients of Faust, bytewax
and quixstreams do unasked; the bare loop asks. `lane.touch` is a peer of `lane.decide` and of
`lane.project`, each time on the topic that these read. The bare loop of `lane.decide` writes the same
output with the same headers, without state, fence or marks: the bound of any decider in Python. That of
`lane.project` writes the same documents, places and outcomes to Redis: the bound of any projector.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from confluent_kafka import Producer

from deploy.local import launcher
from deploy.local.layout import CHECKOUT
from schemas.event import deterministic_id
from schemas.headers import output_headers, request_headers, src_origin
from schemas.keys import PARTITIONER, partition_of, tag
from schemas.wire import codec
from streams.core.producer import EventProducer
from streams.core.settings import Settings
from tests.bench.harness import OURS, Bench, Goal
from tests.chaos.servers import map_of, mapped_stack

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
PEER_PYTHON = CHECKOUT / ".venv-bench" / "bin" / "python"
REQUESTS, COUNTED = "bench.beat.requests", "bench.counted.events"
# Every side reads the same number of events but stock Faust, which takes a minute for 200,000 sends.
EVENTS, STOCK_EVENTS = 200_000, 20_000
BEAT, MADE = "kinolog.bench.Beat", "kinolog.bench.Counted"
USERS = 1_000
PARTITIONS = 4
# Outcomes are written for events of the last ten minutes: those of a long run stay young enough.
AHEAD_MS = 30 * 60 * 1000
LATENCY_EVENTS, LATENCY_PER_S = 1_000, 100.0
TIMEOUT_S = 240.0


class Lane:
    """The benches on one stack of their own."""

    def __init__(self, stack: launcher.Stack) -> None:
        self._stack = stack
        self._env = {**os.environ, **stack.env, **map_of(HERE)}
        self._runs = 0

    def benches(self) -> list[Bench]:
        touch = functools.partial(self._ours, "touch", EVENTS)
        return [
            Bench(
                "lane.touch", "events per CPU second", False,
                {
                    OURS: touch,
                    "stock-faust": lambda: self._peer("stock_faust", STOCK_EVENTS, REQUESTS),
                    "bare-loop": lambda: self._peer("bare_loop", EVENTS, REQUESTS),
                    "bytewax": lambda: self._peer("bytewax_touch", EVENTS, REQUESTS),
                    "quixstreams": lambda: self._peer("quix_touch", EVENTS, REQUESTS),
                },
                [Goal("stock-faust", 10), Goal("bare-loop", 0.7), Goal("bytewax", 1), Goal("quixstreams", 1)],
            ),
            Bench(
                "lane.decide", "events per CPU second", False,
                {
                    OURS: lambda: self._fresh("decide", EVENTS),
                    "lane.touch": touch,
                    "stock-faust": lambda: self._peer("stock_faust", STOCK_EVENTS, REQUESTS, "send"),
                    "bare-loop": lambda: self._peer("bare_decide", EVENTS, REQUESTS),
                },
                [Goal("lane.touch", 0.25), Goal("stock-faust", 8)],
            ),
            Bench(
                "lane.project", "events per CPU second", False,
                {
                    OURS: lambda: self._fresh("project", EVENTS),
                    "lane.touch": functools.partial(self._ours, "touch-counted", EVENTS),
                    "stock-faust": lambda: self._peer("stock_faust", STOCK_EVENTS, COUNTED),
                    "bare-loop": lambda: self._peer("bare_project", EVENTS, COUNTED),
                },
                [Goal("lane.touch", 0.5)],
            ),
        ]  # fmt: skip

    def latency_benches(self) -> list[Bench]:
        """One run gives both figures; each round is run once."""
        rounds: dict[int, tuple[float, float]] = {}
        asked = {"p50": 0, "p99": 0}

        def figure(which: str) -> float:
            number = asked[which]
            asked[which] += 1
            if number not in rounds:
                rounds[number] = asyncio.run(self._latency())
            return rounds[number][0 if which == "p50" else 1]

        return [
            Bench("lane.latency_p50_ms", "ms", True, {OURS: lambda: figure("p50")}, [Goal("", 8)]),
            Bench("lane.latency_p99_ms", "ms", True, {OURS: lambda: figure("p99")}, [Goal("", 25)]),
        ]

    # -- sides -----------------------------------------------------------------------------

    def _ours(self, app: str, events: int) -> float:
        self._runs += 1
        command = [sys.executable, "-m", "tests.bench.ours", app, f"bench-{app}-{self._runs}"]
        return self._measured(command, events)

    def _fresh(self, app: str, events: int) -> float:
        """Ours, with an empty store: the fence begins at the log's."""
        subprocess.run(self._redis("FLUSHALL"), check=True, capture_output=True)
        return self._ours(app, events)

    def _redis(self, command: str) -> list[str]:
        code = f"import redis; redis.Redis(port={self._stack.ports['redis']}).execute_command({command!r})"
        return [sys.executable, "-c", code]

    def _peer(self, script: str, events: int, topic: str, *more: str) -> float:
        if not PEER_PYTHON.is_file():
            raise RuntimeError(f"{PEER_PYTHON} is missing, the peers live there: run `make setup-bench`")
        self._runs += 1
        group = f"bench-{script}-{self._runs}"
        return self._measured([str(PEER_PYTHON), str(PEERS / f"{script}.py"), topic, group, *more], events)

    def _measured(self, command: Sequence[str], events: int) -> float:
        figures = figures_of(command, {**self._env, "BENCH_EVENTS": str(events)})
        return figures["events"] / figures["cpu_s"]

    # -- what is read ----------------------------------------------------------------------

    def fill(self, with_counted: bool) -> None:
        """Put the events on the log: requests, and what a decider makes of these."""
        producer = Producer(
            {
                "bootstrap.servers": self._stack.env["KAFKA_BOOTSTRAP_SERVERS"],
                "linger.ms": 20,
                "partitioner": PARTITIONER,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        ends = [0] * PARTITIONS
        for n in range(EVENTS):
            at_ms = time.time_ns() // 1_000_000
            user, value = beat(n, at_ms)
            ce_id = deterministic_id("bench", str(n))
            headers = request_headers(BEAT, "bench", ce_id, at_ms)
            producer.produce(REQUESTS, value, user, headers=headers, timestamp=at_ms)
            if with_counted:
                partition = partition_of(user, PARTITIONS)
                origin, at = src_origin("bench.decide", REQUESTS, partition), ends[partition]
                ends[partition] += 1
                at_ms += AHEAD_MS
                value = codec().encode(MADE, {**codec().decode(value)[1], "count": n // USERS + 1})
                trace = dict(headers)["traceparent"].decode()
                headers = output_headers(MADE, "bench.decide", origin, at, 0, at_ms, ce_id, trace)
                producer.produce(COUNTED, value, user, headers=headers, timestamp=at_ms)
            if n % 1000 == 0:
                producer.poll(0)
        producer.flush()

    # -- latency ---------------------------------------------------------------------------

    async def _latency(self) -> tuple[float, float]:
        """(p50, p99) in ms from before publishing to the note of the projection that has it."""
        self._runs += 1
        command = [sys.executable, "-m", "tests.bench.ours", "live", f"bench-live-{self._runs}"]
        worker = await asyncio.create_subprocess_exec(
            *command, cwd=CHECKOUT, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        settings = Settings(**{name.lower(): value for name, value in self._stack.env.items()})
        producer = EventProducer(settings, "bench")
        client = aioredis.Redis(port=self._stack.ports["redis"])
        seen: dict[str, asyncio.Future[float]] = {}
        try:
            listener = client.pubsub()
            for partition in range(PARTITIONS):
                await listener.ssubscribe(tag("bench.live", 1, partition))
            listening = asyncio.create_task(_listen(listener, seen))
            await self._ask(producer, seen, f"warm{self._runs}", 100, 60.0)
            taken = await self._ask(producer, seen, f"live{self._runs}", LATENCY_EVENTS, 30.0)
            listening.cancel()
        finally:
            worker.terminate()
            await worker.wait()
            await producer.close()
            await client.aclose()
        taken.sort()
        return statistics.median(taken) * 1000, taken[int(len(taken) * 0.99)] * 1000

    async def _ask(
        self, producer: EventProducer, seen: dict[str, asyncio.Future[float]], name: str, count: int,
        patience_s: float,
    ) -> list[float]:  # fmt: skip
        """Publish `count` events under keys of their own, LATENCY_PER_S a second; seconds each took."""
        rng, asked, publishing = random.Random(7), [], []
        due = time.perf_counter()
        for n in range(count):
            due += rng.expovariate(LATENCY_PER_S)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            key = f"{name}-{n}"
            seen[key] = asyncio.get_running_loop().create_future()
            data = codec().decode(beat(n, time.time_ns() // 1_000_000)[1])[1]
            asked.append((key, time.perf_counter()))
            publish = producer.publish("bench.live.events", key, BEAT, data)
            publishing.append(asyncio.create_task(publish))
        async with asyncio.timeout(patience_s):
            await asyncio.gather(*publishing)
            return [await seen[key] - began for key, began in asked]


def figures_of(command: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    """What the meter of a process said (`tests.bench.meter`). Raises RuntimeError where it said nothing."""
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            command, cwd=CHECKOUT, env=env, timeout=TIMEOUT_S, stdout=subprocess.PIPE, stderr=errors,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        errors.seek(0)
        said = errors.read().decode(errors="replace")[-2000:]
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith('{"events"')]
    if not lines:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode} and measured nothing:\n{said}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


async def _listen(listener: Any, seen: dict[str, asyncio.Future[float]]) -> None:
    while True:
        message = await listener.get_message(timeout=1.0)
        if message is None or message["type"] != "smessage":
            continue
        now = time.perf_counter()
        for key in json.loads(message["data"]):
            if key in seen and not seen[key].done():
                seen[key].set_result(now)


def beat(n: int, at_ms: int) -> tuple[str, bytes]:
    """(key, framed event of about 74 bytes)."""
    user = f"user-{n % USERS:06d}-of-the-bench"
    data = {"n": n, "at_ms": at_ms, "user": user, "action": "playback.position.reported", "value": n * 0.5}
    return user, codec().encode(BEAT, data)


@contextlib.contextmanager
def lane(home: Path, say: Callable[[str], None]) -> Iterator[Lane]:
    """The lane's benches on a stack in `home`."""
    with mapped_stack(home, HERE) as stack:
        say("  a stack of its own is up")
        yield Lane(stack)
