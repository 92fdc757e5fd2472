"""Pictures of a source on a constant-rate frame grid, from an open demuxer and decoder.

The picture shown in slot n of the grid is the last one whose time is less than half a slot after n/fps:
constant-rate sources come through one to one, variable-rate ones are repeated or thinned. The answer
depends on the source and n alone, never on where decoding began, so every worker makes the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streams.media.deinterlace import deinterlaced
from streams.media.reasons import MediaProblem

MOST_PIXELS = 36_000_000  # what a header claims is checked by the probe; this holds for what packets claim
BACK_OFF_S = (0, 1, 3, 10, 30, 120)
MOST_BAD_PACKETS = 2000
LONGEST_SKIP_S = 12


class GridDecoder:
    """Decodes one stream onto the grid; keeps its place, so that the next chunk need not seek.

    Not safe for two threads. `close` releases the demuxer. Raises MediaProblem when nothing decodes.
    """

    def __init__(
        self,
        container: InputContainer,
        stream_index: int,
        origin_pts: int,
        fps: Fraction,
        threads: int = 2,
        *,
        deinterlace: bool = False,
    ) -> None:
        stream = container.streams[stream_index]
        if not isinstance(stream, VideoStream) or stream.time_base is None:
            raise MediaProblem("no_video", f"stream {stream_index} is no picture stream")
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        if not stream.codec_context.is_open:
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        self.container = container
        self.stream = stream
        self.fps = fps
        self.origin_pts = origin_pts
        self._deinterlace = deinterlace
        context = stream.codec_context
        # As the container's analysis found it: the same for every chunk, whatever later pictures say.
        self.declared_colour = (
            context.width,
            context.height,
            context.color_primaries,
            context.color_trc,
            context.colorspace,
        )
        self.bad_packets = 0
        self.decoded = 0
        self.seeks = 0
        self._slots_per_tick = stream.time_base * fps
        self._pictures: Iterator[VideoFrame] = iter(())
        self._now: VideoFrame | None = None
        self._ahead: VideoFrame | None = None
        self._next_slot: int | None = None

    def close(self) -> None:
        self._pictures = iter(())
        self._now = self._ahead = None
        self.container.close()

    def first_pictures(self) -> Iterator[VideoFrame]:
        """The pictures that decode, whatever their times; MediaProblem `damaged` when none does."""
        self._next_slot = None
        self._start(min(0, self.origin_pts))
        if self._ahead is None:
            raise MediaProblem("damaged", "no picture decodes")
        yield self._ahead
        yield from self._pictures

    def slots(self, first: int, end: int) -> Iterator[tuple[int, VideoFrame]]:
        """The picture of each slot in [first, end). After the last picture of the source it repeats it."""
        if not self._can_continue(first):
            self._seek(first)
        self._next_slot = None  # an error in between leaves no place to continue from
        for slot in range(first, end):
            while self._ahead is not None and (self._now is None or self._reached(self._ahead, slot)):
                self._now, self._ahead = self._ahead, self._pull()
            if self._now is None:
                raise MediaProblem("damaged", f"no picture decodes near frame {first}")
            yield slot, self._now
        if not self.bad_packets:  # after damage, what a decoder shows may depend on where it began
            self._next_slot = end

    def _reached(self, picture: VideoFrame, slot: int) -> bool:
        """Is the picture's time less than half a slot after the slot's?"""
        step = self._slots_per_tick
        ticks = self._ticks(picture)
        return 2 * ticks * step.numerator < (2 * slot + 1) * step.denominator

    def _ticks(self, picture: VideoFrame) -> int:
        return (picture.pts or 0) - self.origin_pts

    def _can_continue(self, first: int) -> bool:
        """Is decoding on from here at least as cheap as a seek to the key frame before `first`?"""
        here = self._next_slot
        if here is None or first < here:
            return False
        if first == here:
            return True
        target = self.origin_pts + int(first / self._slots_per_tick)
        key = self.stream.index_entries.search_timestamp(target)
        if key >= 0:
            return (self.stream.index_entries[key].timestamp - self.origin_pts) * self._slots_per_tick <= here
        return first - here <= LONGEST_SKIP_S * self.fps

    def _seek(self, first: int) -> None:
        """Stand so that the first picture is at or before slot `first`, trying further back as needed."""
        target = self.origin_pts + int(first / self._slots_per_tick)
        ticks_per_s = 1 / (self.stream.time_base or Fraction(1))
        for back_s in BACK_OFF_S:
            self._start(max(self.origin_pts, target - int(back_s * ticks_per_s)))
            if self._ahead is not None and self._reached(self._ahead, first):
                return
        self._start(min(0, self.origin_pts))

    def _start(self, pts: int) -> None:
        self.seeks += 1
        try:
            self.container.seek(pts, stream=self.stream, backward=True)
        except FFmpegError:
            self.container.seek(0, backward=True)
        self.stream.codec_context.flush_buffers()
        self._pictures = self._decode()
        if self._deinterlace:
            self._pictures = deinterlaced(self._pictures, self.stream.time_base or Fraction(1))
        self._now, self._ahead = None, self._pull()
        if self._deinterlace and self._ahead is not None and self._ticks(self._ahead) > 0:
            self._ahead = self._pull()  # the one before it was not decoded, and has its part in it

    def _pull(self) -> VideoFrame | None:
        return next(self._pictures, None)

    def _decode(self) -> Iterator[VideoFrame]:
        """Pictures in order shown; packets that do not decode are counted and passed over."""
        last_pts: int | None = None
        step = max(1, int(1 / self._slots_per_tick))
        for packet in packets_of(self.container, self.stream):
            try:
                pictures: list[Any] = packet.decode()
            except MemoryError:
                raise
            except FFmpegError:
                self.bad_packets += 1
                if self.bad_packets > MOST_BAD_PACKETS:
                    raise MediaProblem("damaged", f"{self.bad_packets} packets do not decode") from None
                continue
            for picture in pictures:
                if picture.pts is None:
                    picture.pts = self.origin_pts if last_pts is None else last_pts + step
                last_pts = picture.pts
                self.decoded += 1
                yield picture


def packets_of(container: InputContainer, stream: Any) -> Iterator[av.Packet[Any]]:
    """Packets of one stream, the empty flushing packet last; a read error ends them like the end."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except MemoryError:
            raise
        except FFmpegError:
            return
