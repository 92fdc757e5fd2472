"""A gateway is killed at every step of every change: nobody is half made, and a retry goes on.

The gateway that dies is a process of its own on the real stack; who looks afterwards, and the retry, go to
the platform's.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from gateways.identity.refreshing import LEEWAY_S
from streams.core.vault import SIGNING_KEY, open_vault
from tests.integration.identity.conftest import PASSWORD, PATIENCE_S, Api, Person
from tests.integration.identity.mortal import mortal
from tests.integration.identity.test_erasure import erased

OTHER = "words after the kill"


@dataclass
class Change:
    """One request, and who it is about."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    about: Any = None

    async def sent(self, api: Api, *ends: int) -> Any:
        """The answer's document; its status must be one of these."""
        async with api.http.request(self.method, self.path, json=self.body, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status in ends, f"{self.method} {self.path}: {answer.status} {text}"
            return await answer.json() if text else None


async def deaths(api: Api, make: Callable[[], Awaitable[Change]]) -> AsyncIterator[Change]:
    """The same kind of change, killed at one step after the other, until one is through; at least two."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    for step in count(1):
        change = await make()
        with mortal(api.stack, step) as base:
            try:
                async with aiohttp.ClientSession(base, timeout=timeout) as http:
                    await change.sent(Api(http, api.stack), 200, 201, 202, 204)
            except aiohttp.ClientConnectionError:
                yield change
                continue
        assert step > 2
        return


def once(headers: dict[str, str]) -> dict[str, str]:
    """The same request, however often it is sent."""
    return {**headers, "Idempotency-Key": uuid.uuid4().hex}


async def signs_in(api: Api, email: str, *passwords: str) -> str:
    """The one of these passwords that works; it may take a moment until one does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for password in passwords:
                body = {"email": email, "password": password}
                async with api.http.post("/v1/sessions", json=body) as answer:
                    if answer.status == 201:
                        return password
                    assert answer.status in (401, 429), await answer.text()
            await asyncio.sleep(0.2)


def invitation() -> dict[str, Any]:
    return {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}


async def listed(api: Api, email: str) -> bool:
    """Whether there is an account with this address; the newest are looked at."""
    return email in {user["email"] for user in (await api.ask("GET", "/v1/users?limit=100", 200))["items"]}


async def test_opening_an_account(api: Api) -> None:
    async def make() -> Change:
        wish = {**invitation(), "password": PASSWORD}
        return Change("POST", "/v1/users", wish, once(api.admin), wish["email"])

    async for change in deaths(api, make):
        if await listed(api, change.about):
            await signs_in(api, change.about, PASSWORD)
        user = await change.sent(api, 201)
        await api.sign_in(Person(user["id"], change.about))


async def test_inviting(api: Api) -> None:
    async def make() -> Change:
        wish = invitation()
        return Change("POST", "/v1/invitations", wish, once(api.admin), wish["email"])

    async for change in deaths(api, make):
        link = await change.sent(api, 201)
        body = {"token": link["token"], "password": PASSWORD}
        await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
        await api.sign_in(Person(link["account_id"], change.about))


async def test_redeeming_an_invitation(api: Api) -> None:
    async def make() -> Change:
        wish = invitation()
        link = await api.ask("POST", "/v1/invitations", 201, wish)
        body = {"token": link["token"], "password": PASSWORD}
        return Change("POST", "/v1/one-time-links/redeem", body, about=wish["email"])

    async for change in deaths(api, make):
        thief = Change(change.method, change.path, {**change.body, "password": OTHER})
        await thief.sent(api, 401)
        await change.sent(api, 201, 401)
        assert await signs_in(api, change.about, PASSWORD, OTHER) == PASSWORD


async def test_signing_in(api: Api) -> None:
    person = await api.person()

    async def make() -> Change:
        return Change("POST", "/v1/sessions", {"email": person.email, "password": PASSWORD})

    started = 1
    async for _ in deaths(api, make):
        started += 2  # the one that was killed may have begun, the next one has
        again = await api.sign_in(person)
        sessions = (await api.ask("GET", "/v1/sessions", 200, headers=again.bearer))["items"]
        assert {person.tokens["sid"], again.tokens["sid"]} <= {session["sid"] for session in sessions}
        assert len(sessions) <= started


async def test_refreshing(api: Api) -> None:
    people: list[float] = []

    async def make() -> Change:
        person = await api.person()
        people.append(time.monotonic())
        body = {"refresh_token": person.tokens["refresh_token"]}
        return Change("POST", "/v1/sessions/refresh", body, about=person)

    async for change in deaths(api, make):
        answer = await change.sent(api, 200, 401)
        if "refresh_token" not in answer:  # a machine that does much else: too late for the leeway
            assert time.monotonic() - people[-1] > LEEWAY_S
            continue
        body = {"refresh_token": answer["refresh_token"]}
        await api.ask("POST", "/v1/sessions/refresh", 200, body, {})


async def test_making_a_key(api: Api) -> None:
    async def make() -> Change:
        person = await api.person()
        body = {"name": "x", "scopes": ["account:self"]}
        return Change("POST", "/v1/api-keys", body, once(person.bearer), person)

    async for change in deaths(api, make):
        made = await change.sent(api, 201)
        bearer = {"Authorization": f"Bearer {made['api_key']}"}
        seen = (await api.ask("GET", "/v1/api-keys", 200, headers=bearer))["items"]
        assert [key["id"] for key in seen] == [made["id"]]


async def test_rotating_a_key(api: Api) -> None:
    async def make() -> Change:
        person = await api.person()
        body = {"name": "x", "scopes": ["account:self"]}
        key = await api.ask("POST", "/v1/api-keys", 201, body, person.bearer)
        path = f"/v1/api-keys/{key['id']}/rotate"
        return Change("POST", path, {"overlap_s": 3600}, once(person.bearer), key)

    async for change in deaths(api, make):
        old = {"Authorization": f"Bearer {change.about['api_key']}"}
        await api.ask("GET", "/v1/me", 200, headers=old)
        made = await change.sent(api, 201)
        new = {"Authorization": f"Bearer {made['api_key']}"}
        seen = (await api.ask("GET", "/v1/api-keys", 200, headers=new))["items"]
        assert {key["id"] for key in seen} == {made["id"], change.about["id"]}


async def test_revoking_a_key(api: Api) -> None:
    async def make() -> Change:
        person = await api.person()
        body = {"name": "x", "scopes": ["account:self"]}
        key = await api.ask("POST", "/v1/api-keys", 201, body, person.bearer)
        return Change("DELETE", f"/v1/api-keys/{key['id']}", None, once(person.bearer), key)

    async for change in deaths(api, make):
        await api.refused({"Authorization": f"Bearer {change.about['api_key']}"})
        await change.sent(api, 204, 404)
        headers = {name: text for name, text in change.headers.items() if name == "Authorization"}
        assert (await api.ask("GET", "/v1/api-keys", 200, headers=headers))["items"] == []


async def test_a_new_password_never_counts_while_sessions_of_the_old_one_go_on(api: Api) -> None:
    """By a link that was given out, as after a theft: the old password's sessions are what must end."""

    async def make() -> Change:
        person = await api.person()
        link = await api.ask("POST", f"/v1/users/{person.account_id}/reset-link", 201, {"reason": None})
        body = {"token": link["token"], "password": OTHER}
        return Change("POST", "/v1/one-time-links/redeem", body, about=person)

    async for change in deaths(api, make):
        if await signs_in(api, change.about.email, OTHER, PASSWORD) == OTHER:
            await api.refused(change.about.bearer)
        await change.sent(api, 201, 401)
        assert await signs_in(api, change.about.email, OTHER) == OTHER
        await api.refused(change.about.bearer)


async def test_changing_ones_password(api: Api) -> None:
    others: list[Person] = []

    async def make() -> Change:
        person = await api.person()
        others.append(await api.sign_in(person))
        body = {"current_password": PASSWORD, "new_password": OTHER}
        return Change("POST", "/v1/me/password", body, once(person.bearer), person)

    async for change in deaths(api, make):
        if await signs_in(api, change.about.email, OTHER, PASSWORD) == OTHER:
            await api.refused(others[-1].bearer)
        await change.sent(api, 204)
        await api.refused(others[-1].bearer)
        assert await signs_in(api, change.about.email, OTHER) == OTHER


async def test_erasing(api: Api) -> None:
    async def make() -> Change:
        person = await api.person()
        return Change("DELETE", f"/v1/users/{person.account_id}", None, once(api.admin), person)

    async for change in deaths(api, make):
        await change.sent(api, 202, 404, 409)
        await erased(api, change.about.account_id)
        vault = open_vault(api.stack.settings)
        try:
            assert await vault.redis.zrange(f"s:{change.about.account_id}", 0, -1) == []
        finally:
            await vault.aclose()


async def test_a_signing_key(api: Api) -> None:
    person = await api.person()
    before: set[str] = set()

    async def make() -> Change:
        before.update(await _signing_keys(api))
        return Change("POST", "/v1/signing-keys", {}, once(api.admin))

    async for change in deaths(api, make):
        made = await _signing_keys(api) - before  # none yet if it died while it forgot older ones
        await api.sign_in(person)
        kid = (await change.sent(api, 201))["kid"]
        assert made <= {kid}
        await api.sign_in(person)


async def _signing_keys(api: Api) -> set[str]:
    vault = open_vault(api.stack.settings)
    try:
        return set(await vault.entries(SIGNING_KEY))
    finally:
        await vault.aclose()
