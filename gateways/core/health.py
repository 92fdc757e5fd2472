"""/health, /ready and /metrics, alike on the API port and on the metrics port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from pydantic import BaseModel, Field

from gateways.core.adaptive import Priority
from gateways.core.deps import Probe
from gateways.core.endpoint import json_response
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Handler, Route
from gateways.core.sse import DRAINING

PROBE_TIMEOUT_S: Final = 2.0
_NAMES: Final = {
    "kafka": "Kafka",
    "redis": "Redis",
    "clickhouse": "ClickHouse",
    "objects": "the object store",
    "vault": "the vault",
}


class Alive(BaseModel):
    """The process answers; says nothing about what it depends on."""

    status: str = Field(description="always `alive`")
    service: str


class DependencyState(BaseModel):
    """One dependency as /ready saw it."""

    ok: bool
    latency_ms: float = Field(description="how long the probe took, milliseconds")
    error: str | None = Field(default=None, description="what is wrong, if anything")


class Readiness(BaseModel):
    """Whether the service can do its work now."""

    status: str = Field(description="`ready`, `not-ready` or `draining`")
    service: str
    dependencies: dict[str, DependencyState]
    detail: str = Field(default="", description="a sentence that names what is missing; empty when ready")


@dataclass(slots=True)
class Health:
    """Runs the probes of one service, at most once per `cache_s` however often it is asked."""

    service: str
    probes: Mapping[str, Probe]
    cache_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, DependencyState] = field(default_factory=dict)
    _seen_at: float = -1e9
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def dependencies(self) -> dict[str, DependencyState]:
        """State of each dependency by name; takes at most PROBE_TIMEOUT_S."""
        async with self._lock:
            if self.clock() - self._seen_at >= self.cache_s:
                states = await asyncio.gather(*(_probe(probe) for probe in self.probes.values()))
                self._seen = dict(zip(self.probes, states, strict=True))
                self._seen_at = self.clock()
            return self._seen

    async def away(self) -> str:
        """A sentence that names the dependencies that do not answer now; empty if all do."""
        return _sentence(await self.dependencies())

    async def alive(self, _: web.Request) -> web.Response:
        return json_response(Alive(status="alive", service=self.service))

    async def ready(self, request: web.Request) -> web.Response:
        states = await self.dependencies()
        detail = _sentence(states)
        status = "not-ready" if detail else "ready"
        if request.app[DRAINING].is_set():
            status, detail = "draining", "The service is stopping."
        return json_response(
            Readiness(status=status, service=self.service, dependencies=states, detail=detail),
            200 if status == "ready" else 503,
        )

    async def metrics(self, _: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, REGISTRY)
        return web.Response(
            body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        )

    def routes(self) -> tuple[Route, ...]:
        """Open to all: an orchestrator and a scraper carry no credential, and nothing private is in them."""
        return (
            _route("/health", self.alive, "Alive: the process answers", Alive),
            _route(
                "/ready",
                self.ready,
                "Ready: each dependency by name; 503 if one does not answer",
                Readiness,
                also=(503,),
            ),
            _route("/metrics", self.metrics, "Prometheus metrics", None, "text/plain"),
        )


def _route(
    path: str,
    handler: Handler,
    summary: str,
    response: type[BaseModel] | None,
    response_type: str = "application/json",
    also: tuple[int, ...] = (),
) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=PUBLIC, summary=summary, response=response,
        response_type=response_type, also=also, max_body_bytes=0, tag="health", limits=None,
        priority=Priority.ALWAYS,
    )  # fmt: skip


def _sentence(states: Mapping[str, DependencyState]) -> str:
    away = [_NAMES.get(name, name) for name, state in states.items() if not state.ok]
    if not away:
        return ""
    named = " and ".join([", ".join(away[:-1]), away[-1]] if len(away) > 1 else away)
    return f"{named[0].upper()}{named[1:]} {'do' if len(away) > 1 else 'does'} not answer."


async def _probe(probe: Probe) -> DependencyState:
    began = time.perf_counter()
    error: str | None = None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await probe()
    except TimeoutError:
        error = f"no answer within {PROBE_TIMEOUT_S:g} s"
    except Exception as caught:
        # The sentence, not the address: /ready is open, and URLs may carry passwords.
        error = type(caught).__name__
    return DependencyState(
        ok=error is None, latency_ms=round((time.perf_counter() - began) * 1000, 2), error=error
    )
