"""Numbered clips of the kinds that break encoders, each written by FFmpeg itself as people's tools do.

Picture n carries the number n; sound beeps at every full second of the film's clock, whenever it starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from tests.media_fixtures.numbered import AUDIO_RATE, BEEP_HZ, BEEP_S, picture

TICK = Fraction(1, 90_000)


@dataclass(frozen=True)
class Sound:
    """A track that begins at `start_s` of the film's clock and lasts to `end_s`."""

    codec: str = "aac"
    layout: str = "stereo"
    rate_hz: int = AUDIO_RATE
    start_s: Fraction = Fraction(0)
    end_s: Fraction | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """What to write. `shown_at_s` overrides the constant rate, picture by picture."""

    suffix: str = ".mp4"
    frame_count: int = 80
    fps: Fraction = Fraction(24)
    width: int = 320
    height: int = 180
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "20", "g": "30"})
    muxer_options: dict[str, str] = field(default_factory=dict)
    rotation_deg: int = 0
    sar: Fraction = Fraction(1)
    full_range: bool = False
    interlaced: bool = False
    colour: tuple[int, int, int] | None = None
    shown_at_s: Sequence[Fraction] | None = None
    sound: Sound | None = field(default_factory=Sound)

    @property
    def length_s(self) -> Fraction:
        return self.frame_count / self.fps


def write(path: Path, recipe: Recipe) -> Path:
    """Write a clip of the recipe under `path` and its suffix."""
    path = path.with_suffix(recipe.suffix)
    with av.open(str(path), "w", options=recipe.muxer_options) as out:
        video = _video_stream(out, recipe)
        sound = _sound_stream(out, recipe.sound) if recipe.sound else None
        packets: list[Any] = []
        for number in range(recipe.frame_count):
            frame = _frame(number, recipe)
            packets += video.encode(frame)
        packets += video.encode(None)
        if sound is not None and recipe.sound is not None:
            for frame in _sound_frames(recipe.sound, recipe.length_s):
                packets += sound.encode(frame)
            packets += sound.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def _video_stream(out: Any, recipe: Recipe) -> Any:
    stream = out.add_stream(recipe.codec, rate=recipe.fps, options=recipe.options)
    stream.width, stream.height, stream.pix_fmt = recipe.width, recipe.height, recipe.pixel_format
    stream.codec_context.time_base = TICK if recipe.shown_at_s else 1 / recipe.fps
    stream.codec_context.sample_aspect_ratio = recipe.sar
    if recipe.full_range:
        stream.codec_context.color_range = 2
    if recipe.colour is not None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = recipe.colour
    if recipe.rotation_deg:
        stream.set_display_rotation(recipe.rotation_deg)
    return stream


def _frame(number: int, recipe: Recipe) -> av.VideoFrame:
    """The picture as stored: for a rotated film, turned so that the display turns it upright."""
    turned = recipe.rotation_deg % 180 != 0
    width, height = (recipe.height, recipe.width) if turned else (recipe.width, recipe.height)
    upright = picture(number, width, height)
    if recipe.interlaced:
        _weave(upright, number)
    stored = (
        np.ascontiguousarray(np.rot90(upright, recipe.rotation_deg // -90))
        if recipe.rotation_deg
        else upright
    )
    frame = av.VideoFrame.from_ndarray(stored, format="rgb24").reformat(
        format=recipe.pixel_format, dst_color_range=2 if recipe.full_range else 1
    )
    if recipe.shown_at_s:
        frame.pts, frame.time_base = round(recipe.shown_at_s[number] / TICK), TICK
    else:
        frame.pts, frame.time_base = number, 1 / recipe.fps
    return frame


def _weave(rgb: npt.NDArray[np.uint8], number: int) -> None:
    """Into the lower half, a white bar on grey that moves on between the even lines and the odd ones."""
    half, width = rgb.shape[0] // 2, rgb.shape[1]
    rgb[half:] = 64
    for field_number in (0, 1):
        at = (2 * number + field_number) * 7 % (width - 16)
        rgb[half + field_number :: 2, at : at + 16] = 235


def _sound_stream(out: Any, sound: Sound) -> Any:
    return out.add_stream(sound.codec, rate=sound.rate_hz, layout=sound.layout, options=sound.options)


def _sound_frames(sound: Sound, length_s: Fraction) -> list[av.AudioFrame]:
    first = round(sound.start_s * sound.rate_hz)
    samples = beeps_between(first, round((sound.end_s or length_s) * sound.rate_hz), sound.rate_hz)
    channels = av.AudioLayout(sound.layout).nb_channels
    frames: list[av.AudioFrame] = []
    for at in range(0, samples.size, 1024):
        piece = np.ascontiguousarray(np.tile(samples[at : at + 1024], (channels, 1)))
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=sound.layout)
        frame.sample_rate, frame.pts, frame.time_base = sound.rate_hz, first + at, Fraction(1, sound.rate_hz)
        frames.append(frame)
    return frames


def beeps_between(first: int, end: int, rate_hz: int) -> npt.NDArray[np.float32]:
    """Samples [first, end) of the film's clock, with a beep at every full second."""
    t = np.arange(first, end) / rate_hz
    wave = 0.5 * np.sin(2 * np.pi * BEEP_HZ * t) * (t % 1.0 < BEEP_S)
    return np.asarray(wave, np.float32)
