"""Accounts on the shared servers with a worker of the DRM domain that may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.launcher import Stack
from tests.support.worker import Worker


@pytest.fixture
def worker(stack: Stack, tmp_path: Path) -> Iterator[Worker]:
    """The DRM domain's worker on the shared servers, not yet started."""
    made = Worker(stack, tmp_path, "drm")
    yield made
    made.kill()
