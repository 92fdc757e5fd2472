"""What becomes of three times as much as a service can do."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from tests.bench.serving import Client, Server, one_by_one, serving, waited_s

WARM_S: Final = 1.0
CAPACITY_S: Final = 2.0
SATURATING: Final = 8
OVERLOAD_S: Final = 6.0
OVER: Final = 3.0
GOOD_WITHIN_S: Final = 0.5
PATIENCE_S: Final = 3.0


def goodput(kind: str) -> float:
    """Good answers a second under three times the load, as a part of the capacity.

    Capacity is measured at the same server, before and after: a few clients that ask again as soon as they
    are answered. The load comes evenly, whatever becomes of it, and counts from its first moment on. It is
    good to be answered 200 within GOOD_WITHIN_S of when it was due; after PATIENCE_S a request is given up.
    One that finds no connection free opens another. A second counts as far as the server could run in it.
    """
    with serving(kind) as server:

        async def ask() -> float:
            await _saturate(server, WARM_S)
            before = await _saturate(server, CAPACITY_S)
            good = await _overload(server, OVER * before.answers / CAPACITY_S)
            await one_by_one(server, 3)  # what is left of the queue is over then
            after = await _saturate(server, CAPACITY_S)
            return good.rate * (before.could_s + after.could_s) / (before.answers + after.answers)

        return asyncio.run(ask())


class Period(NamedTuple):
    """Good answers, and the seconds in which the server ran or could have."""

    answers: int
    could_s: float

    @property
    def rate(self) -> float:
        return self.answers / self.could_s


async def _saturate(server: Server, lasts_s: float) -> Period:
    """As many answers as it can give."""
    began, waiting_s = time.perf_counter(), waited_s(server)

    async def again_and_again() -> int:
        client, done = Client(server), 0
        while time.perf_counter() < began + lasts_s:
            done += await client.ask() == 200
        client.close()
        return done

    done = await asyncio.gather(*(again_and_again() for _ in range(SATURATING)))
    return Period(sum(done), time.perf_counter() - began - (waited_s(server) - waiting_s))


async def _overload(server: Server, rate: float) -> Period:
    """What becomes of requests that come at `rate`."""
    idle: list[Client] = []
    good = 0
    began, waiting_s = time.perf_counter(), waited_s(server)

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
        good += status == 200 and time.perf_counter() - due <= GOOD_WITHIN_S

    tasks: set[asyncio.Task[None]] = set()
    for number in range(int(rate * OVERLOAD_S)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task: asyncio.Task[None] = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    could_s = time.perf_counter() - began - (waited_s(server) - waiting_s)
    await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return Period(good, could_s)
