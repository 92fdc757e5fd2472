"""The identity service of the shared platform, as its administrator and as people see it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from deploy.local.launcher import Stack
from streams.core.vault import PASSWORD as PASSWORD_KIND
from streams.core.vault import Vault

PATIENCE_S = 180  # of a busy machine; a test ends as soon as what it waits for is there
PASSWORD = "seven small yellow submarines"


@dataclass
class Person:
    """Somebody with an account."""

    account_id: str
    email: str
    password: str = PASSWORD
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of a request that stands on their login session."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


@dataclass
class Api:
    """The identity service; without other headers as its administrator."""

    http: aiohttp.ClientSession
    stack: Stack

    @property
    def admin(self) -> dict[str, str]:
        """Headers of the administrator's key."""
        return {"Authorization": f"Bearer {self.stack.credentials['admin_api_key']}"}

    async def ask(
        self, method: str, path: str, status: int, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        """The answer's document (None without one); `headers` None: the administrator's."""
        sent = self.admin if headers is None else headers
        async with self.http.request(method, path, json=body, headers=sent) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text}"
            return await answer.json(content_type=None) if text else None

    async def eventually(self, path: str, status: int, headers: dict[str, str] | None = None) -> Any:
        """The document at `path` once the answer has this status."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.http.get(path, headers=self.admin if headers is None else headers) as answer:
                    if answer.status == status:
                        return await answer.json()
                await asyncio.sleep(0.05)

    async def refused(self, headers: dict[str, str]) -> None:
        """Returns once the credential lets nobody in any more, which takes the gate a moment."""
        await self.eventually("/v1/me", 401, headers)

    async def person(self, *roles: str, name: str | None = None) -> Person:
        """Somebody new who was invited, redeemed the link and signed in."""
        email = f"{uuid.uuid4().hex[:12]}@people.example"
        wish = {"email": email, "roles": list(roles or ("viewer",)), "display_name": name}
        link = await self.ask("POST", "/v1/invitations", 201, wish)
        body = {"token": link["token"], "password": PASSWORD}
        await self.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
        return await self.sign_in(Person(link["account_id"], email))

    async def sign_in(self, person: Person) -> Person:
        """The same person with a login session of their own."""
        body = {"email": person.email, "password": person.password}
        tokens = await self.ask("POST", "/v1/sessions", 201, body, {})
        return Person(person.account_id, person.email, person.password, tokens)


async def passwords(vault: Vault, person: Person) -> list[str]:
    """Ids of the entries that hold this person's password."""
    ids = await vault.entries(PASSWORD_KIND)
    kept = await vault.get_many(PASSWORD_KIND, ids)
    subject = f"s:{person.account_id}"
    filed = {name.decode().partition(":")[2] for name in await vault.redis.zrange(subject, 0, -1)}
    return [id for id, value in zip(ids, kept, strict=True) if value is not None and id in filed]


@pytest.fixture
async def api(platform_stack: Stack) -> AsyncIterator[Api]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(platform_stack.url("identity"), timeout=timeout) as http:
        yield Api(http, platform_stack)
