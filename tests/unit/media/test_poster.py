"""The poster shows something, is as large as its rung, and is there only if there is something to show."""

from __future__ import annotations

import io

import av
import numpy as np
import numpy.typing as npt
import pytest

from streams.media.poster import PosterPicker
from tests.media_fixtures.numbered import picture
from tests.unit.media.telling import plan_of

PLAN = plan_of(seconds=10, rungs=("360p", "720p", "1080p"))
SIZES = [(r["width"], r["height"]) for r in PLAN["renditions"]]


def flat(level: int) -> npt.NDArray[np.uint8]:
    return np.full((1080, 1920, 3), level, np.uint8)


def rungs(rgb: npt.NDArray[np.uint8]) -> list[av.VideoFrame]:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return [frame.reformat(width, height, "yuv420p") for width, height in SIZES]


def test_the_first_picture_that_shows_something_is_taken() -> None:
    picker = PosterPicker(PLAN)
    scene = picture(5, 1920, 1080)
    for slot in range(0, 48, 6):
        picker(slot, rungs(flat(0) if slot < 24 else scene))
    poster = picker.poster()
    assert poster is not None
    with av.open(io.BytesIO(poster), format="jpeg_pipe") as container:
        [shown] = container.decode(video=0)
    assert (shown.width, shown.height) == (1280, 720)
    luma = shown.to_ndarray(format="gray").astype(float)
    expected = rungs(scene)[1].reformat(format="yuvj420p").to_ndarray()[:720].astype(float)
    assert np.abs(luma - expected).mean() < 4


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_film_that_begins_with_nothing_has_no_poster_yet(level: int) -> None:
    picker = PosterPicker(PLAN)
    for slot in range(0, 48, 6):
        picker(slot, rungs(flat(level)))
    assert picker.poster() is None
