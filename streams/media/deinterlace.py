"""Interlaced pictures, which hold two moments in alternate lines, made whole by FFmpeg's bwdif.

The filter looks at the pictures before and after, so it stands between decoder and frame grid. What it makes
of a picture depends on these three alone: whoever starts in the middle of a film drops the first one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice

from av.error import BlockingIOError, EOFError
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

FILTER = "mode=send_frame:parity=auto:deint=interlaced"  # as many pictures as came; whole ones stay
LOOKS = 8


def is_interlaced(first: Iterator[VideoFrame]) -> bool:
    """Whether most of the first pictures are."""
    looks = [bool(picture.interlaced_frame) for picture in islice(first, LOOKS)]
    return 2 * sum(looks) > len(looks)


def deinterlaced(coming: Iterator[VideoFrame], tick_s: Fraction) -> Iterator[VideoFrame]:
    """The same pictures at the same times (in units of `tick_s`), whole."""
    lane: _Lane | None = None
    for picture in coming:
        if lane is not None and lane.shape != _shape(picture):
            yield from lane.push(None)
            lane = None
        lane = lane or _Lane(picture, tick_s)
        yield from lane.push(picture)
    if lane is not None:
        yield from lane.push(None)


class _Lane:
    """A graph for pictures of one shape."""

    def __init__(self, picture: VideoFrame, tick_s: Fraction) -> None:
        self.shape = _shape(picture)
        self._tick_s = tick_s
        self._graph = graph = Graph()  # kept: a collected graph takes its filters along and crashes
        graph.threads = 1
        self._source = graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=tick_s
        )
        whole, self._sink = graph.add("bwdif", FILTER), graph.add("buffersink")
        self._source.link_to(whole)
        whole.link_to(self._sink)
        graph.configure()

    def push(self, picture: VideoFrame | None) -> Iterator[VideoFrame]:
        """What comes out when this goes in; None is the end."""
        if picture is not None:
            picture.time_base = self._tick_s
        self._source.push(picture)
        with suppress(BlockingIOError, EOFError):
            while True:
                yield self._timed(self._sink)

    def _timed(self, sink: FilterContext) -> VideoFrame:
        frame = sink.pull()
        if not isinstance(frame, VideoFrame) or frame.pts is None or frame.time_base is None:
            raise TypeError(f"the filter gave {frame!r}, expected a picture with a time")
        frame.pts = round(frame.pts * frame.time_base / self._tick_s)
        frame.time_base = self._tick_s
        return frame


def _shape(picture: VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name
