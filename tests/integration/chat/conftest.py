"""Rooms on the shared platform, and on the shared servers with a worker that may be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.launcher import Stack
from tests.integration.chat.rooms import Rooms, rooms_of
from tests.integration.chat.town import Town, town_of
from tests.support.worker import Worker


@pytest.fixture
async def rooms(platform_stack: Stack) -> AsyncIterator[Rooms]:
    """A room of the test's own on the shared platform."""
    async with rooms_of(platform_stack) as clients:
        yield clients


@pytest.fixture
async def own_rooms(stack: Stack) -> AsyncIterator[Rooms]:
    """A room of the test's own where nothing runs but what the test starts."""
    async with rooms_of(stack) as clients:
        yield clients


@pytest.fixture
def worker(stack: Stack, tmp_path: Path) -> Iterator[Worker]:
    """The chat domain's worker on the shared servers, not yet started."""
    made = Worker(stack, tmp_path, "chat")
    yield made
    made.kill()


@pytest.fixture
async def town(platform_stack: Stack) -> AsyncIterator[Town]:
    """The chat service of the shared platform, and people of the test's own."""
    async with town_of(platform_stack) as opened:
        yield opened
