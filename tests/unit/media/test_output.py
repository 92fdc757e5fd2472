"""What comes out, for every kind of source: frames, numbers, lengths, joins, sound in step."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from schemas.media.grid import AAC_FRAME_SAMPLES, audio_spans, frame_ticks, plan_cuts
from schemas.media.plan import AUDIO_RENDITION
from streams.media import boxes
from tests.media_fixtures.films import (
    Film,
    beep_starts_s,
    numbers_of,
    pictures_of,
    samples_of,
    shown_slots,
    sound_of,
)
from tests.media_fixtures.odd_clips import Recipe, Sound

IN_STEP_S = 0.040
PHONE = [Fraction(n, 30) + Fraction((n * 7) % 5, 1000) for n in range(90)]
# A screen recording: 60 pictures a second while something moves, none while nothing does.
SCREEN = [Fraction(n, 60) for n in range(60)] + [Fraction(2) + Fraction(n, 60) for n in range(60)]
INTERLACED_H264 = {"preset": "fast", "crf": "18", "g": "40", "flags": "+ilme+ildct"}

RECIPES: dict[str, Recipe] = {
    "mp4_copied_sound": Recipe(width=1280, height=720, frame_count=100),
    "mov_pcm": Recipe(suffix=".mov", sound=Sound(codec="pcm_s16le", rate_hz=44_100)),
    "mkv_surround": Recipe(suffix=".mkv", sound=Sound(codec="ac3", layout="5.1")),
    "avi_mpeg4_ac3": Recipe(
        suffix=".avi", codec="mpeg4", options={"qscale": "3", "bf": "0"}, sound=Sound(codec="ac3")
    ),
    "webm_vp8_opus": Recipe(
        suffix=".webm", codec="libvpx", options={"deadline": "realtime", "cpu-used": "8", "b": "2M"},
        sound=Sound(codec="libopus"),
    ),
    "mkv_vp9_opus": Recipe(
        suffix=".mkv", codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "b": "1M"},
        sound=Sound(codec="libopus"), frame_count=120,
    ),
    "transport_stream": Recipe(suffix=".ts", sound=Sound(codec="mp2")),
    "ntsc": Recipe(fps=Fraction(24_000, 1001), frame_count=150),
    "ntsc_mkv": Recipe(suffix=".mkv", fps=Fraction(30_000, 1001), frame_count=100),
    "fast": Recipe(fps=Fraction(120), frame_count=240),
    "slow": Recipe(fps=Fraction(5), frame_count=23),
    "short": Recipe(frame_count=3, sound=Sound(codec="pcm_s16le"), suffix=".mov"),
    "one_picture": Recipe(frame_count=1, sound=None),
    "silent": Recipe(sound=None),
    "mono_8khz": Recipe(suffix=".mov", sound=Sound(codec="pcm_s16le", layout="mono", rate_hz=8000)),
    "late_sound": Recipe(suffix=".mkv", sound=Sound(codec="ac3", start_s=Fraction(13, 10))),
    "late_aac": Recipe(sound=Sound(start_s=Fraction(3, 10))),
    "early_end_of_sound": Recipe(sound=Sound(end_s=Fraction(3, 2))),
    "long_sound": Recipe(sound=Sound(end_s=Fraction(6))),
    "rotated_90": Recipe(rotation_deg=90),
    "rotated_180": Recipe(rotation_deg=180),
    "rotated_270": Recipe(rotation_deg=-90),
    "odd_size": Recipe(width=427, height=239, pixel_format="yuv444p"),
    "wide_pixels": Recipe(width=180, height=180, sar=Fraction(16, 9)),
    "ten_bit": Recipe(pixel_format="yuv420p10le"),
    "full_range": Recipe(pixel_format="yuvj420p", full_range=True),
    "open_gops": Recipe(
        options={"preset": "fast", "crf": "20", "g": "24", "x264-params": "open-gop=1:bframes=3"}
    ),
    "fragmented": Recipe(muxer_options={"movflags": "+frag_keyframe+empty_moov+delay_moov"}),
    "long_gop": Recipe(options={"preset": "ultrafast", "g": "1000"}, frame_count=150),
    "interlaced": Recipe(fps=Fraction(25), interlaced=True, options=INTERLACED_H264, frame_count=110),
    "interlaced_mpeg2": Recipe(
        suffix=".ts", codec="mpeg2video", fps=Fraction(30_000, 1001), interlaced=True, frame_count=130,
        options={"flags": "+ilme+ildct", "g": "15", "bf": "2", "b": "4M"}, sound=Sound(codec="mp2"),
    ),
    "phone_vfr": Recipe(fps=Fraction(30), frame_count=90, shown_at_s=PHONE, sound=Sound()),
}  # fmt: skip

Encoded = tuple[Recipe, Film]


@pytest.fixture(params=sorted(RECIPES))
def encoded(request: pytest.FixtureRequest, encode: Callable[[Recipe], Film]) -> Encoded:
    recipe = RECIPES[request.param]
    return recipe, encode(recipe)


def _expected_numbers(recipe: Recipe) -> list[int]:
    if recipe.fps > 60:
        return list(range(0, recipe.frame_count, 2))
    return list(range(recipe.frame_count))


def test_every_rung_shows_every_picture_once_and_in_its_slot(encoded: Encoded) -> None:
    recipe, film = encoded
    expected = _expected_numbers(recipe)
    assert film.plan["frame_count"] == len(expected)
    for rung in film.plan["renditions"]:
        assert numbers_of(film, rung["name"]) == expected, rung["name"]
        assert shown_slots(film, rung["name"]) == list(range(len(expected))), rung["name"]
        pictures = pictures_of(film, rung["name"])
        assert {(p.width, p.height) for p in pictures} == {(rung["width"], rung["height"])}


def test_length_is_right_to_one_frame(encoded: Encoded) -> None:
    recipe, film = encoded
    fps = Fraction(film.plan["fps_num"], film.plan["fps_den"])
    assert abs(film.plan["frame_count"] / fps - recipe.length_s) <= 1 / fps


def test_segments_join_and_inits_are_one(encoded: Encoded) -> None:
    _, film = encoded
    assert all(len(inits) == 1 for inits in film.inits.values())
    cuts = [cut * frame_ticks(film.plan) for cut in plan_cuts(film.plan)]
    for rung in film.plan["renditions"]:
        assert [boxes.decode_time(s) for s in film.segments[rung["name"]]] == cuts[:-1]
    for segments in film.segments.values():
        for before, after in pairwise(segments):
            length = sum(duration for duration, _ in samples_of(before))
            assert boxes.decode_time(before) + length == boxes.decode_time(after)


def test_sound_is_as_long_as_planned(encoded: Encoded) -> None:
    recipe, film = encoded
    if recipe.sound is None:
        assert AUDIO_RENDITION not in film.segments
        return
    spans = audio_spans(film.plan)
    assert [len(samples_of(s)) for s in film.segments[AUDIO_RENDITION]] == [span.length for span in spans]
    audio = film.plan["audio"]
    end_s = (audio["frame_count"] * AAC_FRAME_SAMPLES + audio["start_samples"]) / audio["sample_rate_hz"]
    assert abs(end_s - float(recipe.length_s)) < IN_STEP_S


def test_sound_is_in_step(encoded: Encoded) -> None:
    recipe, film = encoded
    if recipe.sound is None or recipe.length_s < 1:
        return
    starts = beep_starts_s(sound_of(film), film.plan["audio"]["sample_rate_hz"])
    end_s = min(recipe.length_s, recipe.sound.end_s or recipe.length_s)
    first = -(-recipe.sound.start_s // 1)
    expected = list(range(int(first), int(-(-end_s // 1))))
    assert len(starts) == len(expected), starts
    offsets = [start - second for start, second in zip(starts, expected, strict=True)]
    assert max(abs(offset) for offset in offsets) < IN_STEP_S, offsets


def test_copied_sound_is_copied(encode: Callable[[Recipe], Film]) -> None:
    assert encode(RECIPES["mp4_copied_sound"]).plan["audio"]["mode"] == "copy"
    assert encode(RECIPES["mkv_surround"]).plan["audio"]["mode"] == "encode"
    assert encode(RECIPES["late_aac"]).plan["audio"]["mode"] == "encode"


def test_a_ladder_never_exceeds_its_source(encode: Callable[[Recipe], Film]) -> None:
    rungs = encode(RECIPES["mp4_copied_sound"]).plan["renditions"]
    assert [(r["name"], r["width"], r["height"]) for r in rungs] == [
        ("360p", 640, 360),
        ("480p", 854, 480),
        ("720p", 1280, 720),
    ]


def test_pixels_become_square_and_sizes_even(encode: Callable[[Recipe], Film]) -> None:
    assert [(r["width"], r["height"]) for r in encode(RECIPES["wide_pixels"]).plan["renditions"]] == [
        (320, 180)
    ]
    assert [(r["width"], r["height"]) for r in encode(RECIPES["odd_size"]).plan["renditions"]] == [(426, 238)]
    assert [(r["width"], r["height"]) for r in encode(RECIPES["rotated_90"]).plan["renditions"]] == [
        (180, 320)
    ]


@pytest.mark.parametrize("name", ["full_range", "ten_bit", "mp4_copied_sound"])
def test_levels_are_limited_and_keep_black_and_white(name: str, encode: Callable[[Recipe], Film]) -> None:
    film = encode(RECIPES[name])
    picture = pictures_of(film, film.plan["renditions"][-1]["name"])[-1]
    luma = np.asarray(picture.to_ndarray())[: picture.height, : picture.width]
    blocks = luma[: picture.height // 4 - 4]
    assert picture.format.name == "yuv420p"
    assert abs(int(np.percentile(blocks, 10)) - 16) <= 4
    assert abs(int(np.percentile(blocks, 90)) - 235) <= 4


def test_a_pause_in_a_screen_recording_holds_its_picture(encode: Callable[[Recipe], Film]) -> None:
    film = encode(Recipe(fps=Fraction(60), frame_count=120, shown_at_s=SCREEN, sound=None))
    assert film.plan["fps_num"] == 60 * film.plan["fps_den"]
    numbers = numbers_of(film, film.plan["renditions"][0]["name"])
    assert numbers == [*range(60), *[59] * 60, *range(60, 120)]


def test_hdr_is_brought_to_sdr(encode: Callable[[Recipe], Film]) -> None:
    film = encode(Recipe(pixel_format="yuv420p10le", colour=(9, 16, 9), sound=None, frame_count=12))
    assert film.plan["transfer"] == "pq"
    picture = pictures_of(film, film.plan["renditions"][0]["name"])[-1]
    assert (picture.color_trc, picture.colorspace, picture.color_primaries) == (1, 1, 1)
    assert numbers_of(film, film.plan["renditions"][0]["name"]) == list(range(12))


@pytest.mark.parametrize("name", ["interlaced", "interlaced_mpeg2"])
def test_two_moments_in_one_picture_become_one(
    name: str, encode: Callable[[Recipe], Film], clip: Callable[[Recipe], Path]
) -> None:
    recipe = RECIPES[name]
    film = encode(recipe)
    assert film.plan["deinterlace"]
    with av.open(str(clip(recipe))) as container:
        before = [combed(picture) for picture in container.decode(video=0)]
    after = [combed(picture) for picture in pictures_of(film, film.plan["renditions"][-1]["name"])]
    assert max(after) < min(before) / 3


def combed(picture: av.VideoFrame) -> float:
    """How far lines of the lower half differ from their neighbours, on the average."""
    luma = picture.to_ndarray(format="gray").astype(np.float32)
    lower = luma[luma.shape[0] // 2 + 4 :]
    return float(np.abs(lower[1:-1] - (lower[:-2] + lower[2:]) / 2).mean())


def test_whole_pictures_are_left_alone(encode: Callable[[Recipe], Film]) -> None:
    assert not encode(RECIPES["mp4_copied_sound"]).plan["deinterlace"]
