"""A cinema: the drm service over real Redis and vault, its deciders and projections told without Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from redis.asyncio import Redis

from gateways.core.anonymisers import Anonymisers
from gateways.core.app import Service, create_app
from gateways.core.countries import Countries
from gateways.core.deps import CoreDeps
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.routes import Route
from gateways.drm.administration import ADMINISTRATION_ROUTES
from gateways.drm.licensing import LICENSING, Licensing
from gateways.drm.playback_tokens import PlaybackTokens
from gateways.drm.playing import PLAYING_ROUTES
from gateways.drm.requesting import HEADER
from gateways.drm.servers import SERVERS, Servers
from gateways.drm.upstream import Upstream
from schemas.drm.views import (
    ACCOUNTS,
    EVENTS,
    FILM_EVENTS,
    FILM_REQUESTS,
    FILMS,
    POLICIES,
    POLICY_EVENTS,
    POLICY_REQUESTS,
)
from schemas.event import Event
from schemas.keys import partition_of, tag
from schemas.media.protection import Scheme
from schemas.media.views import LIBRARY
from streams.core.content_keys import ContentKeys
from streams.core.sealing import Sealer
from streams.core.vault import Vault
from streams.drm.access import decide_film, decide_policy, film_document, policy_document
from streams.drm.projections import accounts
from streams.drm.rules import decide
from streams.engine import Refuse
from tests.support.clearkey import challenge_of
from tests.unit.gateways.conftest import Serve
from tests.unit.gateways.world import PARTITIONS, World

FILM, TV, PHONE = "film-1", "tv", "phone"
OWNER = "0" * 31 + "f"
SHOWN: dict[str, tuple[str, Any]] = {
    EVENTS: (ACCOUNTS, accounts),
    POLICY_EVENTS: (POLICIES, lambda _, told: (policy_document(told), [])),
    FILM_EVENTS: (FILMS, lambda _, told: (film_document(told), [])),
}
DECIDERS: dict[str, tuple[Any, str]] = {
    POLICY_REQUESTS: (decide_policy, POLICY_EVENTS),
    FILM_REQUESTS: (decide_film, FILM_EVENTS),
}


@dataclass
class Past:
    """The history: rows that it will answer, and what it was asked."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def query(self, sql: str, parameters: Any) -> list[dict[str, Any]]:
        self.asked.append((sql, parameters))
        return self.rows


class DrmWorld(World):
    """The account's decider and what projectors show of it."""

    async def _decide(self, event: Event) -> None:
        rule, answers = DECIDERS.get(event.topic, (decide, EVENTS))
        place = f"{event.topic}:{event.key}"
        try:
            state, outs = rule(self._decided.get(place), event)
        except Refuse as refusal:
            data = {"request_id": event.id, "request_type": event.type, "code": refusal.code}
            told = {**data, "detail": refusal.detail}
            await self._show(
                self._event(answers, event.key, "kinolog.engine.RequestRefused", told, "x", event.id)
            )
            return
        self._decided[place] = state
        for out in outs:
            if out.topic in SHOWN:
                await self._show(self._event(out.topic, out.key, out.type, out.data, "x", event.id))

    async def _show(self, event: Event) -> None:
        name, project = SHOWN[event.topic]

        def fold(state: Any, told: Event) -> Any:
            return (state, []) if told.type.startswith("kinolog.engine.") else project(state, told)

        await self._project(name, fold, event)

    async def say_of_film(self, access: str = "free", policy: str = "", *, stopped: bool = False) -> None:
        data = {"asset_id": FILM, "access": access, "policy_id": policy, "stopped": stopped, "actor": "x"}
        event = self._event(FILM_EVENTS, FILM, "kinolog.drm.AccessChanged", data, "x", "")
        await self._project(FILMS, lambda _, told: (film_document(told), []), event)

    async def say_policy(self, name: str, **rules: Any) -> None:
        data = {"policy_id": name, "version": 1, "rules": orjson.dumps(rules).decode(), "actor": "x"}
        event = self._event(POLICY_EVENTS, name, "kinolog.drm.PolicyChanged", data, "x", "")
        await self._project(POLICIES, lambda _, told: (policy_document(told), []), event)


@dataclass
class Cinema:
    client: TestClient[web.Request, web.Application]
    world: DrmWorld
    kids: list[str]
    keys: dict[str, bytes]
    past: Past

    async def ask_token(self, device: str = TV, headers: dict[str, str] | None = None) -> dict[str, Any]:
        said = {"asset_id": FILM, "device_id": device}
        answer = await self.client.post("/v1/tokens", json=said, headers=headers or {})
        assert answer.status == 201, await answer.text()
        return await answer.json()  # type: ignore[no-any-return]

    async def licence(self, token: str, kids: list[str] | None = None) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post(
            "/v1/licences/clearkey",
            data=challenge_of(kids or self.kids),
            headers={HEADER: token, "Content-Type": "application/octet-stream"},
        )
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.json(content_type=None)

    async def play(self, device: str = TV, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        return await self.licence((await self.ask_token(device, headers))["token"])


@pytest.fixture
async def cinema(serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault) -> Cinema:
    return await opened(serve, core, redis, hub, vault)


async def opened(
    serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault, *, routes: tuple[Route, ...] = (),
    scheme: Scheme = "cenc", systems: tuple[str, ...] = ("clearkey",),
    also: Callable[[web.Application], None] = lambda _: None,
) -> Cinema:  # fmt: skip
    """A service with one film; `also` puts more into the app, for `routes`."""
    world, keys, past = DrmWorld(redis), ContentKeys(vault), Past()
    kids = await keys.ensure(FILM, scheme, 1, ["audio", "sd"])
    await film(redis, kids, scheme=scheme, systems=systems)
    licensing = Licensing(
        tokens=PlaybackTokens(vault), producer=world, keys=keys,
        projections=ProjectionReader(redis, hub), hub=hub,
        accounts=Projection(ACCOUNTS, PARTITIONS), films=Projection(FILMS, PARTITIONS),
        policies=Projection(POLICIES, PARTITIONS), library=Projection(LIBRARY, PARTITIONS),
        countries=Countries(None), anonymisers=Anonymisers(None),
        sealer=Sealer(vault), history=past, outcome_s=1.0,
    )  # fmt: skip

    def prepare(app: web.Application) -> None:
        app[LICENSING] = licensing
        app[SERVERS] = Servers(upstream=Upstream())
        also(app)

    service = Service(name="drm", routes=(*PLAYING_ROUTES, *ADMINISTRATION_ROUTES, *routes), prepare=prepare)
    client = await serve(create_app(service, core))
    found = await keys.get(FILM, scheme, 1, [*kids.values()])
    return Cinema(client, world, [*kids.values()], found, past)


async def film(
    redis: Redis, kids: dict[str, str], visibility: str = "public", scheme: str = "cenc",
    systems: tuple[str, ...] = ("clearkey",),
) -> None:  # fmt: skip
    """As the media domain's projection shows a protected film."""
    protection = {
        "scheme": scheme, "systems": list(systems), "policy_id": "default", "version": 1, "keys": kids,
    }  # fmt: skip
    document = {
        "id": FILM, "state": "ready", "owner_id": OWNER, "visibility": visibility, "protection": protection,
    }  # fmt: skip
    await redis.hset(f"{tag(LIBRARY, 1, partition_of(FILM, PARTITIONS))}:state", FILM, orjson.dumps(document))
