"""What a gateway stands on, as protocols: the real adapters live in streams.core, the fakes in the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateways.core.auth import Guard
from gateways.core.forwarded import Proxies
from gateways.core.limits import Limiter

Probe = Callable[[], Awaitable[None]]
"""Returns when the dependency answers; raises with a sentence when it does not."""


Watch = Callable[[Any], AbstractAsyncContextManager[None]]
"""Tells a `gateways.core.push.Listener` of changes for as long as it is entered."""


class Position(Protocol):
    """Where a published event stands on the log."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


class Producer(Protocol):
    """Publishes one event and returns when the broker has it."""

    async def publish(
        self,
        topic: str,
        key: str,
        type: str,
        data: Mapping[str, Any],
        *,
        ce_id: str | None = None,
        cause: str | None = None,
        trace: str | None = None,
        at_ms: int | None = None,
    ) -> Position: ...


class RedisReader(Protocol):
    """The reading half of redis.asyncio's Redis and RedisCluster; answers are bytes."""

    def get(self, name: str) -> Awaitable[Any]: ...
    def hget(self, name: str, key: str) -> Awaitable[Any]: ...
    def pipeline(self, transaction: bool = ...) -> Any: ...
    def pubsub(self) -> Any: ...
    def ping(self) -> Awaitable[Any]: ...


class History(Protocol):
    """ClickHouse, read only."""

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]: ...


class Names(Protocol):
    """How the holder of an account is called; None if nobody can tell now."""

    async def of(self, account_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """What the edge itself is told."""

    cors_origins: frozenset[str] = frozenset()
    heartbeat_s: float = 15.0
    ready_cache_s: float = 1.0
    proxies: Proxies = field(default_factory=Proxies)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreDeps:
    """What every service needs, whatever its domain. `probes` are /ready's, by dependency name.

    Without a `limiter` requests are not counted, without `names` nobody is called by name. `places` tells
    pages where the services are that they lead to or call: a base URL, or `:port` of the page's own host.
    `account_news` subscribes to changes of accounts.
    """

    guard: Guard
    limiter: Limiter | None = None
    config: EdgeConfig = field(default_factory=EdgeConfig)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    modules_folder: str = ""
    names: Names | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    account_news: Watch | None = None
