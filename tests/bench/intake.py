"""What players' reports cost the gateway: beats per second of its CPU, in batches of twenty, onto a real log.

The gateway is the real one (`kinolog gateway analytics`) on a stack of its own: rates are counted in Redis,
access lines written, each report checked, encoded and acknowledged by the broker before it is answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from deploy.local import launcher
from deploy.local.layout import CHECKOUT
from deploy.local.ports import free_ports
from tests.bench.harness import OURS, Bench, Goal

NAME: Final = "analytics.gateway_intake"
BATCH: Final = 20
REQUESTS, WARM = 2000, 300
CONNECTIONS: Final = 8
PATIENCE_S: Final = 60.0
AGENT: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"
# All clients of the bench are one address: it is counted, and not stopped.
UNBOUND: Final = json.dumps({"beat": {"ip": "900000000/60"}})


@contextmanager
def intake() -> Iterator[list[Bench]]:
    """The bench, with its stack running.

    `analytics.gateway_intake`: beats per second of CPU of the gateway's process; peer: `bare`, aiohttp that
    parses the same bodies and puts each on the log as it is, by the same Kafka client.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
        launcher.local_stack(Path(home)) as stack,
    ):
        sides = {OURS: partial(beats_per_cpu_s, stack), "bare": partial(beats_per_cpu_s, stack, bare=True)}
        yield [Bench(NAME, "beats/s a core", False, sides, [Goal("", 8000.0)])]


def beats_per_cpu_s(stack: launcher.Stack, *, bare: bool = False) -> float:
    """Beats that one CPU second of the server takes in."""
    with _serving(stack, bare) as (process, port):

        async def send(count: int) -> None:
            bodies = [_request(port) for _ in range(count)]
            async with asyncio.TaskGroup() as group:
                for number in range(CONNECTIONS):
                    group.create_task(_one_by_one(port, bodies[number::CONNECTIONS]))

        asyncio.run(send(WARM))
        before = process.cpu_times()
        asyncio.run(send(REQUESTS))
        after = process.cpu_times()
    return REQUESTS * BATCH / (after.user + after.system - before.user - before.system)


@contextmanager
def _serving(stack: launcher.Stack, bare: bool) -> Iterator[tuple[psutil.Process, int]]:
    port = free_ports(["bare"])["bare"] if bare else stack.ports["analytics"]
    what = ["tests.bench.intake_bare", str(port)] if bare else ["deploy.cli", "gateway", "analytics"]
    server = subprocess.Popen(
        [sys.executable, "-m", *what], cwd=CHECKOUT, env={**os.environ, **stack.env, "RATE_LIMITS": UNBOUND},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield psutil.Process(server.pid), port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if server.poll() is not None:
            raise RuntimeError(f"the gateway of the bench ended with {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {PATIENCE_S:g} s")


def _request(port: int) -> bytes:
    """A report as the pages' client sends it."""
    now_ms = int(time.time() * 1000)
    beats = [
        {
            "sn": sn, "ts_ms": now_ms - (BATCH - sn) * 10_000, "kind": "interval", "state": "playing",
            "playhead_ms": sn * 10_000, "rate": 1, "rendition": "720p", "bitrate_kbps": 2928,
            "stalls_total": 0, "stalled_total_ms": 0, "dropped_frames_total": 3, "error": "",
        }
        for sn in range(BATCH)
    ]  # fmt: skip
    report = {
        "sid": secrets.token_hex(16), "asset": "0198f0a0-0000-7000-8000-000000000001", "beats": beats,
        "viewer": secrets.token_hex(16), "player": "hls.js 1.7.4", "referrer": "https://search.example/",
    }  # fmt: skip
    body = json.dumps(report).encode()
    head = (
        f"POST /v1/beats HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {AGENT}\r\n"
        "Content-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _one_by_one(port: int, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(
            int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        )
        if b" 202 " not in head[:13] + b" " or f'"accepted":{BATCH}'.encode() not in body:
            raise RuntimeError(f"the server answered {head[:40]!r} {body[:200]!r}")
    writer.close()
