"""A platform that all tests of this folder share, and one of their own for those that kill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from deploy.local.launcher import Stack, local_stack
from tests.integration.media.platform import Platform, platform
from tests.media_fixtures.numbered import make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six seconds with sound: a ramp and one more chunk, one rung."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    make_clip(path, frame_count=144, fps=Fraction(24), width=640, height=360)
    return path.read_bytes()


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Forty seconds and two rungs: enough work to be interrupted in the middle."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    make_clip(path, frame_count=960, fps=Fraction(24), width=848, height=480)
    return path.read_bytes()


@pytest.fixture
async def media(platform_stack: Stack) -> AsyncIterator[Platform]:
    """Clients of the shared platform: kill nothing, use own assets."""
    async with platform(platform_stack.settings) as clients:
        yield clients


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform to be killed."""
    folder: Path = tmp_path_factory.mktemp("own")
    with local_stack(folder / "home", platform=True) as stack:
        yield stack


@pytest.fixture
async def own(own_stack: Stack) -> AsyncIterator[Platform]:
    """Clients of the platform to be killed."""
    async with platform(own_stack.settings) as clients:
        yield clients
