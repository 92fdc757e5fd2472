"""Films for the judges: three kinds, each encoded once a run."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from schemas.media.protection import Protection
from tests.judges.film import Film, pack
from tests.media_fixtures.numbered import NumberedClip, make_clip

Made = tuple[NumberedClip, Film]

CLIPS: dict[str, Callable[[Path], NumberedClip]] = {
    # A ladder of three, a rate that is no whole number, AAC that passes through.
    "ladder": lambda folder: make_clip(
        folder / "ladder.mp4", frame_count=240, fps=Fraction(24000, 1001), width=1280, height=720
    ),
    # Surround sound in AC-3 that must be encoded, and a length that ends in mid-segment.
    "surround": lambda folder: make_clip(
        folder / "surround.mkv", frame_count=163, fps=Fraction(25), width=640, height=360, channels=6
    ),
    # No sound, and smaller than the lowest rung.
    "silent": lambda folder: make_clip(
        folder / "silent.webm", frame_count=100, fps=Fraction(30), width=320, height=180, audio=False
    ),
}


SYSTEMS = ["clearkey", "widevine", "playready"]
PROTECTED: dict[str, Protection] = {
    "cenc": {"scheme": "cenc", "systems": SYSTEMS, "policy_id": "default", "version": 1},
    "cbcs": {"scheme": "cbcs", "systems": [*SYSTEMS, "fairplay"], "policy_id": "default", "version": 1},
}


@pytest.fixture(scope="session", params=PROTECTED)
def protected_film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Two rungs and sound, for all systems that the scheme has."""
    clip = make_clip(
        tmp_path_factory.mktemp("protected") / "film.mp4", frame_count=120, fps=Fraction(24), width=854,
        height=480,
    )  # fmt: skip
    return pack(clip.path, PROTECTED[request.param])


@pytest.fixture(scope="session")
def make_film(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Encodes a film by name, once."""
    made: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in made:
            clip = CLIPS[name](tmp_path_factory.mktemp(name))
            made[name] = (clip, pack(clip.path))
        return made[name]

    return make


@pytest.fixture(params=sorted(CLIPS))
def any_film(request: pytest.FixtureRequest, make_film: Callable[[str], Made]) -> Made:
    """Each kind of film in turn."""
    return make_film(request.param)


@pytest.fixture
def ladder(make_film: Callable[[str], Made]) -> Made:
    """The film with the most in it; faults are planted into this one."""
    return make_film("ladder")
