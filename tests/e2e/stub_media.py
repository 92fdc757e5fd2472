"""A few seconds of real, playable media made here, for the page tests: no encoder of ours is involved."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS = 24
SECONDS = 12
RUNGS = (("180p", 320, 180, 180_000), ("360p", 640, 360, 520_000))
TILE = (160, 90)
COLUMNS, ROWS, INTERVAL_S = 4, 3, 1


@dataclass(frozen=True, slots=True)
class Film:
    """HLS in one folder a rung, DASH in `dash/`, pictures as bytes."""

    folder: Path
    poster: bytes
    storyboard: bytes

    def master(self) -> str:
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
        for name, width, height, bandwidth in RUNGS:
            lines.append(
                f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height},FRAME-RATE=24.000,CODECS="avc1.64001e",'
                "CLOSED-CAPTIONS=NONE"
            )
            lines.append(f"{name}.m3u8")
        return "\n".join(lines) + "\n"

    def thumbnails(self) -> str:
        cues = ["WEBVTT", ""]
        for index in range(SECONDS // INTERVAL_S):
            start, end = index * INTERVAL_S, (index + 1) * INTERVAL_S
            x, y = (index % COLUMNS) * TILE[0], (index // COLUMNS) * TILE[1]
            cues += [f"00:00:{start:02d}.000 --> 00:00:{end:02d}.000"]
            cues += [f"storyboard/0.jpg#xywh={x},{y},{TILE[0]},{TILE[1]}", ""]
        return "\n".join(cues)


def picture(width: int, height: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """A quiet landscape: sky, sun, three ridges. Deterministic; uint8 RGB of (height, width, 3)."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    hue = random.uniform(0, 1)
    top, low = _colour(hue, 0.45, 0.35), _colour(hue + 0.09, 0.5, 0.85)
    image = top * (1 - y[..., None]) + low * y[..., None] + np.zeros((height, width, 1))
    sun_x, sun_y = random.uniform(0.2, 0.8), random.uniform(0.25, 0.45)
    glow = np.exp(-(((x - sun_x) * width / height) ** 2 + (y - sun_y) ** 2) / 0.012)
    image += glow[..., None] * np.array([1.0, 0.86, 0.6]) * 0.6
    for layer in range(3):
        base, size = 0.55 + 0.15 * layer, 0.07 + 0.03 * layer
        phase = random.uniform(0, 6) + shift * (1 + layer)
        ridge = (
            base
            + size * np.sin(x * (5 + 3 * layer) + phase)
            + size * 0.4 * np.sin(x * (17 + 5 * layer) + phase * 2)
        )
        shade = _colour(hue + 0.02 * layer, 0.4, 0.42 - 0.13 * layer)
        image = np.where((y > ridge)[..., None], shade, image)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)


def _colour(hue: float, saturation: float, value: float) -> np.ndarray:
    wheel = np.abs(((hue + np.array([0, 2 / 3, 1 / 3])) % 1) * 6 - 3) - 1
    return value * (1 - saturation + saturation * np.clip(wheel, 0, 1))


def jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "yuvj420p"
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


def make_film(folder: Path) -> Film:
    """Encodes both rungs for HLS (fMP4, 2 s) and DASH; about two seconds of work."""
    frames = [picture(640, 360, seed=7, shift=index / 40) for index in range(0, FPS * SECONDS, 6)]
    for name, width, height, bandwidth in RUNGS:
        (folder / name).mkdir(parents=True)
        options = {
            "hls_segment_type": "fmp4", "hls_time": "2", "hls_playlist_type": "vod",
            "hls_fmp4_init_filename": "init.mp4", "hls_segment_filename": str(folder / name / "%d.m4s"),
        }  # fmt: skip
        _write(str(folder / name / "index.m3u8"), "hls", options, frames, [(width, height, bandwidth)])
    (folder / "dash").mkdir()
    options = {
        "seg_duration": "2",
        "use_template": "1",
        "use_timeline": "1",
        "adaptation_sets": "id=0,streams=v",
    }
    _write(str(folder / "dash" / "manifest.mpd"), "dash", options, frames, [rung[1:] for rung in RUNGS])
    tiles = [picture(*TILE, seed=7, shift=second * FPS / 40) for second in range(0, SECONDS, INTERVAL_S)]
    rows = [np.concatenate(tiles[at : at + COLUMNS], axis=1) for at in range(0, len(tiles), COLUMNS)]
    return Film(folder, jpeg(picture(640, 360, seed=7)), jpeg(np.concatenate(rows, axis=0)))


def _write(
    path: str, kind: str, options: dict[str, str], frames: list[np.ndarray], sizes: list[tuple[int, int, int]]
) -> None:
    with av.open(path, "w", format=kind, options=options) as container:
        streams = []
        for width, height, bandwidth in sizes:
            stream = container.add_stream(
                "libx264", rate=FPS, options={"preset": "ultrafast", "g": "48", "sc_threshold": "0"}
            )
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
                width,
                height,
                "yuv420p",
                bandwidth // 2,
            )
            streams.append(stream)
        for index in range(FPS * SECONDS):
            source = av.VideoFrame.from_ndarray(frames[index // 6], format="rgb24")
            for stream in streams:
                frame = source.reformat(stream.width, stream.height, "yuv420p")
                frame.pts = index
                frame.time_base = Fraction(1, FPS)
                for packet in stream.encode(frame):
                    container.mux(packet)
        for stream in streams:
            for packet in stream.encode(None):
                container.mux(packet)
