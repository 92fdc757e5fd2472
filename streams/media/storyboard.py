"""Storyboard sheets and a poster from segments that are already encoded.

The first picture of a segment is a key frame, so nothing but key frames is decoded: the sheets of a film
cost less than a second of encoding it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log2
from typing import Any

import av
from av.video.frame import VideoFrame

from schemas.media.grid import frame_ticks, plan_cuts
from schemas.media.plan import Plan
from schemas.media.storyboard import Layout, layout_of
from streams.media.pictures import packets_of
from streams.media.probe import open_source
from streams.media.reasons import MediaProblem
from streams.media.sniff import Readable

JPEG_FORMAT = "yuvj420p"
JPEG_QUALITY = 4  # FFmpeg's scale: 2 is best, 31 worst
QUALITY_STEP = 118  # FF_QP2LAMBDA
BLACK_LUMA, NEUTRAL_CHROMA = 0, 128


@dataclass(frozen=True, slots=True)
class Sheets:
    """JPEG sheets, and the number of the segment that makes the best poster."""

    sheets: list[bytes]
    poster_segment: int


def make_sheets(plan: Plan, file: Readable, key: str | None = None) -> Sheets:
    """Tiles out of a file of the lowest rung: its init segment and the segments `layout_of` names.

    `key` decrypts it, in hexadecimal digits.
    """
    layout = layout_of(plan)
    cuts, ticks = plan_cuts(plan), frame_ticks(plan)
    tile_at = {cuts[number] * ticks: tile for tile, number in enumerate(layout.segments)}
    pages = [_Page(layout) for _ in range(layout.sheet_count)]
    scores: dict[int, float] = {}
    shift: int | None = None  # FFmpeg moves a track with negative composition offsets, all of it by as much
    for picture in _key_pictures(file, key):
        shift = picture.pts or 0 if shift is None else shift
        tile = tile_at.get((picture.pts or 0) - shift)
        if tile is None:
            continue
        small = picture.reformat(layout.tile_width, layout.tile_height, JPEG_FORMAT)
        sheet, x, y = layout.place(tile)
        pages[sheet].put(small, x, y)
        scores[tile] = detail(small)
    if not scores:
        raise MediaProblem("internal", "no key frame of the lowest rung decodes")
    best = max(scores, key=lambda tile: (round(scores[tile], 1), -tile))
    return Sheets([page.jpeg() for page in pages], layout.segments[best])


def make_poster(file: Readable, key: str | None = None) -> bytes:
    """A JPEG of the first picture of a file: an init segment and one segment. `key` decrypts it."""
    for picture in _key_pictures(file, key):
        return jpeg(picture.reformat(format=JPEG_FORMAT))
    raise MediaProblem("internal", "no picture for the poster decodes")


def _key_pictures(file: Readable, key: str | None) -> Iterator[VideoFrame]:
    with open_source(file, key) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for packet in packets_of(container, stream):
            if packet.is_keyframe or packet.size == 0:
                yield from packet.decode()


def detail(picture: VideoFrame) -> float:
    """Bits of information in the spread of brightness: black and fading pictures score low."""
    plane = picture.planes[0]
    data = bytes(plane)
    luma = b"".join(data[y * plane.line_size :][: picture.width] for y in range(picture.height))
    return -sum(n / len(luma) * log2(n / len(luma)) for n in Counter(luma).values())


class _Page:
    """A sheet being filled."""

    def __init__(self, layout: Layout) -> None:
        self._size = (layout.columns * layout.tile_width, layout.rows * layout.tile_height)
        width, height = self._size
        self._planes = [
            bytearray([BLACK_LUMA]) * (width * height),
            bytearray([NEUTRAL_CHROMA]) * (width * height // 4),
            bytearray([NEUTRAL_CHROMA]) * (width * height // 4),
        ]

    def put(self, picture: VideoFrame, x: int, y: int) -> None:
        for i, plane in enumerate(picture.planes):
            data, half = bytes(plane), 1 if i == 0 else 2
            stride = self._size[0] // half
            for row in range(plane.height):
                at = (y // half + row) * stride + x // half
                line = row * plane.line_size
                self._planes[i][at : at + plane.width] = data[line : line + plane.width]

    def jpeg(self) -> bytes:
        width, height = self._size
        picture = VideoFrame(width, height, JPEG_FORMAT)
        for plane, data in zip(picture.planes, self._planes, strict=True):
            padded = bytearray(plane.line_size * plane.height)
            for row in range(plane.height):
                line = data[row * plane.width : (row + 1) * plane.width]
                padded[row * plane.line_size : row * plane.line_size + plane.width] = line
            plane.update(bytes(padded))
        return jpeg(picture)


def jpeg(picture: VideoFrame) -> bytes:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, JPEG_FORMAT
    encoder.time_base = Fraction(1, 25)
    encoder.color_range = 2
    encoder.options = {"flags": "+qscale+bitexact", "global_quality": str(JPEG_QUALITY * QUALITY_STEP)}
    picture.pts, picture.time_base = 0, Fraction(1, 25)
    return b"".join(bytes(packet) for frame in (picture, None) for packet in encoder.encode(frame))
