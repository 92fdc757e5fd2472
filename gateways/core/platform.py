"""What a service builds itself from: the process's clients, made when first asked for, closed at the end.

Nothing here waits for a server: clients connect when they are used, and /ready tells what does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeVar

from gateways.core.anonymisers import Anonymisers
from gateways.core.clickhouse import ClickHouseHistory
from gateways.core.countries import Countries
from gateways.core.deps import Probe
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.viewing import Viewing
from schemas.catalog import Topology
from streams.core.clients import AnyRedis, redis_client
from streams.core.objects import ObjectStore
from streams.core.producer import EventProducer
from streams.core.settings import Settings
from streams.core.vault import Vault, open_vault

T = TypeVar("T")
C = TypeVar("C", bound="Closable")


class Closable(Protocol):
    """A client."""

    async def close(self) -> None:
        """Once, at the end."""


class Platform:
    """One a process; its clients are closed with `stack`, the newest first."""

    def __init__(self, settings: Settings, topology: Topology, stack: AsyncExitStack) -> None:
        self.settings, self.topology = settings, topology
        self._stack = stack
        self._made: dict[str, Any] = {}
        self._probes: dict[str, Probe] = {}

    def redis(self) -> AnyRedis:
        """The Redis of the projections."""

        def make() -> AnyRedis:
            redis = redis_client(self.settings)
            self._stack.push_async_callback(redis.aclose)
            return redis

        return self._once("redis", make)

    async def hub(self) -> Hub:
        """Notifications of the projections."""
        hub = self._made.get("hub")
        if hub is None:
            hub = self._made["hub"] = Hub(self.redis())
            await hub.start()
            self._stack.push_async_callback(hub.stop)
        return hub

    async def projections(self) -> ProjectionReader:
        """Reads projections."""
        return ProjectionReader(self.redis(), await self.hub())

    def projection(self, agent: str) -> Projection:
        """A projection's input partitions are those of the topic that its agent reads."""
        return Projection(agent, self.topology.topic(self.topology.agent(agent).reads).partitions)

    def producer(self, service: str) -> EventProducer:
        """Publishes as gateway.<service>."""

        def make() -> EventProducer:
            producer = EventProducer(self.settings, f"gateway.{service}")
            self._stack.push_async_callback(producer.close, 1.0)
            self._probes.setdefault("kafka", producer.ready)
            return producer

        return self._once(f"producer {service}", make)

    def history(self) -> ClickHouseHistory:
        """ClickHouse, read only."""

        def make() -> ClickHouseHistory:
            history = ClickHouseHistory(self.settings)
            self._stack.push_async_callback(history.close)
            self._probes["clickhouse"] = history.ready
            return history

        return self._once("history", make)

    def objects(self) -> ObjectStore:
        """The object store."""

        def make() -> ObjectStore:
            objects = ObjectStore(self.settings)
            self._stack.push_async_callback(objects.close)
            self._probes["objects"] = objects.check
            return objects

        return self._once("objects", make)

    def countries(self) -> Countries:
        """Tells the countries of addresses. Raises SettingsError for a GEOIP_FILE that is none."""
        return self._once("countries", lambda: Countries(self.settings.geoip_file))

    def anonymisers(self) -> Anonymisers:
        """Tells networks that hide. Raises SettingsError for an ANONYMISERS_FILE that is none."""
        return self._once("anonymisers", lambda: Anonymisers(self.settings.anonymisers_file))

    def viewing(self) -> Viewing:
        """Names views and viewers."""
        return Viewing(self.settings.session_secret.get_secret_value().encode())

    def vault(self) -> Vault:
        """What must be forgettable. Raises VaultUnusable where its keys cannot be read."""

        def make() -> Vault:
            vault = open_vault(self.settings)
            self._stack.push_async_callback(vault.aclose)
            self._probes["vault"] = vault.ready
            return vault

        return self._once("vault", make)

    def own(self, name: str, make: Callable[[], C]) -> C:
        """A client that one domain alone has, closed with the others."""

        def kept() -> C:
            client = make()
            self._stack.push_async_callback(client.close)
            return client

        return self._once(name, kept)

    def probes(self, needs: Sequence[str]) -> dict[str, Probe]:
        """/ready's, by name; for what the process has built."""
        if "redis" in needs:
            self._probes["redis"] = self._ping
        return {need: self._probes[need] for need in needs}

    async def _ping(self) -> None:
        await self.redis().ping()

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]  # type: ignore[no-any-return]
