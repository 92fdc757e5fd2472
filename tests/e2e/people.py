"""People in front of the identity service's pages, on the real stack."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

from deploy.local.launcher import Stack
from tests.e2e.conftest import Window, listen, new_page
from tests.support.browser import PATIENCE_MS
from tests.support.planting import BOOK

PASSWORD = "seven small yellow submarines"


@dataclass(slots=True, kw_only=True)
class Somebody(Window):
    """A window of one person. Without an account it is nobody's yet."""

    stack: Stack
    email: str = ""
    account_id: str = ""
    asked: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, *, admin: bool = False) -> tuple[int, Any]:
        """Status and document of a request to the identity service, with this window's cookie or as its
        administrator."""
        headers = {"Origin": self.base}
        if admin:
            headers["Authorization"] = f"Bearer {self.stack.credentials['admin_api_key']}"
        answer = await self.context.request.fetch(
            self.base + path, method=method, data=body, headers=headers, timeout=PATIENCE_MS
        )
        text = await answer.text()
        # Requests past the pages are none of the window's own, which is looked through otherwise.
        for seen in (json.dumps(body), text, answer.headers.get("set-cookie")):
            BOOK.look_through(seen)
        return answer.status, await answer.json() if text else None

    async def join(self, *roles: str, name: str) -> None:
        """Get an account and sign in, past the pages."""
        self.email = f"{uuid.uuid4().hex[:12]}@people.example"
        wish = {"email": self.email, "roles": list(roles), "display_name": name}
        status, link = await self.ask("POST", "/v1/invitations", wish, admin=True)
        assert status == 201, link
        self.account_id = link["account_id"]
        proof = {"token": link["token"], "password": PASSWORD}
        assert (await self.ask("POST", "/v1/one-time-links/redeem", proof))[0] == 201
        await self.sign_in()

    async def sign_in(self) -> None:
        """A login session in this window's cookie, past the pages."""
        proof = {"email": self.email, "password": PASSWORD, "cookie": True}
        status, answer = await self.ask("POST", "/v1/sessions", proof)
        assert status == 201, answer

    async def upload(self, title: str) -> None:
        """A film of theirs, past the pages; bytes that are none, which the platform finds out later."""
        answer = await self.context.request.post(
            f"{self.stack.url('streaming')}/v1/assets",
            params={"title": title},
            data=b"no film, but an upload",
            headers={"Content-Type": "video/mp4", "Origin": self.stack.url("streaming")},
            timeout=PATIENCE_MS,
        )
        assert answer.status == 202, await answer.text()

    async def eventually(self, path: str, status: int) -> None:
        """Returns once the answer has this status, which takes the gate a moment."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while (await self.ask("GET", path))[0] != status:
                await self.page.evaluate("new Promise(requestAnimationFrame)")

    async def open(self, path: str = "/") -> Page:
        await self.page.goto(self.base + path)
        return self.page


@asynccontextmanager
async def somebody(browser: Browser, stack: Stack) -> AsyncIterator[Somebody]:
    """A fresh window; it fails its test if the page did what no page may do."""
    context, page = await new_page(browser)
    friends = frozenset(
        urlsplit(stack.url(name)).netloc for name in ("streaming", "chat", "analytics", "drm")
    )
    seen = Somebody(base=stack.url("identity"), page=page, context=context, friends=friends, stack=stack)
    listen(page, seen)
    page.on("request", lambda request: seen.asked.append(request.url))
    yield seen
    problems = await seen.verdict()
    await context.close()
    assert problems == [], problems
