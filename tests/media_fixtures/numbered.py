"""Clips whose pixels carry their frame number, and the readers that get it back.

The top quarter of each picture holds two rows of 16 blocks: the frame number in binary (most significant
bit first, white is 1) and below it the same bits inverted. A block is 1/16 of the width and 1/8 of the
height, so the number survives scaling to any rung and lossy coding; a picture in which a pair of blocks
does not clearly differ gives no number, never a wrong one. The rest of the picture moves, so that an
encoder has something to do.

The audio is a short beep at the start of every full second of media, silence between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

BITS = 16
BLOCK_HEIGHT_FRACTION = 8
MIN_CONTRAST = 48
BEEP_HZ = 1000
BEEP_S = 0.05
AUDIO_RATE = 48_000

# The video and audio encoders of each container; first and foremost what people really have in them.
CODECS: dict[str, tuple[str, str]] = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "mkv": ("libx264", "ac3"),
    "avi": ("mpeg4", "libmp3lame"),
    "webm": ("libvpx", "libopus"),
}
VIDEO_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast", "crf": "18", "g": "48"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "2M"},
    "mpeg4": {"qscale": "3"},
}


@dataclass(frozen=True)
class NumberedClip:
    """What was written: a test compares against this, never against what a prober says of the file."""

    path: Path
    width: int
    height: int
    fps: Fraction
    frame_count: int
    has_audio: bool

    @property
    def duration_s(self) -> float:
        return float(self.frame_count / self.fps)


def picture(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """One RGB picture that carries `number` (0 .. 65535); shape (height, width, 3)."""
    if not 0 <= number < 1 << BITS:
        raise ValueError(f"frame number {number} does not fit {BITS} bits; make a shorter clip")
    x = np.arange(width, dtype=np.uint16)
    y = np.arange(height, dtype=np.uint16)[:, None]
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[..., 0] = (x + 3 * number) & 255
    rgb[..., 1] = (y + 2 * number) & 255
    rgb[..., 2] = ((x + y) // 2 + number) & 255
    bits = [(number >> (BITS - 1 - i)) & 1 for i in range(BITS)]
    edges = [round(i * width / BITS) for i in range(BITS + 1)]
    row = height // BLOCK_HEIGHT_FRACTION
    for i, bit in enumerate(bits):
        rgb[:row, edges[i] : edges[i + 1]] = 255 * bit
        rgb[row : 2 * row, edges[i] : edges[i + 1]] = 255 * (1 - bit)
    return rgb


def number_in(luma: npt.NDArray[np.uint8]) -> int | None:
    """The number in a picture's luma plane of shape (height, width); None where none is readable."""
    height, width = luma.shape
    row = height / BLOCK_HEIGHT_FRACTION
    number = 0
    for i in range(BITS):
        x0, x1 = int((i + 0.3) * width / BITS), int((i + 0.7) * width / BITS) + 1
        upper = float(luma[int(0.3 * row) : int(0.7 * row) + 1, x0:x1].mean())
        lower = float(luma[int(1.3 * row) : int(1.7 * row) + 1, x0:x1].mean())
        if abs(upper - lower) < MIN_CONTRAST:
            return None
        number = number << 1 | (upper > lower)
    return number


def numbers_in_file(path: Path | str) -> list[int | None]:
    """The number of every frame of a file, in the order shown."""
    with av.open(str(path)) as container:
        return [number_in(_luma(frame)) for frame in container.decode(video=0)]


def _luma(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


# A function for the page: the number that a <video> shows now, or null.
READ_NUMBER_JS = f"""(video) => {{
  const width = 320, height = 180, bits = {BITS}, row = height / {BLOCK_HEIGHT_FRACTION};
  const canvas = window.__numbers ??= new OffscreenCanvas(width, height);
  const context = window.__numbersContext ??= canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(video, 0, 0, width, height);
  const mean = (x0, x1, y0, y1) => {{
    const w = Math.max(1, Math.floor(x1 - x0)), h = Math.max(1, Math.floor(y1 - y0));
    const data = context.getImageData(Math.floor(x0), Math.floor(y0), w, h).data;
    let sum = 0;
    for (let i = 0; i < data.length; i += 4)
      sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    return sum / (w * h);
  }};
  let number = 0;
  for (let i = 0; i < bits; i++) {{
    const x0 = (i + 0.3) * width / bits, x1 = (i + 0.7) * width / bits;
    const upper = mean(x0, x1, 0.3 * row, 0.7 * row), lower = mean(x0, x1, 1.3 * row, 1.7 * row);
    if (Math.abs(upper - lower) < {MIN_CONTRAST}) return null;
    number = number * 2 + (upper > lower ? 1 : 0);
  }}
  return number;
}}"""


def beeps(duration_s: float, channels: int) -> npt.NDArray[np.float32]:
    """Planar samples of shape (channels, n): a beep at every full second."""
    t = np.arange(round(duration_s * AUDIO_RATE)) / AUDIO_RATE
    wave = 0.5 * np.sin(2 * np.pi * BEEP_HZ * t) * (t % 1.0 < BEEP_S)
    return np.repeat(wave.astype(np.float32)[None, :], channels, axis=0)


def make_clip(
    path: Path,
    *,
    frame_count: int = 96,
    fps: Fraction = Fraction(24),
    width: int = 640,
    height: int = 360,
    audio: bool = True,
    channels: int = 2,
    video_codec: str | None = None,
    audio_codec: str | None = None,
) -> NumberedClip:
    """Write a clip; the suffix chooses the container and, unless given, its usual codecs."""
    container_name = path.suffix.lstrip(".").lower()
    if container_name not in CODECS:
        raise ValueError(f"no codecs known for {path.name!r}; use one of {', '.join(sorted(CODECS))}")
    usual_video, usual_audio = CODECS[container_name]
    video_codec, audio_codec = video_codec or usual_video, audio_codec or usual_audio
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream(video_codec, rate=fps, options=VIDEO_OPTIONS.get(video_codec, {}))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = 1 / fps
        sound: Any = None
        if audio:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
            sound = out.add_stream(audio_codec, rate=AUDIO_RATE, layout=layout)
        samples = _sound_frames(frame_count / fps, channels) if audio else iter(())
        sound_until_s = Fraction(0)
        for number in range(frame_count):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
            frame.pts, frame.time_base = number, 1 / fps
            out.mux(video.encode(frame))
            while sound is not None and sound_until_s <= (number + 1) / fps:
                piece = next(samples, None)
                if piece is None:
                    break
                sound_until_s = Fraction(piece.pts + piece.samples, AUDIO_RATE)
                _encode_sound(out, sound, piece)
        for piece in samples:
            _encode_sound(out, sound, piece)
        out.mux(video.encode(None))
        if sound is not None:
            _encode_sound(out, sound, None)
    return NumberedClip(path, width, height, fps, frame_count, audio)


def _sound_frames(duration_s: Fraction, channels: int) -> Iterator[av.AudioFrame]:
    """The whole track in frames of at most 1024 samples of planar float."""
    samples = beeps(float(duration_s), channels)
    for start in range(0, samples.shape[1], 1024):
        piece = np.ascontiguousarray(samples[:, start : start + 1024])
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame


def _encode_sound(out: Any, stream: Any, frame: av.AudioFrame | None) -> None:
    # PyAV's encoder context resamples to its own format and frame size by itself.
    for packet in stream.encode(frame):
        # AVI has no times before 0: its muxer would make room for an encoder's priming in front of the film.
        if out.format.name != "avi" or packet.pts >= 0:
            out.mux(packet)
