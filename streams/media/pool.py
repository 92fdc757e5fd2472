"""Warm encoder processes for an asyncio worker.

Reserved processes take urgent work alone (priority 0), so that a film someone waits for never queues
behind another; background processes run at nice 19 and take everything, each in runs of a film (see
`affinity`: offer more jobs than there are processes). A cancelled job kills its process and a fresh one
takes its place. Each process has a thread that talks to it: the event loop only waits.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog

from schemas.media.plan import Plan
from streams.media import affinity
from streams.media.affinity import Place
from streams.media.answers import ChunkResult, chunk_result, probe_result
from streams.media.encoder_process import EncoderFailed, EncoderProcess, ProcessOptions
from streams.media.probe import Probe
from streams.media.reasons import MediaProblem
from streams.media.source import ByteSource

log = structlog.get_logger("kinolog.media.pool")

URGENT = 0
BACKGROUND = 5
BACKGROUND_NICE = 19
RESPAWN_PAUSE_S = 1.0  # before another attempt to start a process that did not


def _nothing(percent: int) -> None:
    """The progress callback of those who do not ask."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Sizes and limits. Times are of the clock, without waits for the source; a process may use as many CPU
    seconds times the cores."""

    background: int = field(default_factory=lambda: os.cpu_count() or 1)
    reserved: int = 1
    memory_bytes: int = 2 << 30
    probe_timeout_s: float = 120
    chunk_timeout_s: float = 900
    allow_unconfined: bool = False


def _hex(key: bytes | None) -> str | None:
    return None if key is None else key.hex()


class _Waiter:
    """Someone in the queue for a process; an `affinity.Wish`."""

    def __init__(self, priority: int, order: int, source_key: str, chunk: int | None) -> None:
        self.priority, self.order = priority, order
        self.source_key = source_key
        self.chunk = chunk
        self.passed = 0
        self.granted: asyncio.Future[EncoderProcess] = asyncio.get_running_loop().create_future()


class EncoderPool:
    """Use within one event loop: `start`, jobs, `stop`."""

    def __init__(self, settings: PoolSettings | None = None) -> None:
        self.settings = settings or PoolSettings()
        count = self.settings.background + self.settings.reserved
        if self.settings.background < 1:
            raise ValueError("a pool needs at least one background process")
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="encoder")
        self._reserved = [self._process(nice=0) for _ in range(self.settings.reserved)]
        self._background = [self._process(nice=BACKGROUND_NICE) for _ in range(self.settings.background)]
        self._idle: set[EncoderProcess] = set()
        self._places: dict[EncoderProcess, Place] = {}  # of those that work or have a decoder open
        self._queue: list[_Waiter] = []  # most urgent first, then oldest
        self._order = itertools.count()
        self._respawning: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def processes(self) -> list[EncoderProcess]:
        return [*self._reserved, *self._background]

    async def start(self) -> None:
        """Start every process and wait until all are warm; MediaProblem `sandbox_unavailable` if one cannot
        be confined."""
        await asyncio.gather(*(self._in_thread(process.start) for process in self.processes))
        self._idle.update(self.processes)

    async def stop(self) -> None:
        """Kill every process; jobs in flight raise EncoderFailed."""
        self._stopping = True
        for waiter in self._queue:
            waiter.granted.cancel()
        for process in self.processes:
            process.kill()
        if self._respawning:
            await asyncio.wait(self._respawning)
        await asyncio.gather(*(self._in_thread(process.stop) for process in self.processes))
        self._threads.shutdown(wait=False)

    async def probe(self, source: ByteSource, *, priority: int = URGENT) -> Probe:
        """Examine a source; MediaProblem says why it cannot be used."""
        answer, _ = await self._run("probe", {}, source, priority, self.settings.probe_timeout_s)
        return probe_result(answer)

    async def run_chunk(
        self,
        plan: Plan,
        chunk_index: int,
        source: ByteSource,
        *,
        priority: int = BACKGROUND,
        on_progress: Callable[[int], None] = _nothing,
    ) -> ChunkResult:
        """Encode a chunk. `on_progress` hears percents in the event loop. Cancelling kills the work."""
        answer, blobs = await self._run(
            "chunk",
            {"plan": plan, "chunk_index": chunk_index, "urgent": priority == URGENT},
            source,
            priority,
            self.settings.chunk_timeout_s,
            on_progress,
            chunk_index,
        )
        return chunk_result(plan, chunk_index, answer, blobs)

    async def sheets(
        self, plan: Plan, rung: ByteSource, *, priority: int = BACKGROUND, key: bytes | None = None
    ) -> tuple[list[bytes], int]:
        """Storyboard sheets, and the segment for the poster, from the lowest rung's init and the segments
        that `schemas.media.storyboard.layout_of` names, joined; `key` decrypts it."""
        arguments = {"plan": plan, "key": _hex(key)}
        answer, sheets = await self._run("sheets", arguments, rung, priority, self.settings.probe_timeout_s)
        return sheets, int(answer["poster_segment"])

    async def poster(
        self, rung: ByteSource, *, priority: int = BACKGROUND, key: bytes | None = None
    ) -> bytes:
        """A JPEG of the first picture of a rung's init and one segment, joined; `key` decrypts it."""
        arguments = {"key": _hex(key)}
        _, (poster,) = await self._run("poster", arguments, rung, priority, self.settings.probe_timeout_s)
        return poster

    async def _run(
        self,
        job: str,
        arguments: dict[str, Any],
        source: ByteSource,
        priority: int,
        timeout_s: float,
        on_progress: Callable[[int], None] = _nothing,
        chunk: int | None = None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        process = await self._acquire(priority, source.key, chunk)
        loop = asyncio.get_running_loop()
        cpu_s = timeout_s * (os.cpu_count() or 1)

        def tell(percent: int) -> None:
            loop.call_soon_threadsafe(on_progress, percent)

        work = self._in_thread(process.run, job, arguments, source, cpu_s, tell)
        try:
            await self._ended(work, process, job, timeout_s)
            answer, blobs = work.result()
            return answer, blobs
        finally:
            if not work.done():
                process.kill()
                await asyncio.wait({work})  # the thread sees the process gone, once its read has ended
                work.exception()
            self._release(process, stands=chunk is not None and not work.cancelled() and not work.exception())

    async def _ended(
        self, work: asyncio.Future[Any], process: EncoderProcess, job: str, timeout_s: float
    ) -> None:
        """Wait for it. What the source took to come does not count: a store that is away is no bomb."""
        began = time.monotonic()
        shortest_s = min(timeout_s, 1.0)
        left_s = timeout_s
        while not (await asyncio.wait({work}, timeout=max(left_s, shortest_s)))[0]:
            left_s = timeout_s - (time.monotonic() - began - process.waited_s)
            if left_s <= 0:
                raise MediaProblem("decompression_bomb", f"the {job} job took longer than {timeout_s:.0f} s")

    def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _process(self, nice: int) -> EncoderProcess:
        return EncoderProcess(
            ProcessOptions(
                memory_bytes=self.settings.memory_bytes,
                nice=nice,
                allow_unconfined=self.settings.allow_unconfined,
            )
        )

    async def _acquire(self, priority: int, source_key: str, chunk: int | None) -> EncoderProcess:
        if self._stopping:
            raise EncoderFailed("the encoder pool is stopping")
        waiter = _Waiter(priority, next(self._order), source_key, chunk)
        bisect.insort(self._queue, waiter, key=lambda each: (each.priority, each.order))
        # Those who come together are all there before anyone is chosen.
        asyncio.get_running_loop().call_soon(self._grant)
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._release(waiter.granted.result(), stands=False)
            raise

    def _grant(self) -> None:
        """Give idle processes to those who wait, most urgent first."""
        self._queue = [waiter for waiter in self._queue if not waiter.granted.done()]
        for priority in sorted({waiter.priority for waiter in self._queue}):
            while (pair := self._pair(priority)) is not None:
                process, waiter = pair
                self._queue.remove(waiter)
                self._idle.discard(process)
                after = None if waiter.chunk is None else waiter.chunk + 1
                self._places[process] = Place(waiter.source_key, after, busy=True)
                waiter.granted.set_result(process)

    def _pair(self, priority: int) -> tuple[EncoderProcess, _Waiter] | None:
        """An idle process and who of that priority gets it."""
        waiting = [waiter for waiter in self._queue if waiter.priority == priority]
        idle = [process for process in self._background if process in self._idle]
        if waiting and priority == URGENT:
            # Reserved ones first, in order of asking; among equals one that has the source open.
            idle = [process for process in self._reserved if process in self._idle] or idle
            opened = [process for process in idle if process.source_key == waiting[0].source_key]
            return ((opened or idle)[0], waiting[0]) if idle else None
        if not waiting or not idle:
            return None
        choices = {process: self._choice(process, waiting) for process in idle}
        process = min(choices, key=lambda each: choices[each].rank)
        chosen = choices[process]
        if chosen.passed is not None:
            waiting[chosen.passed].passed += 1
        return process, waiting[chosen.job]

    def _choice(self, process: EncoderProcess, waiting: list[_Waiter]) -> affinity.Choice:
        others = [self._places[o] for o in self._background if o is not process and o in self._places]
        return affinity.choose(waiting, self._places.get(process), others)

    def _release(self, process: EncoderProcess, *, stands: bool) -> None:
        """Its job is over; `stands` where the next chunk of the same film begins."""
        place = self._places.pop(process, None)
        if self._stopping:
            return
        if place is not None and stands:
            self._places[process] = place._replace(busy=False)
        if process.alive:
            self._idle.add(process)
            self._grant()
            return
        task = asyncio.get_running_loop().create_task(self._respawn(process))
        self._respawning.add(task)
        task.add_done_callback(self._respawning.discard)

    async def _respawn(self, process: EncoderProcess) -> None:
        """Try until it is there: a pool that shrank in silence would leave work waiting for ever."""
        while not self._stopping:
            await self._in_thread(process.stop)
            try:
                await self._in_thread(process.start)
            except (EncoderFailed, MediaProblem, OSError) as error:
                log.warning("an encoder process does not start, trying again", error=str(error))
                await asyncio.sleep(RESPAWN_PAUSE_S)
                continue
            self._idle.add(process)
            self._grant()
            return
