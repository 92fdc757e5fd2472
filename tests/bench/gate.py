"""What the gate costs a request, and what it saves when there are three times too many.

A server in a process of its own; the clients here speak HTTP/1.1 over plain sockets, which costs them little
(a tenth of a core at the most). Nothing is pinned: on two cores the server has one, clients and Redis the
other. What others take of the server's core is left out of the count as far as the kernel tells it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tests.bench.harness import OURS, Bench, Goal
from tests.bench.overload import goodput
from tests.bench.serving import cpu_s, one_by_one, serving

REQUESTS: Final = 4000
PACED: Final = 1000
PACE_S: Final = 0.002


def benches() -> list[Bench]:
    """`gate.cost_us`: CPU microseconds that the gate (credential, standing, rates in Redis, trace, access
    line, headers) adds to aiohttp's for a request; peer: `uncounted`, without rates, as segments are.
    `gate.added_p99_ms`: milliseconds that it adds to the 99th percentile, at 500 requests a second.
    `gate.refusal_us`: all that a request costs that finds no room; peer: `bare`, what aiohttp alone takes to
    answer one.
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
            "gate.refusal_us", "us", True,
            {OURS: lambda: cost_us("refusing", 503), "bare": lambda: cost_us("bare")},
            [Goal("bare", 1.0)],
        ),
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


def cost_us(kind: str, status: int = 200) -> float:
    """CPU microseconds of the server for one request."""
    with serving(kind) as server:

        async def ask() -> float:
            async with asyncio.TaskGroup() as group:
                group.create_task(one_by_one(server, REQUESTS // 4, status=status))  # warms up
            began = cpu_s(server)
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(one_by_one(server, REQUESTS // 4, status=status))
            return (cpu_s(server) - began) / REQUESTS * 1e6

        return asyncio.run(ask())


def p99_ms(kind: str) -> float:
    with serving(kind) as server:

        async def ask() -> float:
            await one_by_one(server, 200)
            took = await one_by_one(server, PACED, PACE_S)
            return sorted(took)[int(PACED * 0.99)] * 1000

        return asyncio.run(ask())
