"""Every service on its API port and its metrics port, on the real stack."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from deploy.local.launcher import Stack
from gateways.services import SERVICES
from tests.integration.gateways.conftest import PATIENCE_S, Api


async def ready(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """The dependencies, once all of them answer: on a busy machine one may be late at first."""
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with http.get(url) as answer:
                    found = await answer.json()
                    if answer.status == 200:
                        return dict(found["dependencies"])
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"{url} is never ready: {found}") from None


@pytest.mark.parametrize("name", list(SERVICES))
async def test_a_service_answers_on_both_ports(platform_stack: Stack, name: str) -> None:
    async with aiohttp.ClientSession() as http:
        for url in (platform_stack.url(name), platform_stack.url(f"{name}_metrics")):
            async with http.get(f"{url}/health") as answer:
                assert await answer.json() == {"status": "alive", "service": name}
            assert set(await ready(http, f"{url}/ready")) == set(SERVICES[name].needs)
            async with http.get(f"{url}/metrics") as answer:
                assert "kinolog_http_seconds" in await answer.text()
        for path in ("/openapi.json", "/docs"):
            async with http.get(f"{platform_stack.url(name)}{path}") as answer:
                assert answer.status == 200


async def test_nothing_is_open_that_should_not_be(api: Api) -> None:
    for key in ("wrong", ""):
        async with api.http.get("/v1/assets", headers={"Authorization": f"Bearer {key}"}) as answer:
            assert answer.status == 401
