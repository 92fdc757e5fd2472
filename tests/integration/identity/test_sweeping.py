"""What opens nothing any more leaves the vault: at once when a session ends, by the sweep after a cut."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.gate import guard_of
from gateways.identity.context import ACCOUNT_REQUESTS, IDENTITY, Identity
from gateways.identity.service import build
from gateways.identity.sweeping import ORPHAN_AGE_S, UNKNOWN_AGE_S, sweep
from schemas.chat.titles import subject_of as subject_of_room
from schemas.media.titles import subject_of
from streams.core.vault import API_KEY, LOGIN_SESSION, ONE_TIME_LINK, PASSWORD, SUBJECT_KEY, Vault
from tests.integration.identity.conftest import PATIENCE_S, Api, Person, passwords
from tests.integration.identity.test_films import Films, films
from tests.integration.identity.test_meanwhile import Interrupted, platform

__all__ = ["films", "platform"]
HOUR_S = 3600


@pytest.fixture
async def identity(platform: Interrupted) -> Identity:
    """What the handlers work with, in this process."""
    app = create_app(await build(platform), CoreDeps(guard=await guard_of(platform)))
    return app[IDENTITY]


@pytest.fixture
async def vault(platform: Interrupted) -> Vault:
    """The platform's own."""
    return platform.vault()


async def aged(vault: Vault, kind: str, id: str, age_s: float) -> None:
    """As if the entry had been put so long ago."""
    assert await vault.get(kind, id) is not None
    put_at_ms = round((time.time() - age_s) * 1000)
    await vault.redis.hset(f"e:{kind}:{id}", "m", str(put_at_ms))


async def kept(vault: Vault, *entries: tuple[str, str]) -> list[bool]:
    return [await vault.get(kind, id) is not None for kind, id in entries]


async def gone(vault: Vault, kind: str, id: str) -> None:
    """Returns once the worker has dropped it."""
    async with asyncio.timeout(PATIENCE_S):
        while await vault.get(kind, id) is not None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def test_an_ended_session_a_replaced_password_and_a_spent_link_leave_nothing(
    api: Api, vault: Vault
) -> None:
    person = await api.person()
    one, two = await api.sign_in(person), await api.sign_in(person)
    await api.ask("DELETE", f"/v1/sessions/{one.tokens['sid']}", 204, headers=person.bearer)
    await gone(vault, LOGIN_SESSION, one.tokens["sid"])
    [before] = await passwords(vault, person)
    path = f"/v1/users/{person.account_id}/reset-link"
    link = await api.ask("POST", path, 201, {"reason": None})
    body = {"token": link["token"], "password": "another set of words entirely"}
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    for kind, id in (
        (PASSWORD, before),
        (LOGIN_SESSION, two.tokens["sid"]),
        (LOGIN_SESSION, person.tokens["sid"]),
        (ONE_TIME_LINK, link["token"].split("_")[1]),
    ):
        await gone(vault, kind, id)
    await api.sign_in(Person(person.account_id, person.email, body["password"]))


async def test_orphans_are_swept_and_what_an_account_speaks_of_stays(
    api: Api, identity: Identity, vault: Vault
) -> None:
    person = await api.person()
    key = await api.ask("POST", "/v1/api-keys", 201, {"name": "x", "scopes": ["account:self"]}, person.bearer)
    [password] = await passwords(vault, person)
    stay = [
        (PASSWORD, password),
        (API_KEY, key["id"]),
        (LOGIN_SESSION, person.tokens["sid"]),
        (SUBJECT_KEY, person.account_id),
    ]
    orphans = [(kind, uuid.uuid4().hex) for kind in (PASSWORD, API_KEY, LOGIN_SESSION, ONE_TIME_LINK)]
    young = (API_KEY, uuid.uuid4().hex)
    for kind, id in (*orphans, young):
        await vault.put(kind, id, b"{}", subject=person.account_id)
    for kind, id in (*orphans, *stay):
        await aged(vault, kind, id, ORPHAN_AGE_S + HOUR_S)
    await aged(vault, *young, ORPHAN_AGE_S - HOUR_S)
    assert await sweep(identity) >= len(orphans)
    assert await kept(vault, *orphans) == [False] * 4
    assert await kept(vault, *stay, young) == [True] * 5
    await api.sign_in(person)
    await vault.delete(*young)


async def test_who_was_never_heard_of_is_waited_for_longer(identity: Identity, vault: Vault) -> None:
    account_id = uuid.uuid4().hex
    await vault.put(SUBJECT_KEY, account_id, b"key", subject=account_id)
    await vault.put(PASSWORD, account_id, b"hash", subject=account_id)
    await aged(vault, PASSWORD, account_id, UNKNOWN_AGE_S + HOUR_S)
    await aged(vault, SUBJECT_KEY, account_id, UNKNOWN_AGE_S - HOUR_S)
    await sweep(identity)
    assert await kept(vault, (PASSWORD, account_id), (SUBJECT_KEY, account_id)) == [False, True]
    await vault.forget(account_id)


async def test_what_is_spoken_of_while_it_is_swept_stays(
    api: Api, identity: Identity, vault: Vault, platform: Interrupted
) -> None:
    """A request that was under way for a day arrives between the sweep's two looks at the account."""
    person, key_id = await api.person(), uuid.uuid4().hex[:16]
    data = {
        "account_id": person.account_id,
        "key_id": key_id,
        "prefix": f"kino_{key_id}",
        "name_sealed": "bmFtZQ==",
        "scopes": ["account:self"],
        "expires_at_ms": None,
        "replaces": None,
        "overlap_ms": None,
    }

    async def arrive() -> None:
        await identity.producer.publish(
            ACCOUNT_REQUESTS, person.account_id, "kinolog.identity.ApiKeyRequested", data, ce_id=key_id * 2
        )

    await vault.put(API_KEY, key_id, b"{}", subject=person.account_id)
    await aged(vault, API_KEY, key_id, ORPHAN_AGE_S + HOUR_S)
    platform.meanwhile = arrive
    await sweep(identity)
    assert await vault.get(API_KEY, key_id) is not None


async def test_what_is_written_anew_while_it_is_swept_stays(
    api: Api, identity: Identity, vault: Vault, platform: Interrupted
) -> None:
    person, orphan = await api.person(), uuid.uuid4().hex

    async def retried() -> None:
        await vault.put(API_KEY, orphan, b"anew", subject=person.account_id)

    await vault.put(API_KEY, orphan, b"{}", subject=person.account_id)
    await aged(vault, API_KEY, orphan, ORPHAN_AGE_S + HOUR_S)
    platform.meanwhile = retried
    await sweep(identity)
    assert await vault.get(API_KEY, orphan) == b"anew"
    await vault.delete(API_KEY, orphan)


async def test_the_key_of_a_film_s_title_is_swept_only_when_the_film_is_deleted(
    api: Api, identity: Identity, vault: Vault, films: Films
) -> None:
    person = await api.person("creator")
    stays, deleted = await films.upload(person), await films.upload(person)
    await films.ask("DELETE", f"/v1/assets/{deleted}", 202, person)
    await gone(vault, SUBJECT_KEY, subject_of(deleted))
    unknown = uuid.uuid4().hex[:20]
    for asset_id in (deleted, unknown):  # as a request leaves it that came at the moment of the deletion
        await vault.put(SUBJECT_KEY, subject_of(asset_id), b"key", subject=subject_of(asset_id))
    for asset_id in (stays, deleted, unknown):
        await aged(vault, SUBJECT_KEY, subject_of(asset_id), UNKNOWN_AGE_S + HOUR_S)
    room = subject_of_room(f"r-{uuid.uuid4().hex}", None, None)  # nobody's account: its title stays
    await vault.put(SUBJECT_KEY, room, b"key", subject=room)
    await aged(vault, SUBJECT_KEY, room, UNKNOWN_AGE_S + HOUR_S)
    await sweep(identity)
    entries = [(SUBJECT_KEY, subject_of(asset_id)) for asset_id in (stays, deleted, unknown)]
    assert await kept(vault, *entries, (SUBJECT_KEY, room)) == [True, False, True, True]
    for subject in (subject_of(unknown), room):
        await vault.forget(subject)


async def test_the_service_runs_its_sweep_and_ends_with_it(platform: Interrupted) -> None:
    app = create_app(await build(platform), CoreDeps(guard=await guard_of(platform)))
    before = asyncio.all_tasks()
    async with TestClient(TestServer(app)):
        names = {task.get_name() for task in asyncio.all_tasks() - before}
        assert "sweeping" in names
    assert "sweeping" not in {task.get_name() for task in asyncio.all_tasks() - before}
