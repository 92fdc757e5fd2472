"""Who is erased has no rights and devices left here either, also after all is built anew from the log."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from schemas.drm.views import ACCOUNTS
from tests.integration.chat.town import town_of
from tests.integration.drm.test_streams import PATIENCE_S
from tests.support.verified import differing


async def test_an_erasure_reaches_rights_and_a_rebuild_shows_the_same(platform_stack: Stack) -> None:
    admin = {"Authorization": f"Bearer {platform_stack.credentials['admin_api_key']}"}
    async with aiohttp.ClientSession(headers=admin) as http, town_of(platform_stack) as town:
        ann, ben = await town.person("viewer"), await town.person("viewer")

        async def account(of: Any, method: str = "GET", path: str = "", **more: Any) -> Any:
            url = f"{platform_stack.url('drm')}/v1/accounts/{of.account_id}{path}"
            async with http.request(method, url, **more) as answer:
                return answer.status, await answer.json()

        for one in (ann, ben):
            status, shown = await account(one, "PUT", "/rights/*", json={"kind": "member"})
            assert (status, len(shown["rights"])) == (200, 1), shown
        await town.identity.ask("DELETE", f"/v1/users/{ann.account_id}?reason=asked", 202)
        async with asyncio.timeout(PATIENCE_S):
            while (await account(ann))[1]["rights"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        status, refused = await account(ann, "PUT", "/rights/*", json={"kind": "member"})
        assert (status, refused["code"]) == (409, "account_erased")
        assert len((await account(ben))[1]["rights"]) == 1
        assert await differing(platform_stack.settings, [ACCOUNTS, "drm.account"]) == []
