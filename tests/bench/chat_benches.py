"""Chat next to Socket.IO: what a delivery costs, how soon it is there, what an idle connection holds.

CPU is that of the process that holds the connections; of ours it includes taking the messages, screening,
sealing and opening them, Kafka's and Redis' clients. Our agents, Kafka and Redis run beside it on the same
two cores, which Socket.IO has for itself and the clients.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from tests.bench.chat_stack import Crowd, Place, kinolog, socketio
from tests.bench.harness import OURS, Bench, Goal

SENDERS = 20
WARM_S, MEASURED_S, CALM_S, PATIENCE_S = 2.0, 8.0, 20.0, 30.0
FEW = 50
IDLE = 10_000
STORM = 2_000
PEER = "socket.io"

NAMES = (
    "chat.fanout_500", "chat.fanout_5000", "chat.fanout_p99_ms", "chat.latency_p50_ms", "chat.latency_p99_ms",
    "chat.idle_kib", "chat.storm_s",
)  # fmt: skip


@contextmanager
def chat() -> Iterator[list[Bench]]:
    """The benches, with our stack running.

    `chat.fanout_500`: CPU microseconds a delivery, 500 connections in one room, 200 messages a second;
    `chat.fanout_5000`: 5,000 and 20; peer: `socket.io`. `chat.fanout_p99_ms`: 99th percentile from sending to
    receiving in the first of them. `chat.latency_p50_ms`, `_p99_ms`: the same where 50 listen and 5 messages
    are sent a second. `chat.idle_kib`: resident memory of the process for a connection to a quiet room,
    of 10,000. `chat.storm_s`: until 2,000 that were cut off are back and have what they missed.
    """
    with kinolog(SENDERS) as ours:
        runs = _Runs(ours)
        yield [
            _against_peer(
                "chat.fanout_500", "us", lambda side: runs.cost_us(side, 500, 200), 1.0, Goal("", 1.5)
            ),
            _against_peer("chat.fanout_p99_ms", "ms", lambda side: runs.p99_ms(side, 500, 200), 1.0),
            _against_peer("chat.fanout_5000", "us", lambda side: runs.cost_us(side, 5000, 20), 0.8),
            Bench("chat.latency_p50_ms", "ms", True, {OURS: lambda: runs.quantile_ms(0.5)}, [Goal("", 25.0)]),
            Bench(
                "chat.latency_p99_ms", "ms", True, {OURS: lambda: runs.quantile_ms(0.99)}, [Goal("", 90.0)]
            ),
            Bench("chat.storm_s", "s", True, {OURS: runs.storm_s}, [Goal("", 2.0)]),
            Bench("chat.idle_kib", "KiB", True, {OURS: idle_kib}, [Goal("", 16.0)]),
        ]


def _against_peer(name: str, unit: str, run: Callable[[str], float], most: float, *goals: Goal) -> Bench:
    """Lower is better; at most `most` of Socket.IO's."""
    sides = {side: partial(run, side) for side in (OURS, PEER)}
    return Bench(name, unit, True, sides, [*goals, Goal(PEER, most)])


class _Runs:
    def __init__(self, ours: Place) -> None:
        self._ours = ours

    def _place(self, side: str) -> AbstractContextManager[Place]:
        return nullcontext(self._ours) if side == OURS else socketio()

    def cost_us(self, side: str, clients: int, per_s: int) -> float:
        """CPU microseconds a delivery. Raises RuntimeError where ours does not deliver everything."""
        cpu_s, deliveries, _ = self._fanned_out(side, clients, per_s)
        return cpu_s / deliveries * 1e6

    def p99_ms(self, side: str, clients: int, per_s: int) -> float:
        """99th percentile of a run of its own."""
        return quantile(self._fanned_out(side, clients, per_s)[2], 0.99)

    def _fanned_out(self, side: str, clients: int, per_s: int) -> tuple[float, int, list[float]]:
        with self._place(side) as place, Crowd() as crowd:
            crowd.join(place, clients)
            sent = crowd.do("send", per_s=per_s, for_s=WARM_S)["sent"]
            crowd.do("wait", deliveries=sent * clients, for_s=PATIENCE_S)
            crowd.do("reset")
            before_s = place.cpu_s()
            sent = crowd.do("send", per_s=per_s, for_s=MEASURED_S)["sent"]
            got = crowd.do("wait", deliveries=sent * clients, for_s=PATIENCE_S)
            cpu_s = place.cpu_s() - before_s
        deliveries = got["deliveries"]
        if side == OURS and deliveries != sent * clients:
            raise RuntimeError(f"{deliveries} of {sent * clients} messages were delivered")
        return cpu_s, deliveries, got["latencies_ms"]

    def quantile_ms(self, share: float) -> float:
        """From sending to receiving at low load."""
        with Crowd() as crowd:
            crowd.join(self._ours, FEW)
            crowd.do("send", per_s=5, for_s=WARM_S)
            crowd.do("wait", deliveries=int(5 * WARM_S) * FEW, for_s=PATIENCE_S)
            crowd.do("reset")
            sent = crowd.do("send", per_s=5, for_s=CALM_S)["sent"]
            got = crowd.do("wait", deliveries=sent * FEW, for_s=PATIENCE_S)
        return quantile(got["latencies_ms"], share)

    def storm_s(self) -> float:
        """They come back with the place they had before 100 messages, and each gets these."""
        with Crowd() as crowd:
            crowd.join(self._ours, SENDERS + STORM)
            since = {"epoch": "1-12", "id": crowd.do("last")["id"]}
            crowd.do("send", per_s=100, for_s=1)
            crowd.do("wait", deliveries=100 * (SENDERS + STORM), for_s=PATIENCE_S)
            told = crowd.do("reconnect", count=STORM, since=since)
        if told["recovered"] != STORM:
            raise RuntimeError(f"{told['recovered']} of {STORM} clients recovered")
        return float(told["took_s"])


def idle_kib() -> float:
    """Growth of a process that has held none yet, divided by the connections."""
    with kinolog(1) as place, Crowd() as crowd:
        before = place.process.memory_info().rss
        crowd.join(place, IDLE)
        time.sleep(2.0)
        return (place.process.memory_info().rss - before) / IDLE / 1024


def quantile(values: list[float], share: float) -> float:
    """Of at least a hundred values."""
    if len(values) < 100:
        raise RuntimeError(f"only {len(values)} messages were received by those that look at the time")
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
