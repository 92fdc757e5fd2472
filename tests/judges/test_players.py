"""Four players show every picture of every rung where it belongs, before and after seeks."""

from __future__ import annotations

import pytest

from tests.judges import film as films
from tests.judges.conftest import Made
from tests.judges.faults import Fault, removed, shifted
from tests.judges.install import install_modules
from tests.judges.site import Files, serving
from tests.support.browser import launched
from tests.support.playback import faults_seen, watch

pytestmark = [pytest.mark.browser, pytest.mark.judges]

HLS, DASH = films.MASTER, films.MANIFEST
PLAYERS = [
    ("hls.js", HLS),
    ("shaka-player", HLS),
    ("shaka-player", DASH),
    ("dash.js", DASH),
    ("video.js", HLS),
    ("video.js", DASH),
]
# Backwards and forwards, into the ramp, and to both sides of the cuts at 0.5, 1, 2 and 6 s.
SEEK_FRAMES = [239, 0, 11, 12, 144, 143, 23, 24, 200, 47, 48]
FAULTS: dict[str, Fault] = {
    "a segment is not there": removed(r".*/360p/3\.m4s"),
    "a segment half a second late": shifted(r".*/360p/3\.m4s", 12000),
}


async def faults_of(
    made: Made, files: Files, player: str, path: str, height: int, seek_frames: list[int]
) -> list[str]:
    clip, film = made
    sizes = {(rung["width"], rung["height"]) for rung in film.plan["renditions"]}
    if player != "video.js":  # which begins with a rung of its own choice, however many are forbidden
        sizes = {size for size in sizes if size[1] == height}
    install_modules()
    with serving(files) as site:
        async with launched() as browser:
            seen = await watch(
                await browser.new_page(), player, f"{site.url}/{path}", clip,
                height=height, play_s=3.0, seek_frames=seek_frames,
            )  # fmt: skip
    return faults_seen(seen, clip, sizes)


@pytest.mark.parametrize(("player", "path"), PLAYERS, ids=lambda value: value.rpartition("/")[2])
@pytest.mark.parametrize("height", [360, 720])
async def test_every_picture_is_where_it_belongs(ladder: Made, player: str, path: str, height: int) -> None:
    assert await faults_of(ladder, ladder[1].files, player, path, height, SEEK_FRAMES) == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_seen(ladder: Made, name: str) -> None:
    assert await faults_of(ladder, FAULTS[name](ladder[1].files), "hls.js", HLS, 360, [0])
