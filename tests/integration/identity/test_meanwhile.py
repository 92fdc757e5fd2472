"""What others do between two steps of a request: the real service in this process, on the real stack, with a
log that lets them come in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from deploy.local.launcher import Stack
from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.gate import guard_of
from gateways.core.platform import Platform
from gateways.identity.service import build
from schemas.catalog import topology
from streams.core.producer import EventProducer, Position
from streams.core.vault import LOGIN_SESSION
from streams.core.vault import PASSWORD as PASSWORD_KIND
from tests.integration.identity.conftest import PASSWORD, Api, Person, passwords


class Interrupted(Platform):
    """`meanwhile` runs once, right before the first event goes to the log."""

    meanwhile: Callable[[], Awaitable[Any]] | None = None

    def producer(self, service: str) -> Any:
        return Before(self, super().producer(service))


class Before:
    def __init__(self, platform: Interrupted, real: EventProducer) -> None:
        self._platform, self._real = platform, real

    async def publish(self, *where: Any, **options: Any) -> Position:
        meanwhile, self._platform.meanwhile = self._platform.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await self._real.publish(*where, **options)


@pytest.fixture
async def platform(platform_stack: Stack) -> AsyncIterator[Interrupted]:
    async with AsyncExitStack() as stack:
        yield Interrupted(platform_stack.settings, topology(), stack)


@pytest.fixture
async def slow(platform: Interrupted, platform_stack: Stack) -> AsyncIterator[Api]:
    app = create_app(await build(platform), CoreDeps(guard=await guard_of(platform)))
    async with TestClient(TestServer(app)) as client:
        yield Api(client, platform_stack)  # type: ignore[arg-type]


async def test_a_password_that_is_changed_while_somebody_signs_in_with_the_old_one(
    api: Api, slow: Api, platform: Interrupted
) -> None:
    person = await api.person()
    change = {"current_password": PASSWORD, "new_password": "another set of words entirely"}

    async def replace() -> None:
        await api.ask("POST", "/v1/me/password", 204, change, person.bearer)

    before = set(await platform.vault().entries(LOGIN_SESSION))
    platform.meanwhile = replace
    body = {"email": person.email, "password": PASSWORD}
    await slow.ask("POST", "/v1/sessions", 401, body, {})
    left = await api.ask("GET", "/v1/sessions", 200, headers=person.bearer)
    assert [item["sid"] for item in left["items"]] == [person.tokens["sid"]]
    started = set(await platform.vault().entries(LOGIN_SESSION)) - before
    owners = [orjson.loads(await platform.vault().get(LOGIN_SESSION, sid) or b"{}") for sid in started]
    assert person.account_id not in {kept.get("account_id") for kept in owners}


async def test_of_two_who_change_the_same_password_at_once_one_wins(
    api: Api, slow: Api, platform: Interrupted
) -> None:
    person = await api.person()
    first = {"current_password": PASSWORD, "new_password": "the first set of new words"}
    second = {"current_password": PASSWORD, "new_password": "the second set of new words"}

    async def change() -> None:
        await api.ask("POST", "/v1/me/password", 204, first, person.bearer)

    platform.meanwhile = change
    await slow.ask("POST", "/v1/me/password", 409, second, person.bearer)
    await api.sign_in(Person(person.account_id, person.email, first["new_password"]))


async def test_a_link_that_is_replaced_while_it_is_redeemed_sets_no_password(
    api: Api, slow: Api, platform: Interrupted
) -> None:
    person = await api.person()
    path = f"/v1/users/{person.account_id}/reset-link"
    link = await api.ask("POST", path, 201, {"reason": None})

    async def replace() -> None:
        await api.ask("POST", path, 201, {"reason": None})

    platform.meanwhile = replace
    body = {"token": link["token"], "password": "another set of words entirely"}
    await slow.ask("POST", "/v1/one-time-links/redeem", 409, body, {})
    await api.sign_in(person)


async def test_a_hash_by_older_parameters_is_renewed_and_one_renewed_meanwhile_is_the_same_password(
    api: Api, slow: Api, platform: Interrupted
) -> None:
    person, vault = await api.person(), platform.vault()
    [entry] = await passwords(vault, person)

    async def file(*parameters: int) -> bytes:
        hashed = PasswordHasher(*parameters).hash(PASSWORD).encode()
        await vault.put(PASSWORD_KIND, entry, hashed)
        return hashed

    async def renew() -> None:
        await file(3, 64, 1)

    old = await file(1, 8, 1)
    await api.sign_in(person)
    assert await vault.get(PASSWORD_KIND, entry) not in (None, old)
    platform.meanwhile = renew
    await slow.sign_in(person)
