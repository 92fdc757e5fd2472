"""Playback tokens and Clear Key licences: who gets keys, and that none leave without a grant."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from redis.asyncio import Redis

from gateways.core.app import Service, create_app
from gateways.core.countries import Countries
from gateways.core.deps import CoreDeps
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.routes import Route
from gateways.drm.licensing import LICENSING, Licensing
from gateways.drm.playback_tokens import PlaybackTokens
from gateways.drm.playing import PLAYING_ROUTES
from gateways.drm.requesting import HEADER
from schemas.drm.views import ACCOUNTS, FILM_EVENTS, FILMS, POLICIES, POLICY_EVENTS
from schemas.event import Event
from schemas.keys import partition_of, tag
from schemas.media.protection import Scheme
from schemas.media.views import LIBRARY
from streams.core.content_keys import ContentKeys
from streams.core.vault import Vault
from streams.drm.access import film_document, policy_document
from streams.drm.projections import accounts
from streams.drm.rules import decide
from streams.engine import Refuse
from tests.support.clearkey import challenge_of
from tests.unit.gateways.conftest import BEARER, Serve
from tests.unit.gateways.world import PARTITIONS, World

FILM, TV, PHONE = "film-1", "tv", "phone"
SHOWN = ("drm.account.events",)


class DrmWorld(World):
    """The account's decider and what projectors show of it."""

    async def _decide(self, event: Event) -> None:
        try:
            state, outs = decide(self._decided.get(event.key), event)
        except Refuse as refusal:
            await self._answer(event, "RequestRefused", code=refusal.code, detail=refusal.detail)
            return
        self._decided[event.key] = state
        for out in outs:
            if out.topic in SHOWN:
                await self._show(self._event(out.topic, out.key, out.type, out.data, "x", event.id))

    async def _answer(self, event: Event, name: str, **more: str) -> None:
        data = {"request_id": event.id, "request_type": event.type, **more}
        await self._show(self._event(SHOWN[0], event.key, f"kinolog.engine.{name}", data, "x", event.id))

    async def _show(self, event: Event) -> None:
        def fold(state: Any, told: Event) -> Any:
            return (state, []) if told.type.startswith("kinolog.engine.") else accounts(state, told)

        await self._project(ACCOUNTS, fold, event)

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
    world, keys = DrmWorld(redis), ContentKeys(vault)
    kids = await keys.ensure(FILM, scheme, 1, ["audio", "sd"])
    await film(redis, kids, scheme=scheme, systems=systems)
    licensing = Licensing(
        tokens=PlaybackTokens(vault), producer=world, keys=keys, projections=ProjectionReader(redis, hub),
        accounts=Projection(ACCOUNTS, PARTITIONS), films=Projection(FILMS, PARTITIONS),
        policies=Projection(POLICIES, PARTITIONS), library=Projection(LIBRARY, PARTITIONS),
        countries=Countries(None), outcome_s=1.0,
    )  # fmt: skip

    def prepare(app: web.Application) -> None:
        app[LICENSING] = licensing
        also(app)

    service = Service(name="drm", routes=(*PLAYING_ROUTES, *routes), prepare=prepare)
    client = await serve(create_app(service, core))
    found = await keys.get(FILM, scheme, 1, [*kids.values()])
    return Cinema(client, world, [*kids.values()], found)


async def film(
    redis: Redis, kids: dict[str, str], visibility: str = "public", scheme: str = "cenc",
    systems: tuple[str, ...] = ("clearkey",),
) -> None:  # fmt: skip
    """As the media domain's projection shows a protected film."""
    protection = {
        "scheme": scheme, "systems": list(systems), "policy_id": "default", "version": 1, "keys": kids,
    }  # fmt: skip
    document = {
        "id": FILM, "state": "ready", "owner_id": "o", "visibility": visibility, "protection": protection,
    }  # fmt: skip
    await redis.hset(f"{tag(LIBRARY, 1, partition_of(FILM, PARTITIONS))}:state", FILM, orjson.dumps(document))


def keys_in(body: dict[str, Any]) -> dict[str, bytes]:
    def heard(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    return {heard(each["kid"]).hex(): heard(each["k"]) for each in body["keys"]}


async def test_a_token_and_its_request_give_the_films_keys(cinema: Cinema) -> None:
    status, body = await cinema.play()
    assert (status, keys_in(body)) == (200, cinema.keys)
    assert cinema.world.names() == ["LicenceRequested"]
    told = orjson.dumps([event.data for event in cinema.world.published]).decode()
    assert not any(key.hex() in told for key in cinema.keys.values())


async def test_only_keys_of_the_film_are_given(cinema: Cinema) -> None:
    token = (await cinema.ask_token())["token"]
    status, body = await cinema.licence(token, ["ab" * 16, cinema.kids[0]])
    assert (status, [*keys_in(body)]) == (200, cinema.kids[:1])
    status, body = await cinema.licence((await cinema.ask_token())["token"], ["ab" * 16])
    assert (status, body["code"]) == (403, "no_such_key")


async def test_one_token_is_one_licence(cinema: Cinema) -> None:
    token = (await cinema.ask_token())["token"]
    assert await cinema.licence(token) == await cinema.licence(token)
    status, body = await cinema.licence(token, cinema.kids[:1])
    assert (status, body["code"]) == (403, "token_used")


async def test_altered_and_foreign_tokens_get_nothing(cinema: Cinema) -> None:
    token = (await cinema.ask_token())["token"]
    head, claims, signature = token.split(".")
    said = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode({**said, "asset": "film-2"}, "k" * 32, algorithm="HS256")
    for wrong in ("", "x", f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}.", forged):
        status, _ = await cinema.licence(wrong)
        assert status == 401
    assert cinema.world.published == []


async def test_without_an_outcome_in_time_no_key_leaves(cinema: Cinema) -> None:
    cinema.world.paused = True
    status, body = await cinema.play()
    assert (status, "keys" in body) == (503, False)
    cinema.world.broken = True
    assert (await cinema.play())[0] == 503


async def test_a_right_is_needed_where_the_film_asks_for_one(cinema: Cinema) -> None:
    await cinema.world.say_of_film("rental")
    status, body = await cinema.play()
    assert (status, body["code"]) == (403, "no_right")
    assert (await cinema.play(headers=BEARER))[0] == 200  # who may see all films


async def test_what_clear_key_cannot_enforce_is_denied(cinema: Cinema) -> None:
    await cinema.world.say_policy("strict", licence_s=60)
    await cinema.world.say_of_film(policy="strict")
    status, body = await cinema.play()
    assert (status, body["code"]) == (403, "unenforceable")


async def test_a_switch_that_is_turned_while_it_is_decided_stops_the_keys(cinema: Cinema) -> None:
    token = (await cinema.ask_token())["token"]
    decided = cinema.world._decide

    async def and_off(event: Event) -> None:
        await decided(event)
        await cinema.world.say_of_film(stopped=True)

    cinema.world._decide = and_off  # type: ignore[method-assign]
    status, body = await cinema.licence(token)
    assert (status, body["code"]) == (403, "stopped")


async def test_a_policy_that_is_not_there_gives_no_token(cinema: Cinema) -> None:
    await cinema.world.say_of_film(policy="gone")
    said = {"asset_id": FILM, "device_id": TV}
    answer = await cinema.client.post("/v1/tokens", json=said)
    assert (answer.status, (await answer.json())["code"]) == (409, "no_such_policy")


async def test_beats_until_the_stop(cinema: Cinema) -> None:
    made = await cinema.ask_token()
    said = {"stream_id": made["stream_id"], "device_id": TV}
    assert (await cinema.client.post("/v1/beats", json=said)).status == 409
    assert (await cinema.licence(made["token"]))[0] == 200
    assert (await cinema.client.post("/v1/beats", json=said)).status == 200
    path = f"/v1/streams/{made['stream_id']}?device_id={TV}"
    assert (await cinema.client.delete(path)).status == 200
    assert (await cinema.client.post("/v1/beats", json=said)).status == 409


async def test_a_switched_off_film_ends_what_plays_at_its_next_beat(cinema: Cinema) -> None:
    made = await cinema.ask_token()
    assert (await cinema.licence(made["token"]))[0] == 200
    said = {"stream_id": made["stream_id"], "device_id": TV}
    await cinema.world.say_of_film(stopped=True)
    answer = await cinema.client.post("/v1/beats", json=said)
    assert (answer.status, (await answer.json())["code"]) == (409, "stream_ended")
    assert cinema.world.names()[-1] == "PlaybackStopped"
    status, body = await cinema.play()
    assert (status, body["code"]) == (403, "asset_stopped")
    await cinema.world.say_of_film(stopped=False)
    assert (await cinema.client.post("/v1/beats", json=said)).status == 409  # it did not go on meanwhile


async def test_unknown_films_and_bad_requests_are_refused(cinema: Cinema) -> None:
    said = {"asset_id": "other", "device_id": TV}
    assert (await cinema.client.post("/v1/tokens", json=said)).status == 404
    token = (await cinema.ask_token())["token"]
    for body in (b"", b"{}", b'{"kids": []}', b"[" * 4000):
        headers = {HEADER: token, "Content-Type": "application/json"}
        answer = await cinema.client.post("/v1/licences/clearkey", data=body, headers=headers)
        assert answer.status == 422
    answer = await cinema.client.post(
        "/v1/licences/clearkey", data=b"x" * 9000, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 413
    assert cinema.world.published == []


async def test_private_films_are_not_there_for_others(cinema: Cinema, redis: Redis, vault: Vault) -> None:
    kids = await ContentKeys(vault).ensure(FILM, "cenc", 1, ["audio", "sd"])
    await film(redis, kids, "private")
    said = {"asset_id": FILM, "device_id": TV}
    assert (await cinema.client.post("/v1/tokens", json=said)).status == 404
    assert (await cinema.client.post("/v1/tokens", json=said, headers=BEARER)).status == 201
