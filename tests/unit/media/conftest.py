"""Films encoded once a run and shared by tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.media_fixtures.films import Film, encode_file
from tests.media_fixtures.odd_clips import Recipe, write


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Recipe], Path]:
    """Writes a clip, once a recipe."""
    made: dict[str, Path] = {}

    def make(recipe: Recipe) -> Path:
        if repr(recipe) not in made:
            made[repr(recipe)] = write(tmp_path_factory.mktemp("clip") / "clip", recipe)
        return made[repr(recipe)]

    return make


@pytest.fixture(scope="session")
def encode(clip: Callable[[Recipe], Path]) -> Callable[[Recipe], Film]:
    """Encodes a clip, once a recipe."""
    made: dict[str, Film] = {}

    def run(recipe: Recipe) -> Film:
        if repr(recipe) not in made:
            made[repr(recipe)] = encode_file(clip(recipe))
        return made[repr(recipe)]

    return run
