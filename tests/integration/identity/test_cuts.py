"""A gateway that dies between the vault and the log: nothing works that nobody saw, and a retry goes on.

The gateway that dies is the real service in this process, on the real stack, with a log that it never
reaches; the retry goes to the platform's own.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.local.launcher import Stack
from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.gate import guard_of
from gateways.core.platform import Platform
from gateways.identity.service import build
from schemas.catalog import topology
from streams.core.producer import Position
from streams.core.vault import API_KEY, ONE_TIME_LINK, SIGNING_KEY, open_vault
from tests.integration.identity.conftest import PASSWORD, Api, Person


class Dead(Exception):
    """What a SIGKILL leaves of a request."""


class Severed:
    """A producer whose process dies at its first event."""

    async def publish(self, *_: Any, **__: Any) -> Position:
        raise Dead

    async def ready(self) -> None:
        raise Dead


class Cut(Platform):
    def producer(self, service: str) -> Any:
        self._probes.setdefault("kafka", Severed().ready)
        return Severed()


@pytest.fixture
async def dying(platform_stack: Stack) -> AsyncIterator[Api]:
    """The identity service of a gateway that dies whenever it turns to the log."""
    async with AsyncExitStack() as stack:
        platform = Cut(platform_stack.settings, topology(), stack)
        service = await build(platform)
        app = create_app(service, CoreDeps(guard=await guard_of(platform)))
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        yield Api(client, platform_stack)  # type: ignore[arg-type]


def once(headers: dict[str, str]) -> dict[str, str]:
    """The same request, however often it is sent."""
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


async def entries(api: Api, kind: str) -> set[str]:
    vault = open_vault(api.stack.settings)
    try:
        return set(await vault.entries(kind))
    finally:
        await vault.aclose()


async def test_an_invitation(api: Api, dying: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}
    headers, before = once(api.admin), await entries(api, ONE_TIME_LINK)
    await dying.ask("POST", "/v1/invitations", 500, wish, headers)
    assert len(await entries(api, ONE_TIME_LINK) - before) == 1
    link = await api.ask("POST", "/v1/invitations", 201, wish, headers)
    assert await entries(api, ONE_TIME_LINK) - before <= {link["token"].split("_")[1]}
    body = {"token": link["token"], "password": PASSWORD}
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    await api.sign_in(Person(link["account_id"], wish["email"]))


async def test_an_account_with_a_password(api: Api, dying: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"], "password": PASSWORD}
    headers = once(api.admin)
    await dying.ask("POST", "/v1/users", 500, wish, headers)
    sign_in = {"email": wish["email"], "password": PASSWORD}
    await api.ask("POST", "/v1/sessions", 401, sign_in, {})
    user = await api.ask("POST", "/v1/users", 201, wish, headers)
    await api.sign_in(Person(user["id"], str(wish["email"])))


async def test_a_redemption(api: Api, dying: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}
    link = await api.ask("POST", "/v1/invitations", 201, wish)
    body = {"token": link["token"], "password": PASSWORD}
    await dying.ask("POST", "/v1/one-time-links/redeem", 500, body, {})
    sign_in = {"email": wish["email"], "password": PASSWORD}
    await api.ask("POST", "/v1/sessions", 401, sign_in, {})
    other = {**body, "password": "words of somebody else"}
    await api.ask("POST", "/v1/one-time-links/redeem", 401, other, {})
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    await api.sign_in(Person(link["account_id"], wish["email"]))


async def test_signing_in(api: Api, dying: Api) -> None:
    person = await api.person()
    sign_in = {"email": person.email, "password": PASSWORD}
    await dying.ask("POST", "/v1/sessions", 500, sign_in, {})
    sessions = (await api.ask("GET", "/v1/sessions", 200, headers=person.bearer))["items"]
    assert [session["sid"] for session in sessions] == [person.tokens["sid"]]
    await api.sign_in(person)


async def test_a_new_api_key_and_a_rotated_one(api: Api, dying: Api) -> None:
    person = await api.person()
    headers, body = once(person.bearer), {"name": "x", "scopes": ["account:self"]}
    before = await entries(api, API_KEY)
    await dying.ask("POST", "/v1/api-keys", 500, body, headers)
    [unseen] = await entries(api, API_KEY) - before
    assert (await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"] == []
    key = await api.ask("POST", "/v1/api-keys", 201, body, headers)
    assert key["id"] == unseen
    bearer = {"Authorization": f"Bearer {key['api_key']}"}
    headers, path = once(bearer), f"/v1/api-keys/{key['id']}/rotate"
    await dying.ask("POST", path, 500, {}, headers)
    await api.ask("GET", "/v1/me", 200, headers=bearer)
    new = await api.ask("POST", path, 201, {}, headers)
    await api.ask("GET", "/v1/me", 200, headers={"Authorization": f"Bearer {new['api_key']}"})
    assert len(await entries(api, API_KEY) - before) == 2


async def test_a_revocation(api: Api, dying: Api) -> None:
    person = await api.person()
    body = {"name": "x", "scopes": ["account:self"]}
    key = await api.ask("POST", "/v1/api-keys", 201, body, person.bearer)
    await dying.ask("DELETE", f"/v1/api-keys/{key['id']}", 500, headers=person.bearer)
    await api.refused({"Authorization": f"Bearer {key['api_key']}"})
    await api.ask("DELETE", f"/v1/api-keys/{key['id']}", 204, headers=person.bearer)
    assert (await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"] == []


async def test_another_password(api: Api, dying: Api) -> None:
    person = await api.person()
    other = await api.sign_in(person)
    body = {"current_password": PASSWORD, "new_password": "words after the cut"}
    await dying.ask("POST", "/v1/me/password", 500, body, person.bearer)
    await api.ask("GET", "/v1/me", 200, headers=other.bearer)
    await api.ask("POST", "/v1/me/password", 204, body, person.bearer)
    await api.refused(other.bearer)
    await api.sign_in(Person(person.account_id, person.email, "words after the cut"))


async def test_a_signing_key(api: Api, dying: Api) -> None:
    person = await api.person()
    headers, before = once(api.admin), await entries(api, SIGNING_KEY)
    await dying.ask("POST", "/v1/signing-keys", 500, {}, headers)
    [unseen] = await entries(api, SIGNING_KEY) - before
    published = await api.ask("GET", "/.well-known/jwks.json", 200, headers={})
    assert unseen not in {key["kid"] for key in published["keys"]}
    await api.sign_in(person)
    assert (await api.ask("POST", "/v1/signing-keys", 201, {}, headers))["kid"] == unseen
    await api.sign_in(person)
