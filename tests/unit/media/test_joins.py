"""Chunks encoded apart: the sound joins without a click, and every run gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from schemas.media.grid import AAC_FRAME_SAMPLES, audio_spans, chunk_segments
from tests.media_fixtures.films import Film, beep_starts_s, encode_chunk, encode_file, open_file, sound_of
from tests.media_fixtures.odd_clips import Recipe, Sound, beeps_between

TONE_HZ = 440
CLIP_S = 9
Samples = npt.NDArray[np.float32]


def tone_clip(path: Path, codec: str, rate_hz: int) -> Path:
    """A black film with one steady tone: any jump in it is a click."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        sound = out.add_stream(codec, rate=rate_hz, layout="stereo")
        packets = []
        for n in range(25 * CLIP_S):
            frame = av.VideoFrame(64, 64)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            packets += video.encode(frame)
        t = np.arange(CLIP_S * rate_hz) / rate_hz
        wave = np.tile((0.5 * np.sin(2 * np.pi * TONE_HZ * t)).astype(np.float32), (2, 1))
        for at in range(0, wave.shape[1], 1024):
            piece = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(wave[:, at : at + 1024]), "fltp", "stereo"
            )
            piece.sample_rate, piece.pts, piece.time_base = rate_hz, at, Fraction(1, rate_hz)
            packets += sound.encode(piece)
        packets += [*video.encode(None), *sound.encode(None)]
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def residue(samples: Samples, rate_hz: int) -> Samples:
    """What is left of each AAC frame's length of samples when the best-fitting tone is taken out."""
    t = np.arange(samples.size) / rate_hz
    basis = np.stack([np.sin(2 * np.pi * TONE_HZ * t), np.cos(2 * np.pi * TONE_HZ * t)], axis=1)
    left = []
    for at in range(0, samples.size - AAC_FRAME_SAMPLES, AAC_FRAME_SAMPLES):
        part = slice(at, at + AAC_FRAME_SAMPLES)
        fit, *_ = np.linalg.lstsq(basis[part], samples[part], rcond=None)
        left.append(float(np.sqrt(np.mean((samples[part] - basis[part] @ fit) ** 2))))
    return np.asarray(left, np.float32)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("pcm.mov", "pcm_s16le", 48_000),
        ("resampled.mov", "pcm_s16le", 32_000),
        ("rounded_times.mkv", "pcm_s16le", 44_100),
        ("blocks.mkv", "ac3", 44_100),
        ("opus.mkv", "libopus", 48_000),
        ("copied.mp4", "aac", 48_000),
    ],
)
def test_joins_do_not_click(name: str, codec: str, rate_hz: int, tmp_path: Path) -> None:
    film = encode_file(tone_clip(tmp_path / name, codec, rate_hz))
    samples = sound_of(film)
    audio = film.plan["audio"]
    left = residue(samples, audio["sample_rate_hz"])
    joins = [span.start for span in audio_spans(film.plan)[1:] if 20 < span.start < left.size - 20]
    assert len(joins) >= 4
    near = {join + d for join in joins for d in (-2, -1, 0, 1)}
    elsewhere = max(float(left[n]) for n in range(20, left.size - 20) if n not in near)
    assert elsewhere < 0.02
    assert max(float(left[n]) for n in near) < 1.2 * elsewhere + 0.001


def test_joins_are_as_good_as_a_whole_track(encode: Callable[[Recipe], Film]) -> None:
    """Against one encoder over the whole track: the same distance to the source within half a decibel."""
    recipe = Recipe(suffix=".mov", sound=Sound(codec="pcm_s16le"), frame_count=200)
    film = encode(recipe)
    ours = sound_of(film)
    wanted = beeps_between(0, ours.size, 48_000)
    whole = _whole_track(wanted)
    # The first frame has none before it to overlap with: players start there with a fade of 21 ms.
    assert abs(_snr_db(wanted, ours, 4096) - _snr_db(wanted, whole, 4096)) < 0.5


def _whole_track(samples: Samples) -> Samples:
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48_000, "stereo", "fltp", 128_000
    encoder.options = {"aac_coder": "fast"}
    encoder.open()
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.extradata
    out: list[Samples] = []
    frames: list[av.AudioFrame | None] = []
    for at in range(0, samples.size, 1024):
        piece = np.tile(samples[at : at + 1024], (2, 1))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, at, Fraction(1, 48_000)
        frames.append(frame)
    for frame in [*frames, None]:
        for packet in encoder.encode(frame):
            out += [decoded.to_ndarray()[0] for decoded in decoder.decode(packet)]
    return np.concatenate(out)[1024:]


def _snr_db(wanted: Samples, got: Samples, first: int) -> float:
    part = slice(first, min(wanted.size, got.size))
    error = wanted[part] - got[part]
    return float(10 * np.log10(np.mean(wanted[part] ** 2) / np.mean(error**2)))


def digests(pieces: list[bytes]) -> list[str]:
    return [hashlib.sha256(piece).hexdigest() for piece in pieces]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(width=640, height=360, frame_count=150, options={"preset": "fast", "g": "1000"}),
        Recipe(suffix=".mkv", frame_count=150, sound=Sound(codec="ac3", rate_hz=44_100)),
        Recipe(options={"preset": "fast", "g": "24", "x264-params": "open-gop=1:bframes=3"}, frame_count=150),
        Recipe(suffix=".ts", frame_count=150, sound=Sound(codec="mp2")),
        Recipe(
            interlaced=True, options={"preset": "fast", "g": "24", "flags": "+ilme+ildct"}, frame_count=150
        ),
        Recipe(
            suffix=".ts",
            codec="mpeg2video",
            fps=Fraction(25),
            interlaced=True,
            frame_count=160,
            options={"flags": "+ilme+ildct", "g": "12", "bf": "2", "b": "4M"},
            sound=None,
        ),
    ],
    ids=["long_gop", "mkv", "open_gop", "transport_stream", "interlaced", "interlaced_mpeg2"],
)
def test_a_chunk_is_the_same_bytes_from_an_open_decoder_and_a_new_one(
    recipe: Recipe, encode: Callable[[Recipe], Film], clip: Callable[[Recipe], Path]
) -> None:
    film = encode(recipe)
    for index in reversed(range(film.plan["chunk_count"])):
        source = open_file(clip(recipe))
        for name, track in encode_chunk(film.plan, index, source).items():
            segments = chunk_segments(film.plan, index)
            assert digests([track.init]) == digests(list(film.inits[name]))
            assert digests(track.segments) == digests(film.segments[name][segments.start : segments.end])
        source.close()


def test_a_seek_decodes_little_and_a_sequence_decodes_once(
    encode: Callable[[Recipe], Film], clip: Callable[[Recipe], Path]
) -> None:
    recipe = Recipe(frame_count=400, sound=None)
    plan = encode(recipe).plan
    source = open_file(clip(recipe))
    for index in range(plan["chunk_count"]):
        encode_chunk(plan, index, source)
    decoder = source.pictures(plan)
    assert decoder.seeks == 1
    assert decoder.decoded == recipe.frame_count
    encode_chunk(plan, 2, source)
    assert decoder.decoded - recipe.frame_count < 5 * 24 + 30
    source.close()


def test_sound_that_starts_early_is_cut_at_the_first_picture(encode: Callable[[Recipe], Film]) -> None:
    """Time 0 is the first picture; what sounds before it is not heard."""
    times = [Fraction(4, 10) + Fraction(n, 24) for n in range(80)]
    film = encode(Recipe(shown_at_s=times, sound=Sound(codec="aac", end_s=Fraction(37, 10))))
    assert film.plan["frame_count"] == 80
    starts = beep_starts_s(sound_of(film), film.plan["audio"]["sample_rate_hz"])
    assert [round(start - 0.6) for start in starts] == [0, 1, 2]
    assert max(abs(start - 0.6 - n) for n, start in enumerate(starts)) < 0.04
