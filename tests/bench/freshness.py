"""How soon a live dashboard shows what a player has just reported, through the whole platform.

Players start one after the other; the dashboard's number says how many watch. From sending a player's first
report to the message that counts as many as have been sent: dashboards are told once a second, so half a
second of it is waiting for that on average, and at most one.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from deploy.local import launcher
from tests.bench.harness import OURS, Bench, Goal
from tests.bench.intake import AGENT

NAME: Final = "analytics.freshness_p99_ms"
PLAYERS: Final = 150
WITHIN_S: Final = 25.0  # all of them start in, which is less than a silent session counts as watched
PATIENCE_S: Final = 60.0


@contextmanager
def freshness() -> Iterator[list[Bench]]:
    """The bench, with the whole platform running.

    `analytics.freshness_p99_ms`: 99th percentile from a beat to the live dashboard that counts it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
        launcher.local_stack(Path(home), platform=True) as stack,
    ):
        yield [Bench(NAME, "ms", True, {OURS: lambda: asyncio.run(p99_ms(stack))}, [Goal("", 1200.0)])]


async def p99_ms(stack: launcher.Stack) -> float:
    """Of PLAYERS players of a film of their own."""
    headers = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        asset = await _film(http, stack)
        socket = await http.ws_connect(f"{stack.url('analytics')}/v1/live", protocols=("kinolog.v1",))
        await socket.receive_json(timeout=PATIENCE_S)
        await socket.send_json({"type": "watch", "asset": asset})
        await socket.receive_json(timeout=PATIENCE_S)  # nobody watches yet
        sent: list[float] = []
        watching = asyncio.create_task(_seen(socket, sent))
        players = [asyncio.create_task(_play(http, stack, asset, sent)) for _ in range(PLAYERS)]
        await asyncio.gather(*players)
        took = await watching
        await socket.close()
    return sorted(took)[int(len(took) * 0.99)] * 1000


async def _film(http: aiohttp.ClientSession, stack: launcher.Stack) -> str:
    """A film that there is; that it is none does not matter to who counts."""
    async with http.post(
        f"{stack.url('streaming')}/v1/assets", params={"title": "bench", "visibility": "public"}, data=b"none"
    ) as answer:
        answer.raise_for_status()
        document: dict[str, Any] = await answer.json()
    return str(document["id"])


async def _play(http: aiohttp.ClientSession, stack: launcher.Stack, asset: str, sent: list[float]) -> None:
    await asyncio.sleep(random.uniform(0, WITHIN_S))  # players start when they like
    now_ms = int(time.time() * 1000)
    beats = [
        {"sn": 0, "ts_ms": now_ms - 300, "kind": "start", "state": "starting"},
        {"sn": 1, "ts_ms": now_ms, "kind": "first_frame", "state": "playing", "playhead_ms": 0},
    ]
    report = {"sid": secrets.token_hex(16), "asset": asset, "beats": beats, "viewer": secrets.token_hex(8)}
    sent.append(time.perf_counter())
    browser = {"User-Agent": AGENT}  # programs are robots, which no dashboard counts
    async with http.post(f"{stack.url('analytics')}/v1/beats", json=report, headers=browser) as answer:
        answer.raise_for_status()


async def _seen(socket: aiohttp.ClientWebSocketResponse, sent: list[float]) -> list[float]:
    """Seconds from sending each to the message that counts as many, by the order of sending."""
    took: list[float] = []
    async with asyncio.timeout(WITHIN_S + PATIENCE_S):
        while len(took) < PLAYERS:
            message = await socket.receive_json()
            now_s = time.perf_counter()
            took += [now_s - at for at in sent[len(took) : message["viewers"]]]
    return took
