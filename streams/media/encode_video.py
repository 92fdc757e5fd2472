"""Pictures of a segment range -> fragments of every rung, decoded once.

Each rung is one x264 encoder over the whole range with an IDR picture forced at each cut and closed GOPs,
muxed into fragmented MP4 that is split at the cuts. Nothing depends on the range but the pictures: init
segments are equal across ranges, decode times are slot numbers times the ticks of a frame. The bytes are a
function of plan and source, so thread counts are part of the profile and not of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
from av.video.frame import PictureType, VideoFrame

from schemas.media.grid import Span, frame_ticks, plan_cuts, timescale_of
from schemas.media.plan import Plan, Rendition, fps_of
from streams.media import boxes
from streams.media.pictures import GridDecoder
from streams.media.reasons import MediaProblem
from streams.media.scaling import OUTPUT_FORMAT, Colour, Scaler, colour_of
from streams.media.x264 import THREADS, encoder_options

MOVFLAGS = "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets+frag_discont+skip_trailer"


@dataclass(frozen=True, slots=True)
class Track:
    """One rendition of a segment range."""

    init: bytes
    segments: list[bytes]
    codecs: str


def encode_pictures(
    plan: Plan,
    segments: Span,
    decoder: GridDecoder,
    *,
    side_by_side: bool = False,
    on_frame: Callable[[int], None] = lambda done: None,
    look: Callable[[int, Sequence[VideoFrame]], None] = lambda slot, pictures: None,
) -> dict[str, Track]:
    """Encode a range of segments for every rung. `on_frame` hears the frames done.

    `look` sees every slot's pictures, one a rung, and leaves them as they are. `side_by_side` gives
    each rung a thread: sooner done, at more CPU, by the same bytes.
    """
    cuts = plan_cuts(plan)
    first, end = cuts[segments.start], cuts[segments.end]
    starts = set(cuts[segments.start : segments.end])
    colour = colour_of(*decoder.declared_colour)
    scaler = Scaler(plan["renditions"], plan["rotation_deg"], colour, plan["full_range"], plan["transfer"])
    rungs = [_Rung(fps_of(plan), plan["timescale"], rendition, colour) for rendition in plan["renditions"]]
    with ThreadPoolExecutor(len(rungs)) as threads:  # starts none unless asked to
        pending: list[Future[None]] = []
        for slot, picture in decoder.slots(first, end):
            pictures = scaler.scale(picture)
            look(slot, pictures)
            pushes = zip(rungs, pictures, strict=True)
            for done in pending:
                done.result()
            if side_by_side:
                pending = [threads.submit(rung.push, scaled, slot, slot in starts) for rung, scaled in pushes]
            else:
                for rung, scaled in pushes:
                    rung.push(scaled, slot, slot in starts)
            on_frame(slot + 1 - first)
        for done in pending:
            done.result()
    expected = [cut * frame_ticks(plan) for cut in cuts[segments.start : segments.end]]
    return {rung.name: rung.finish(expected) for rung in rungs}


def warm_up(fps: Fraction) -> None:
    """Encode one small picture, so that the first real one finds everything loaded."""
    rendition: Rendition = {"name": "warm-up", "width": 64, "height": 64, "max_kbps": 100}
    rung = _Rung(fps, timescale_of(fps), rendition, Colour(1, 1, 1))
    rung.push(VideoFrame(64, 64, OUTPUT_FORMAT), 0, True)
    rung.finish([0])


class _Rung:
    """One encoder and its muxer."""

    def __init__(self, fps: Fraction, timescale: int, rendition: Rendition, colour: Colour) -> None:
        self.name = rendition["name"]
        self._frame_s = 1 / fps
        self._file = BytesIO()
        self._muxer = av.open(self._file, "w", format="mp4", options=_muxer_options(timescale))
        stream: Any = self._muxer.add_stream("libx264", rate=fps, options=encoder_options(rendition))
        stream.width, stream.height, stream.pix_fmt = rendition["width"], rendition["height"], OUTPUT_FORMAT
        context = stream.codec_context
        context.thread_count = THREADS
        context.time_base = self._frame_s
        context.sample_aspect_ratio = Fraction(1)
        context.color_range = 1
        context.color_primaries, context.color_trc, context.colorspace = colour
        self._stream = stream

    def push(self, picture: VideoFrame, slot: int, cut: bool) -> None:
        picture.pts, picture.time_base = slot, self._frame_s
        picture.pict_type = PictureType.I if cut else PictureType.NONE
        for packet in self._stream.encode(picture):
            self._muxer.mux_one(packet)

    def finish(self, decode_times: list[int]) -> Track:
        """Flush, split and check that the fragments lie where the grid says."""
        for packet in self._stream.encode(None):
            self._muxer.mux_one(packet)
        self._muxer.close()
        init, segments = boxes.split(self._file.getvalue())
        found = [boxes.decode_time(segment) for segment in segments]
        if found != decode_times:
            raise MediaProblem(
                "internal", f"{self.name}: fragments start at {found}, expected {decode_times}"
            )
        return Track(init, segments, boxes.codecs_of(init))


def _muxer_options(timescale: int) -> dict[str, str]:
    return {
        "movflags": MOVFLAGS,
        "use_editlist": "0",
        "avoid_negative_ts": "disabled",
        "video_track_timescale": str(timescale),
        "fflags": "+bitexact",
    }
