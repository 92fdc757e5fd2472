"""Playback tokens and Clear Key licences: who gets keys, and that none leave without a grant."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import orjson
from redis.asyncio import Redis

from gateways.drm.requesting import HEADER
from schemas.event import Event
from streams.core.content_keys import ContentKeys
from streams.core.vault import Vault
from tests.unit.gateways.conftest import BEARER
from tests.unit.gateways.drm.conftest import FILM, TV, Cinema, film


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
    body = await answer.json()
    assert (answer.status, body["code"], body["why"]) == (409, "stream_ended", "asset_stopped")
    assert body["detail"] == "This film is switched off."
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
