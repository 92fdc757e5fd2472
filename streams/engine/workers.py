"""Long or outside work: slots, priorities, leases, retries; acknowledged when its reports are on the log.

A request that is delivered again (another life, another process, a rebalance) finds the lease held and
waits, or finds it done and is acknowledged. Reports carry a `ce_id` made from the request, so a repeated
report is known as one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import structlog

from schemas.event import Event, deterministic_id
from schemas.wire import Codec
from streams.core import metrics, tracing
from streams.core.producer import now_ms
from streams.core.settings import Settings
from streams.engine.agents import Out, WorkerOptions
from streams.engine.dead_letters import DeadLetters
from streams.engine.errors import End, EngineError
from streams.engine.jobs import Job, Jobs
from streams.engine.leases import RENEW_S, Leases
from streams.engine.outputs import Encoder, Outputs
from streams.engine.runners import LaneEvent

log = structlog.get_logger("kinolog.engine.worker")

LOST_GRACE_S = 5.0  # a function whose lease is lost may clean up for so long, then it is cancelled
BACKOFF_S = (0.5, 30.0)  # first and longest wait before another attempt


class Work:
    """What a worker's function gets beside its event."""

    def __init__(
        self, event: Event, token: int, attempt: int, resources: Any, report: Callable[..., Awaitable[None]]
    ) -> None:
        self.token = token  # fencing token: above that of every earlier lease of this work
        self.attempt = attempt  # 1 for the first
        self.resources = resources  # what the worker's `setup` gave
        self.over = False  # the function's end, however it ended: nothing renews the lease any more
        self.lost = asyncio.Event()  # set when another process holds the lease: stop, results do not count
        self._event, self._report = event, report
        self._counts: dict[tuple[str, str, str], int] = {}

    async def report(self, out: Out) -> None:
        """Emit now; returns when it is on the log. Numbered per (type, topic, key) for its `ce_id`."""
        await self._report([out], self)

    def ce_id(self, out: Out) -> str:
        """The same for the same report of the same request, whoever makes it."""
        what = (out.type, out.topic, out.key)
        number = self._counts[what] = self._counts.get(what, -1) + 1
        return deterministic_id("report", self._event.id, *what, str(number))


class WorkerRunner:
    """Runs one worker agent's jobs. No fence: reading resumes at the group's commit."""

    def __init__(
        self, agent: str, function: Callable[..., Awaitable[list[Out] | None]], options: WorkerOptions,
        settings: Settings, codec: Codec, encoder: Encoder, outputs: Outputs, letters: DeadLetters,
        leases: Leases, turn: Callable[[], int], end: End,
    ) -> None:  # fmt: skip
        self.agent, self._function, self._options, self._settings = agent, function, options, settings
        self._codec, self._encoder, self._outputs = codec, encoder, outputs
        self._letters, self._leases, self._turn, self._end = letters, leases, turn, end
        self._queue = Jobs()
        self._jobs: dict[str, Job] = {}  # by request id, waiting or running
        self._resources: Any = None

    async def fences(self, partitions: Iterable[int]) -> dict[int, int]:
        return {}

    def submit(self, event: LaneEvent) -> None:
        """A chunk of one record. A request that is here already is not started twice."""
        chunk = event.value
        events, malformed = self._codec.events(chunk.topic, chunk.partition, chunk.records)
        if malformed:
            error = malformed[chunk.first]
            asyncio.ensure_future(self._bury(event, error, 1))  # noqa: RUF006  # ends the process on failure
            return
        request = events[0]
        if request.redriven not in ("", self.agent):
            event.ack()
            return
        job = self._jobs.get(request.id)
        if job is not None:
            job.arrivals.append(event)
            return
        self._jobs[request.id] = job = Job(request, [event])
        self._queue.put(job)

    async def run(self) -> None:
        """Set up the resources, then work until cancelled."""
        slots = self._options.slots
        count = slots if isinstance(slots, int) else slots(self._settings)
        async with AsyncExitStack() as stack:
            if self._options.setup is not None:
                self._resources = await stack.enter_async_context(self._options.setup(self._settings))
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, count)):
                    group.create_task(self._slot(urgent_only=False))
                for _ in range(self._options.urgent_slots):
                    group.create_task(self._slot(urgent_only=True))

    async def _slot(self, urgent_only: bool) -> None:
        while True:
            job = await self._queue.get(urgent_only)
            if not self._is_ours(job):
                self._jobs.pop(job.event.id, None)  # a rebalance took it: delivered again to whom it belongs
                continue
            try:
                with tracing.tracing(job.event.trace):
                    await self._do(job)
            except EngineError as exc:
                self._end(str(exc))

    def _is_ours(self, job: Job) -> bool:
        return any(arrival.value.turn == self._turn() for arrival in job.arrivals)

    def _again(self, job: Job, after_s: float) -> None:
        asyncio.get_running_loop().call_later(after_s, self._queue.put, job)

    async def _do(self, job: Job) -> None:
        grant = await self._leases.grant(job.work_id, job.event.id)
        if grant.done:
            self._finish(job)
        elif not grant.token:
            self._again(job, min(grant.wait_s, 1.0) + 0.05)
        else:
            await self._leased(job, grant.token)

    async def _leased(self, job: Job, token: int) -> None:
        work = Work(job.event, token, job.attempt, self._resources, self._emit)
        began = time.monotonic()
        ended = "failed"
        try:
            with metrics.WORK_RUNNING.labels(self.agent).track_inprogress():
                ended, outs = await self._run(job, work)
            if ended == "lease_lost":
                self._again(job, 0.2)  # it waits for the lease like everyone else
                return
            await self._emit(outs, work)
        except EngineError:
            raise
        except Exception as exc:
            await self._leases.release(job.work_id, token)
            await self._failed(job, exc)
            return
        finally:
            metrics.WORK_DONE.labels(self.agent, ended).inc()
            metrics.WORK_SECONDS.labels(self.agent).observe(time.monotonic() - began)
        await self._leases.release(job.work_id, token, job.event.id)
        self._finish(job)

    async def _run(self, job: Job, work: Work) -> tuple[str, list[Out]]:
        """(how it ended, reports) of the function while the lease is renewed: done, lease_lost or dropped.

        The function is cancelled when it must not go on, and when this process is stopped.
        """
        task = asyncio.ensure_future(self._function(job.event, work))
        renewal = asyncio.ensure_future(self._renew(job, work))
        try:
            await asyncio.wait({task, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not work.lost.is_set():
                if task.cancelled():
                    raise RuntimeError("the worker's function was cancelled from within")
                return "done", task.result() or []
            why = await renewal
            if why == "lease_lost":
                await asyncio.wait({task}, timeout=LOST_GRACE_S)
            return why, []
        finally:
            work.over = True  # for a renewal whose cancellation is lost in some library
            task.cancel()
            renewal.cancel()
            await asyncio.wait({task, renewal})

    async def _renew(self, job: Job, work: Work) -> str:
        """Each second, until the lease is lost, the work no longer wanted, or over."""
        while True:
            await asyncio.sleep(RENEW_S)
            if work.over:
                return "over"
            if not await self._leases.renew(job.work_id, work.token):
                log.warning("lease lost", agent=self.agent, work_id=job.work_id, lease=work.token)
                work.lost.set()
                return "lease_lost"
            if self._options.wanted is not None and not await self._options.wanted(job.event, work):
                log.info("work dropped, no longer wanted", agent=self.agent, work_id=job.work_id)
                return "dropped"

    async def _emit(self, outs: list[Out], work: Work) -> None:
        event = work._event
        at_ms = now_ms()
        records = [self._encoder.report(out, event, work.ce_id(out), at_ms) for out in outs]
        if records:
            self._outputs.send(records)
            await self._outputs.flushed()

    async def _failed(self, job: Job, error: Exception) -> None:
        log.warning(
            "work failed", agent=self.agent, work_id=job.work_id, attempt=job.attempt, error=repr(error),
            exc_info=error,
        )  # fmt: skip
        if job.attempt < self._options.attempts:
            metrics.RETRIES.labels(self.agent).inc()
            wait = min(BACKOFF_S[0] * 2 ** (job.attempt - 1), BACKOFF_S[1])
            job.attempt += 1
            self._again(job, wait * (0.5 + random.random()))  # jitter
            return
        for arrival in job.arrivals:
            await self._bury(arrival, error, job.attempt)
        self._jobs.pop(job.event.id, None)

    async def _bury(self, arrival: LaneEvent, error: Exception, attempts: int) -> None:
        chunk = arrival.value
        try:
            self._outputs.send(
                [self._letters.letter(chunk.topic, chunk.partition, chunk.records[0], error, attempts)]
            )
        except EngineError as exc:
            self._end(str(exc))
        await self._outputs.flushed()
        arrival.ack()

    def _finish(self, job: Job) -> None:
        self._jobs.pop(job.event.id, None)
        for arrival in job.arrivals:
            arrival.ack()
