"""The timer agent as processes on real servers: killed, doubled, and still each reminder at its time."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT
from deploy.topics import create_topics
from schemas.catalog import load_topology
from schemas.wire import codec
from streams.core.producer import EventProducer, now_ms
from streams.engine.timers import CANCELLED, SET
from tests.integration.engine.world import read_back

MAP = """\
version: 1
retention: {{facts: {{days: -1}}, dead_letters: {{days: 30}}}}
topics:
  {name}.timer.requests:
    {{owner: {name}, retention: facts, partitions: 2, key: timer_id, public: false, doc: Asked.,
     events: [kinolog.engine.TimerSet, kinolog.engine.TimerCancelled]}}
  {name}.due.requests:
    {{owner: {name}, retention: facts, partitions: 1, key: key, public: false, doc: Reminders.,
     events: [kinolog.engine.TimerDue]}}
apps: {{{name}: {{domain: {name}, doc: The test's.}}}}
agents:
  engine.timer:
    {{kind: timer, app: {name}, reads: {name}.timer.requests, function: "streams.engine.timers:timer"}}
"""
PROGRAM = """
import sys
from schemas.catalog import topology
from streams.core.settings import load_settings
from streams.engine.runtime import run_worker
run_worker(load_settings(instance=sys.argv[2], log_level="WARNING"), topology(), sys.argv[1])
"""
PATIENCE_S = 180.0
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def name() -> str:
    return f"t{secrets.token_hex(5)}"


@pytest.fixture
def start(stack: Stack, name: str, tmp_path: Path) -> Iterator[Start]:
    """Start a process of the timer app as instance N; all are gone afterwards."""
    path = tmp_path / "topology.yaml"
    path.write_text(MAP.format(name=name))
    create_topics(stack.settings, load_topology(path))
    # The timer agent's name is fixed, so that its keys stand in a database of their own here.
    redis = stack.env["REDIS_URL"].removesuffix("/0") + "/1"
    env = {**os.environ, **stack.env, "TOPOLOGY_FILE": str(path), "REDIS_URL": redis}
    env["KINOLOG_HOME"] = str(tmp_path)
    running: list[subprocess.Popen[bytes]] = []

    def started(instance: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{instance}.log").open("ab") as log:
            running.append(
                subprocess.Popen([sys.executable, "-c", PROGRAM, name, instance], cwd=CHECKOUT, env=env,
                                 stdout=log, stderr=log)
            )  # fmt: skip
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.wait()


async def reminders(stack: Stack, name: str, wanted: set[str]) -> dict[tuple[str, int], list[Any]]:
    """(timer, due time) -> records, as soon as every timer of `wanted` is among them."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: dict[tuple[str, int], list[Any]] = defaultdict(list)
            for record in await asyncio.to_thread(read_back, stack.settings, f"{name}.due.requests"):
                _, data = codec().decode(record.value())
                found[data["timer_id"], data["due_at_ms"]].append(record)
            if wanted <= {timer_id for timer_id, _ in found}:
                return found


async def test_each_timer_is_due_once_though_processes_are_killed_and_doubled(
    stack: Stack, name: str, start: Start
) -> None:
    producer = EventProducer(stack.settings, "test")

    async def tell(type: str, timer_id: str, **data: Any) -> None:
        await producer.publish(f"{name}.timer.requests", timer_id, type, {"timer_id": timer_id, **data})

    async def set_for(timer_id: str, due_at_ms: int) -> None:
        await tell(SET, timer_id, due_at_ms=due_at_ms, topic=f"{name}.due.requests", key="k", note="")

    begun = now_ms()
    wanted = {f"n{n}": begun + 100 * n for n in range(120)} | {"past": 1}
    for timer_id, due_at_ms in wanted.items():
        await set_for(timer_id, due_at_ms)
    await set_for("called-off", begun + 6_000)
    await tell(CANCELLED, "called-off")
    await set_for("moved", begun + 600_000)
    await set_for("moved", begun + 7_000)
    wanted["moved"] = begun + 7_000

    first = start("1")
    second = start("2")
    await reminders(stack, name, {"past", "n1"})
    first.send_signal(signal.SIGKILL)
    first.wait()
    start("1")
    await reminders(stack, name, {"n60"})
    second.send_signal(signal.SIGKILL)
    second.wait()
    found = await reminders(stack, name, set(wanted))
    await producer.close()

    assert sorted(found) == sorted(wanted.items())
    for (timer_id, due_at_ms), records in found.items():
        ids = {dict(record.headers())["ce_id"] for record in records}
        assert len(ids) == 1, f"{timer_id} came with {len(ids)} ids: its decider would take it for several"
        assert all(record.timestamp()[1] >= due_at_ms for record in records)
