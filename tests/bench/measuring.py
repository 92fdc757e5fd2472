"""What measuring playback costs our workers: from reports of twenty beats on Kafka to rows in ClickHouse.

All of our CPU counts: the decider (state in Redis, its measures on Kafka), the projectors of measures,
reports and deliveries, who watches now, and the timers that let go of sessions. The workers are held while
reports go onto the log, so that they find them waiting, as after an outage; their CPU is read when every row
is there.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local import launcher
from deploy.local.layout import CHECKOUT
from schemas.analytics.facts import BEATS_DDL
from schemas.analytics.tables import VIEWS_DDL
from schemas.analytics.views import BEATS, BEATS_REPORTED, PLAYBACK, VIEWS
from schemas.headers import request_headers
from schemas.keys import PARTITIONER
from schemas.wire import codec
from tests.bench.harness import OURS, Bench, Goal
from tests.bench.lane import PEER_PYTHON, PEERS, figures_of

INTAKE, MEMORY = "analytics.intake", "analytics.projector_mb"
NAMES: Final = (INTAKE, MEMORY)
APPS: Final = ("analytics", "history", "engine")
VIEWS_A_RUN, REPORTS_A_VIEW, BEATS_A_REPORT = 6_000, 3, 20
REPORTS: Final = VIEWS_A_RUN * REPORTS_A_VIEW
PEER_REPORTS, INSERT_REPORTS = 6_000, 200
PATIENCE_S: Final = 240.0


@contextmanager
def measuring() -> Iterator[list[Bench]]:
    """The benches, with their stack and workers running.

    `analytics.intake`: beats per second of CPU of all our workers together. Peers, of their process alone:
    `one-insert`: each report read, measured and inserted by itself; `stock-faust`: agents that measure by the
    same rules, emit, and insert batches, with state in memory, unfenced. `analytics.projector_mb`: the most
    memory that the process with the ClickHouse projectors has ever held, after those runs.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
        launcher.local_stack(Path(home)) as stack,
        _workers(stack) as workers,
    ):
        runs = Runs(stack, workers)
        sides = {OURS: runs.ours, "stock-faust": runs.stock_faust, "one-insert": runs.one_insert}
        goals = [Goal("", 40_000.0), Goal("one-insert", 4.0)]
        try:
            yield [
                Bench(INTAKE, "beats/s a core", False, sides, goals),
                Bench(MEMORY, "MB", True, {OURS: runs.projector_mb}, [Goal("", 400.0)]),
            ]
        finally:
            runs.close()


class Runs:
    """Each run reports on sessions of its own."""

    def __init__(self, stack: launcher.Stack, workers: dict[str, psutil.Process]) -> None:
        self._stack, self._workers, self._count = stack, workers, 0
        at = stack.settings.clickhouse_url.get_secret_value()
        self._clickhouse = clickhouse_connect.get_client(dsn=at)
        self._producer: Any = Producer(
            {
                "bootstrap.servers": stack.env["KAFKA_BOOTSTRAP_SERVERS"],
                "linger.ms": 20,
                "partitioner": PARTITIONER,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._measured(300)  # tables are made, groups joined, code is warm
        for table, ddl in (("peer_views", VIEWS_DDL), ("peer_beats", BEATS_DDL)):
            self._clickhouse.command(ddl.replace("{table}", table))

    def close(self) -> None:
        """Let go of both clients while their servers are still there."""
        self._producer.flush()
        self._clickhouse.close()

    def ours(self) -> float:
        return self._measured(VIEWS_A_RUN)

    def projector_mb(self) -> float:
        status = Path(f"/proc/{self._workers['history'].pid}/status").read_text()
        [highest] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(highest.split()[1]) * 1024 / 1e6

    def stock_faust(self) -> float:
        return self._peer("faust_beats", PEER_REPORTS, self._topic())

    def one_insert(self) -> float:
        return self._peer("one_insert", INSERT_REPORTS)

    def _measured(self, views: int) -> float:
        self._count += 1
        asset_id = f"bench-{self._count}"
        reports = list(reports_of(asset_id, views))
        for process in self._workers.values():
            process.send_signal(signal.SIGSTOP)
        for key, value, at_ms in reports:
            headers = request_headers(BEATS_REPORTED, "bench", secrets.token_hex(16), at_ms)
            self._producer.produce(PLAYBACK, value, key, headers=headers, timestamp=at_ms)
        self._producer.flush()
        before = self._cpu_s()
        for process in self._workers.values():
            process.send_signal(signal.SIGCONT)
        beats = len(reports) * BEATS_A_REPORT
        self._until(f"SELECT sum(length(`beat.sn`)) FROM {BEATS} WHERE asset_id = '{asset_id}'", beats)
        self._until(f"SELECT sum(revision) FROM {VIEWS} FINAL WHERE asset_id = '{asset_id}'", beats)
        return beats / (self._cpu_s() - before)

    def _cpu_s(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._workers.values())

    def _until(self, query: str, expected: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            exists = self._clickhouse.command(f"EXISTS TABLE {query.split(' FROM ')[1].split()[0]}")
            found = int(self._clickhouse.command(query) or 0) if exists else 0
            if found == expected:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{found} of {expected} beats arrived within {PATIENCE_S:.0f} s: {query}")
            time.sleep(0.25)

    def _topic(self) -> str:
        name = f"bench.peer-{self._count}-{secrets.token_hex(4)}.events"
        admin = AdminClient({"bootstrap.servers": self._stack.env["KAFKA_BOOTSTRAP_SERVERS"]})
        for made in admin.create_topics([NewTopic(name, 12, 1)]).values():
            made.result()
        return name

    def _peer(self, script: str, reports: int, *more: str) -> float:
        """Of the reports that are on the log already; two rows each."""
        group = f"bench-{script}-{secrets.token_hex(4)}"
        command = [str(PEER_PYTHON), str(PEERS / f"{script}.py"), PLAYBACK, group, *more]
        env = {**os.environ, **self._stack.env, "BENCH_EVENTS": str(2 * reports)}
        figures = figures_of(command, env)
        return figures["events"] / 2 * BEATS_A_REPORT / figures["cpu_s"]


def reports_of(asset_id: str, views: int) -> Iterator[tuple[str, bytes, int]]:
    """(key, framed event, time) of sessions with some stalls and pauses, a beat every five seconds."""
    rng = random.Random(asset_id)
    began_ms = time.time_ns() // 1_000_000 - 3_600_000
    who = {
        "asset_id": asset_id, "owner_id": "bench", "film_ms": 600_000, "viewer": "7" * 32, "source": "json",
        "player": "hls.js 1.7.4", "country": "DE", "device": "desktop", "os": "Linux", "browser": "Firefox",
        "referrer": "search.example", "bot": False,
    }  # fmt: skip
    keys = [rng.randbytes(16).hex() for _ in range(views)]
    for part in range(REPORTS_A_VIEW):
        for key in keys:
            beats = [_beat(part * BEATS_A_REPORT + n, began_ms) for n in range(BEATS_A_REPORT)]
            at_ms = int(beats[-1]["at_ms"])
            data = {"view_id": key, **who, "received_at_ms": at_ms, "beats": beats}
            yield key, codec().encode(BEATS_REPORTED, data), at_ms


def _beat(sn: int, began_ms: int) -> dict[str, Any]:
    state = "rebuffering" if sn % 19 == 7 else "paused" if sn % 23 == 9 else "playing" if sn else "starting"
    return {
        "sn": sn, "ts_ms": began_ms + sn * 5_000, "at_ms": began_ms + sn * 5_000, "kind": "interval",
        "state": state, "playhead_ms": sn * 5_000, "rate": 1.0, "rendition": "720p", "bitrate_kbps": 2928,
        "stalled_total_ms": 0, "stalls_total": 0, "dropped_frames_total": 3, "error": "", "clamped": [],
    }  # fmt: skip


@contextmanager
def _workers(stack: launcher.Stack) -> Iterator[dict[str, psutil.Process]]:
    started = {}
    try:
        for app in APPS:
            started[app] = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "worker", app], cwd=CHECKOUT,
                env={**os.environ, **stack.env, "LOG_LEVEL": "WARNING"}, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        yield {app: psutil.Process(process.pid) for app, process in started.items()}
    finally:
        for process in started.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in started.values():
            process.wait(60)
