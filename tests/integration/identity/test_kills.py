"""Gateways, worker and vault are killed while people come and go: nobody is half made, nobody half gone.

On a platform of its own, whose processes may be killed.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local.launcher import Stack, local_stack
from streams.core.vault import SUBJECT_KEY, open_vault
from tests.integration.identity.conftest import PASSWORD, Api, Person
from tests.integration.identity.test_erasure import VIEWS, erased
from tests.integration.identity.test_films import VIEWS as FILM_VIEWS
from tests.integration.identity.test_films import Films, until
from tests.support.leaks import leaks
from tests.support.planting import BOOK_FILE, planted
from tests.support.verified import differing

PEOPLE = 8
BLOWS = ("gateways", "worker-identity", "vault", "gateways", "worker-identity", "vault")
PATIENCE_S = 300


@pytest.fixture(scope="module")
def own_platform(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("kills") / "home", platform=True) as started:
        yield started
        # Whoever was killed told nobody's secrets with the last breath.
        assert asyncio.run(leaks(started, planted(run_folder / BOOK_FILE))) == []


@pytest.fixture
async def api(own_platform: Stack) -> AsyncIterator[Api]:
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(own_platform.url("identity"), timeout=timeout) as http:
        yield Api(http, own_platform)


async def insist(
    api: Api, method: str, path: str, body: Any, headers: dict[str, str], *ends: int, not_yet: int = 429
) -> tuple[int, Any]:
    """Send the same request until the answer is one of these, as a client does whose answers get lost."""
    while True:
        try:
            async with api.http.request(method, path, json=body, headers=headers) as answer:
                if answer.status in ends:
                    return answer.status, await answer.json(content_type=None)
                assert answer.status >= 500 or answer.status in (429, not_yet), await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.1)


async def life(api: Api, number: int) -> tuple[Person, dict[str, Any] | None]:
    """Invited, redeemed, signed in, with a key; every second one then leaves for ever, and has no key."""
    email = f"person-{number}@people.example"
    once = {**api.admin, "Idempotency-Key": uuid.uuid4().hex}
    wish = {"email": email, "roles": ["viewer"]}
    _, link = await insist(api, "POST", "/v1/invitations", wish, once, 201)
    redemption = {"token": link["token"], "password": PASSWORD}
    await insist(api, "POST", "/v1/one-time-links/redeem", redemption, {}, 201, 401)
    person = Person(link["account_id"], email)
    sign_in = {"email": email, "password": PASSWORD}
    # Accounts and addresses are shown by two projections: after a blow one may be behind for a moment.
    _, person.tokens = await insist(api, "POST", "/v1/sessions", sign_in, {}, 201, not_yet=401)
    once = {**person.bearer, "Idempotency-Key": uuid.uuid4().hex}
    wish = {"name": "a key", "scopes": ["account:self"]}
    _, key = await insist(api, "POST", "/v1/api-keys", wish, once, 201)
    if number % 2:
        return person, key
    await insist(api, "DELETE", f"/v1/users/{person.account_id}", None, api.admin, 202, 404, 409)
    return person, None


async def strike(stack: Stack, over: asyncio.Event) -> int:
    """One blow after another until the people are through; returns how many there were."""
    for count, name in enumerate(BLOWS):
        if over.is_set():
            return count
        await asyncio.to_thread(stack.restart, name)
    return len(BLOWS)


async def test_people_come_and_go_while_everything_is_killed(api: Api) -> None:
    over = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S):
        blows = asyncio.create_task(strike(api.stack, over))
        people = await asyncio.gather(*(life(api, number) for number in range(PEOPLE)))
        over.set()
        assert await blows > 0
        stayed = [(person, key) for person, key in people if key is not None]
        gone = [person for person, key in people if key is None]
        for person in gone:
            await erased(api, person.account_id)
        listed = (await api.ask("GET", "/v1/users?limit=200", 200))["items"]
        assert {(user["id"], user["email"], user["state"]) for user in listed} == {
            (person.account_id, person.email, "active") for person, _ in stayed
        }
        for person, key in stayed:
            await api.sign_in(person)
            bearer = {"Authorization": f"Bearer {key['api_key']}"}
            keys = (await api.ask("GET", "/v1/api-keys", 200, headers=bearer))["items"]
            assert [entry["id"] for entry in keys] == [key["id"]]
        vault = open_vault(api.stack.settings)
        try:
            assert set(await vault.entries(SUBJECT_KEY)) == {person.account_id for person, _ in stayed}
        finally:
            await vault.aclose()
    assert await differing(api.stack.settings, VIEWS) == []


async def test_no_film_is_forgotten_while_everything_that_hands_them_on_is_killed(api: Api) -> None:
    async with asyncio.timeout(PATIENCE_S):
        people = [await api.person("creator") for _ in range(3)]
        leaving, deleting, heir = people
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(api.stack.url("streaming"), timeout=timeout) as http:
            films = Films(api, http)
            left = [await films.upload(leaving) for _ in range(6)]
            deleted = [await films.upload(deleting) for _ in range(6)]
            given = f"/v1/users/{leaving.account_id}?films=transfer&heir_id={heir.account_id}"
            for path in (given, f"/v1/users/{deleting.account_id}"):
                await insist(api, "DELETE", path, None, api.admin, 202, 404, 409)
            for name in ("worker-media", "worker-identity", "worker-media"):
                await asyncio.to_thread(api.stack.restart, name)
            for who, asset_ids in ((heir, left), (None, deleted)):
                for asset_id in asset_ids:
                    await until(lambda a=asset_id, w=who: films.owned(w, a) if w else films.gone(a))  # type: ignore[misc]
    assert await differing(api.stack.settings, FILM_VIEWS) == []
