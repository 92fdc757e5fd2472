"""What people upload: five containers that each become a whole film, and files that end in their reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from deploy.local.launcher import Stack
from tests.media_fixtures.broken import BROKEN
from tests.media_fixtures.films import beep_starts_s
from tests.media_fixtures.numbered import NumberedClip, make_clip, number_in
from tests.support.api import Refused, connected

MOST_AV_OFFSET_S = 0.040

# Two and a half seconds each: past the ramp of short segments, and into the second chunk.
FORMATS: dict[str, Callable[[Path], NumberedClip]] = {
    "mp4": lambda path: make_clip(path, frame_count=60, fps=Fraction(24000, 1001)),
    "mkv": lambda path: make_clip(path, frame_count=63, fps=Fraction(25), channels=6),
    "avi": lambda path: make_clip(path, frame_count=63, fps=Fraction(25), width=426, height=240),
    "mov": lambda path: make_clip(path, frame_count=75, fps=Fraction(30000, 1001)),
    "webm": lambda path: make_clip(path, frame_count=75, fps=Fraction(30)),
}


@pytest.mark.parametrize("suffix", FORMATS)
async def test_a_container_becomes_a_whole_film(platform_stack: Stack, tmp_path: Path, suffix: str) -> None:
    clip = FORMATS[suffix](tmp_path / f"film.{suffix}")
    async with connected(platform_stack) as api:
        asset = await api.until(await api.upload_file(clip.path), "ready")
        assert abs(asset["duration_ms"] - clip.duration_s * 1000) <= 1000 / clip.fps
        rungs = asset["renditions"]
        assert (rungs[-1]["width"], rungs[-1]["height"]) == (clip.width, clip.height)
        for rung in rungs:
            pictures = await api.rendition(asset["id"], rung["name"])
            assert numbers_of(pictures) == list(range(clip.frame_count))
        beeps = beep_starts_s(*sound_of(await api.rendition(asset["id"], "audio")))
    # Against the file itself, not against whole seconds: MP3 in AVI loses some of its first beep.
    uploaded = beep_starts_s(*sound_of(clip.path.read_bytes()))
    assert len(beeps) == len(uploaded) == 3
    assert max(abs(a - b) for a, b in zip(beeps, uploaded, strict=True)) < MOST_AV_OFFSET_S


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_ends_in_its_reason(platform_stack: Stack, tmp_path: Path, name: str) -> None:
    make, code = BROKEN[name]
    async with connected(platform_stack) as api:
        asset_id = await api.upload(await asyncio.to_thread(make, tmp_path), name)
        asset = await api.until(asset_id, "failed")
        assert asset["failure"]["code"] == code
        assert asset["failure"]["sentence"].endswith(".")
        with pytest.raises(Refused) as refused:
            await api.get(f"/v1/assets/{asset_id}/hls/master.m3u8")
        assert (refused.value.status, refused.value.problem["code"]) == (409, code)
        assert refused.value.problem["detail"] == asset["failure"]["sentence"]


async def test_an_empty_file_is_refused_and_leaves_nothing_in_the_library(platform_stack: Stack) -> None:
    async with connected(platform_stack) as api:
        with pytest.raises(Refused) as refused:
            await api.upload(b"", "without a byte")
        assert refused.value.status == 400
        assert refused.value.problem["type"].endswith("empty-upload")
        assert json.loads(await api.get("/v1/assets?q=without%20a%20byte"))["items"] == []


def numbers_of(joined: bytes) -> list[int | None]:
    """The number in every picture, in the order shown."""
    with av.open(BytesIO(joined)) as container:
        pictures = list(container.decode(video=0))
    return [number_in(np.asarray(picture.to_ndarray(format="gray"), np.uint8)) for picture in pictures]


def sound_of(content: bytes) -> tuple[npt.NDArray[np.float32], int]:
    """The sound as one channel on the film's clock, and its rate."""
    with av.open(BytesIO(content)) as container:
        frames = list(container.decode(audio=0))
    rate_hz = frames[0].sample_rate
    start = round(float((frames[0].pts or 0) * (frames[0].time_base or 0)) * rate_hz)
    mixer = av.AudioResampler("fltp", "mono", rate_hz)
    pieces = [mixed.to_ndarray()[0] for frame in [*frames, None] for mixed in mixer.resample(frame)]
    return np.concatenate([np.zeros(max(0, start), np.float32), *pieces]), rate_hz
