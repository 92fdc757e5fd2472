"""Sessions on the shared platform, and on the shared servers with workers that may be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.launcher import Stack
from tests.integration.analytics.sessions import Door, Sessions, sessions_of
from tests.support.worker import Worker


@pytest.fixture
async def sessions(platform_stack: Stack) -> AsyncIterator[Sessions]:
    """A film of the test's own on the shared platform."""
    async with sessions_of(platform_stack) as clients:
        yield clients


@pytest.fixture
async def own_sessions(stack: Stack) -> AsyncIterator[Sessions]:
    """A film of the test's own where nothing runs but what the test starts."""
    async with sessions_of(stack) as clients:
        yield clients


@pytest.fixture
def measuring(stack: Stack, tmp_path: Path) -> Iterator[Worker]:
    """The worker of the app that measures, on the shared servers, not yet started."""
    made = Worker(stack, tmp_path, "analytics")
    yield made
    made.kill()


@pytest.fixture
async def door(stack: Stack) -> AsyncIterator[Door]:
    """The way to ClickHouse of `keeping`, shut."""
    made = Door(stack.env["CLICKHOUSE_URL"])
    yield made
    await made.shut()


@pytest.fixture
def keeping(stack: Stack, tmp_path: Path, door: Door) -> Iterator[Worker]:
    """The worker of what goes to ClickHouse, not yet started."""
    made = Worker(stack, tmp_path, "history", CLICKHOUSE_URL=door.url)
    yield made
    made.kill()
