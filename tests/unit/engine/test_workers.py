"""Long work: leases, retries, repeats, priorities, and that nothing is acknowledged before its reports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from schemas.headers import request_headers
from streams.core.settings import Settings
from streams.engine import Event, Out, Work
from streams.engine import workers as module
from streams.engine.agents import WorkerOptions
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.jobs import Job, Jobs
from streams.engine.leases import Grant
from streams.engine.outputs import Encoder
from streams.engine.workers import WorkerRunner
from tests.unit.engine.model import LogRecord, chaos_codec

TOPIC, REPORTS = "chaos.work.requests", "chaos.a.requests"


class Arrival:
    """The lane's event, as the runner sees it."""

    def __init__(self, offset: int, work_id: str, ce_id: str, priority: int = 5, turn: int = 1) -> None:
        data = {"rid": work_id, "work_id": work_id, "priority": priority}
        value = chaos_codec().encode("kinolog.chaos.Toil", data)
        record = LogRecord(offset, 5, b"k", value, request_headers("kinolog.chaos.Toil", "t", ce_id, 5))
        self.value = Chunk(TOPIC, 0, offset, (record,), turn)
        self.acked = asyncio.Event()

    def ack(self) -> bool:
        self.acked.set()
        return True


class FakeLeases:
    """Grants everything, unless told otherwise."""

    def __init__(self) -> None:
        self.grants: list[Grant] = []
        self.is_lost = False
        self.released: list[tuple[str, str]] = []

    async def grant(self, work_id: str, request_id: str) -> Grant:
        return self.grants.pop(0) if self.grants else Grant(token=7)

    async def renew(self, work_id: str, token: int) -> bool:
        return not self.is_lost

    async def release(self, work_id: str, token: int, done_request: str = "") -> None:
        self.released.append((work_id, done_request))


class FakeOutputs:
    """Keeps what was sent; `held` keeps a flush waiting."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.asked, self.held = asyncio.Event(), asyncio.Event()
        self.held.set()

    def send(self, records: Sequence[Any]) -> None:
        self.sent += records

    async def flushed(self) -> None:
        self.asked.set()
        await self.held.wait()


Function = Callable[[Event, Work], Awaitable[list[Out]]]


def report_of(event: Event) -> Out:
    return Out(REPORTS, "client", "kinolog.chaos.Toiled", {"rid": event.data["rid"], "token": 1})


class Bench:
    def __init__(self, function: Function, **options: Any) -> None:
        self.leases, self.outputs = FakeLeases(), FakeOutputs()
        self.ended: list[str] = []
        leases, outputs, end = self.leases, self.outputs, self.ended.append
        self.turn = 1
        self.runner = WorkerRunner(
            "chaos.work", function, WorkerOptions(**options), Settings(), chaos_codec(),
            Encoder(chaos_codec(), "chaos.work", [REPORTS], 1_000_000), outputs,  # type: ignore[arg-type]
            DeadLetters("chaos.work", "g"), leases, lambda: self.turn, end,  # type: ignore[arg-type]
        )  # fmt: skip
        self._task = asyncio.ensure_future(self.runner.run())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    def sent(self) -> list[tuple[str, str]]:
        return [(record.topic, dict(record.headers)["ce_id"].decode()) for record in self.outputs.sent]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between attempts and renewals, shortened."""
    monkeypatch.setattr(module, "BACKOFF_S", (0.001, 0.002))
    monkeypatch.setattr(module, "RENEW_S", 0.01)


async def toil(event: Event, work: Work) -> list[Out]:
    return [report_of(event)]


async def test_acknowledged_only_when_its_reports_are_on_the_log() -> None:
    bench, arrival = Bench(toil), Arrival(0, "w", "r")
    bench.outputs.held.clear()
    bench.runner.submit(arrival)
    await bench.outputs.asked.wait()
    assert not arrival.acked.is_set()
    bench.outputs.held.set()
    await arrival.acked.wait()
    assert bench.leases.released == [("w", "r")]
    await bench.stop()


async def test_reports_of_the_same_request_have_the_same_ids() -> None:
    ids = []
    for _ in range(2):
        bench, arrival = Bench(toil), Arrival(0, "w", "r")
        bench.runner.submit(arrival)
        await arrival.acked.wait()
        ids.append(bench.sent())
        await bench.stop()
    assert ids[0] == ids[1]


async def test_a_second_delivery_joins_the_first() -> None:
    begun = []
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Event, work: Work) -> list[Out]:
        begun.append(event.id)
        began.set()
        await go_on.wait()
        return []

    bench, first, second = Bench(slow, slots=2), Arrival(0, "w", "r"), Arrival(9, "w", "r", turn=2)
    bench.runner.submit(first)
    await began.wait()
    bench.turn = 2
    bench.runner.submit(second)
    go_on.set()
    await second.acked.wait()
    assert begun == ["r"]
    await bench.stop()


async def test_what_is_held_elsewhere_is_asked_for_again_and_what_is_done_is_acknowledged() -> None:
    bench, arrival = Bench(toil), Arrival(0, "w", "r")
    bench.leases.grants = [Grant(wait_s=0.0), Grant(done=True)]
    bench.runner.submit(arrival)
    await arrival.acked.wait()
    assert bench.outputs.sent == []
    await bench.stop()


async def test_failures_are_tried_again_then_dead_lettered() -> None:
    attempts = []

    async def broken(event: Event, work: Work) -> list[Out]:
        attempts.append(work.attempt)
        raise OSError("no")

    bench, arrival = Bench(broken, attempts=3), Arrival(0, "w", "r")
    bench.runner.submit(arrival)
    await arrival.acked.wait()
    assert attempts == [1, 2, 3]
    assert bench.outputs.sent[0].topic == "chaos.work.requests.dlq"
    assert ("w", "r") not in bench.leases.released
    await bench.stop()


async def test_a_lost_lease_stops_the_work_and_its_result_does_not_count() -> None:
    lost_seen = asyncio.Event()

    async def until_lost(event: Event, work: Work) -> list[Out]:
        if lost_seen.is_set():
            return []
        await work.lost.wait()
        lost_seen.set()
        bench.leases.is_lost = False
        return [report_of(event)]

    bench, arrival = Bench(until_lost), Arrival(0, "w", "r")
    bench.leases.is_lost = True
    bench.runner.submit(arrival)
    await arrival.acked.wait()
    assert bench.outputs.sent == []
    await bench.stop()


async def test_work_no_longer_wanted_is_dropped_without_a_report() -> None:
    async def forever(event: Event, work: Work) -> list[Out]:
        await asyncio.Event().wait()
        return [report_of(event)]

    async def wanted(event: Event, work: Work) -> bool:
        return False

    bench, arrival = Bench(forever, wanted=wanted), Arrival(0, "w", "r")
    bench.runner.submit(arrival)
    await arrival.acked.wait()
    assert bench.outputs.sent == []
    await bench.stop()


async def test_stopping_acknowledges_nothing() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def forever(event: Event, work: Work) -> list[Out]:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return []

    bench, arrival = Bench(forever), Arrival(0, "w", "r")
    bench.runner.submit(arrival)
    await began.wait()
    await bench.stop()
    assert cancelled.is_set()
    assert not arrival.acked.is_set()
    assert bench.leases.released == []


async def test_a_job_that_a_rebalance_took_is_not_begun() -> None:
    done = []

    async def note(event: Event, work: Work) -> list[Out]:
        done.append(event.data["work_id"])
        return []

    bench = Bench(note)
    bench.turn = 2
    stale, fresh = Arrival(0, "stale", "r1", turn=1), Arrival(1, "fresh", "r2", turn=2)
    bench.runner.submit(stale)
    bench.runner.submit(fresh)
    await fresh.acked.wait()
    assert done == ["fresh"]
    assert not stale.acked.is_set()
    await bench.stop()


def job(number: int, priority: int) -> Job:
    event = Event("t", "k", {"work_id": str(number), "priority": priority}, id=str(number))
    return Job(event, [])


async def test_the_most_urgent_comes_first_then_first_come() -> None:
    jobs = Jobs()
    for number, priority in enumerate((5, 0, 9, 5)):
        jobs.put(job(number, priority))
    assert [(await jobs.get()).work_id for _ in range(4)] == ["1", "0", "3", "2"]


async def test_reserved_slots_take_only_what_is_urgent() -> None:
    jobs = Jobs()
    reserved = asyncio.ensure_future(jobs.get(urgent_only=True))
    await asyncio.sleep(0)
    jobs.put(job(1, 5))
    assert [waiting.work_id for waiting in jobs.waiting()] == ["1"]
    jobs.put(job(2, 0))
    assert (await reserved).work_id == "2"


async def test_a_renewal_that_swallows_its_cancellation_ends_with_its_work() -> None:
    """As redis-py did in the middle of a command: the slot would wait for it without end."""
    renewing, renewals = asyncio.Event(), 0

    async def renew(work_id: str, token: int) -> bool:
        nonlocal renewals
        renewals += 1
        renewing.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return True
        return True

    async def until_renewed(event: Event, work: Work) -> list[Out]:
        await renewing.wait()
        return [report_of(event)]

    bench, arrival = Bench(until_renewed), Arrival(0, "w", "r")
    bench.leases.renew = renew  # type: ignore[method-assign]
    bench.runner.submit(arrival)
    async with asyncio.timeout(60):
        await arrival.acked.wait()
    assert renewals == 1
    await bench.stop()
