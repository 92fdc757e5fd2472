"""What tests of uploads share: a film, how it is sent, what is stored of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.unit.gateways.conftest import Gateway

FILM = bytes(range(256)) * 1024  # four parts


async def until(condition: Callable[[], Any]) -> None:
    """Give way until the condition holds; the test's own timeout ends a wait in vain."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # conditions on fakes, which have no events to wait for
            await asyncio.sleep(0)


def parts_of(gateway: Gateway, asset_id: str) -> list[bytes]:
    prefix = f"uploads/{asset_id}/"
    numbered = {
        int(k.removeprefix(prefix)): v for k, v in gateway.objects.objects.items() if k.startswith(prefix)
    }
    assert sorted(numbered) == list(range(len(numbered)))
    return [numbered[n] for n in sorted(numbered)]


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
