"""What the streaming service's handlers work with, put into the app once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from aiohttp import web

from gateways.core.deps import History, Producer
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.sessions import Tokens
from gateways.media.delivered import Delivered
from streams.core.logging import get_logger
from streams.core.sealing import Sealer

_log = get_logger("gateway.media")
Result = TypeVar("Result")
PART_SIZE_BYTES: Final = 8 * 2**20
REQUESTS: Final = "media.asset.requests"


class ObjectInfo(Protocol):
    """What a store says about an object."""

    @property
    def size(self) -> int: ...


class ObjectStore(Protocol):
    """What the gateway needs of `streams.core.objects.ObjectStore`; `end` is exclusive."""

    async def put(self, key: str, data: bytes, content_type: str) -> Any: ...
    async def get(self, key: str, start: int | None = None, end: int | None = None) -> bytes: ...
    async def stat(self, key: str) -> ObjectInfo: ...
    def stream(self, key: str, start: int | None = None, end: int | None = None) -> AsyncIterator[bytes]: ...


class Locks(Protocol):
    """Short leases of the edge, so that two gateways never take in the same upload at once."""

    async def acquire(self, name: str, token: str, ttl_s: float) -> bool: ...
    async def renew(self, name: str, token: str, ttl_s: float) -> bool: ...
    async def release(self, name: str, token: str) -> None: ...
    async def left_s(self, name: str) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """Bounds of an upload; memory of one is about four parts."""

    max_bytes: int = 20 * 2**30
    part_size_bytes: int = PART_SIZE_BYTES
    parts_in_flight: int = 2
    idle_timeout_s: float = 60.0
    concurrent: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long handlers wait for the log and the projections before they answer anyway, seconds."""

    publish_s: float = 8.0
    outcome_s: float = 2.0


class Background:
    """Work that must finish although its request is gone; the gateway waits for it when it drains."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Result], name: str) -> asyncio.Task[Result]:
        """Run `work` to its end, whoever still waits for it. A failure is logged, and raised to waiters."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("background work failed", work=task.get_name(), error=f"{error!r}")

    async def finish(self, timeout_s: float) -> None:
        """Wait for what runs, at most `timeout_s`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Everything the handlers use."""

    producer: Producer
    objects: ObjectStore
    projections: ProjectionReader
    hub: Hub
    history: History
    locks: Locks
    tokens: Tokens
    sealer: Sealer
    library: Projection
    progress: Projection
    limits: UploadLimits = field(default_factory=UploadLimits)
    waits: Waits = field(default_factory=Waits)
    delivered: Delivered | None = None
    log_table: str = "log_events"
    log_poll_s: float = 0.5
    background: Background = field(default_factory=Background)


MEDIA = web.AppKey("media", Media)


def media_of(request: web.Request) -> Media:
    """The app's Media."""
    return request.app[MEDIA]
