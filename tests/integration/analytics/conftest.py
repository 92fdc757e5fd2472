"""Sessions on the shared platform, and on the shared servers with workers that may be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.launcher import Stack
from tests.integration.analytics.sessions import Sessions, sessions_of


@pytest.fixture
async def sessions(platform_stack: Stack) -> AsyncIterator[Sessions]:
    """A film of the test's own on the shared platform."""
    async with sessions_of(platform_stack) as clients:
        yield clients
