"""Examining a source: what it is, whether it can be used, its true length and frame grid.

Nothing a header says is believed where the packets can be asked. Runs in a confined child process; the
demuxers it may use are named below, and it opens nothing but the file object it is given.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import Any, TypedDict

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from schemas.media.grid import nearest
from schemas.media.plan import AudioPlan
from streams.media import probe_length, probe_sound, sniff
from streams.media.deinterlace import is_interlaced
from streams.media.ladder import display_size
from streams.media.pictures import MOST_PIXELS, GridDecoder
from streams.media.rates import grid_rate
from streams.media.reasons import MediaProblem

# Demuxers by FFmpeg's names; none of them opens another file or address.
FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf"
PICTURE_CODECS = frozenset(
    (
        *("h264", "hevc", "vvc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "vp6", "vp6f"),
        *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4", "msmpeg4v2", "msmpeg4v3"),
        *("h263", "h263i", "h263p", "flv", "flv1", "wmv1", "wmv2", "wmv3", "vc1", "theora", "svq1", "svq3"),
        *("prores", "dnxhd", "mjpeg", "dvvideo", "cinepak", "qtrle"),
        *("rawvideo", "huffyuv", "ffvhuff", "ffv1"),
    )
)
MOST_TRACKS = 64
OPEN_OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "none",
    "max_streams": "256",  # of those beyond, some demuxers say nothing, and others read nothing at all
    "probesize": "5000000",
    "analyzeduration": "5000000",
}
READ_AHEAD_BYTES = 1 << 18
LONGEST_SIDE_PX = 8192
SHORTEST_SIDE_PX = 16
PROGRESSIVE = 1
ROTATIONS = (0, 90, 180, 270)
TRANSFERS = {16: "pq", 18: "hlg"}


class Probe(TypedDict):
    """What a source is, and all that a plan needs of it. Sizes are as shown, upright, in square pixels."""

    container: str
    video_codec: str
    audio_codec: str | None
    width: int
    height: int
    duration_ms: int
    fps_num: int
    fps_den: int
    frame_count: int
    video_stream_index: int
    video_origin_pts: int
    rotation_deg: int
    full_range: bool
    transfer: str
    interlaced: bool
    audio: AudioPlan


def open_source(file: sniff.Readable, key: str | None = None) -> InputContainer:
    """A demuxer over the file, of the allowed kinds only; MediaProblem `not_video` otherwise.

    `key` decrypts what we encrypted ourselves, in hexadecimal digits.
    """
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            options=OPEN_OPTIONS if key is None else {**OPEN_OPTIONS, "decryption_key": key},
            metadata_errors="replace",  # titles in any old encoding are no reason to refuse a film
            buffer_size=READ_AHEAD_BYTES,
            io_open=_refuse_other_files,
        )
    except (FFmpegError, EOFError) as error:
        raise MediaProblem("not_video", str(error)) from None


def probe(file: sniff.Readable) -> Probe:
    """Examine a source; MediaProblem says why it cannot be used."""
    sniff.refuse_by_head(file)
    try:
        container = open_source(file)
    except MediaProblem:
        if sniff.is_cut_short(file):
            raise MediaProblem("truncated", "the container's structure ends beyond the file") from None
        raise
    with container:
        return _examine(container, file)


def _examine(container: InputContainer, file: sniff.Readable) -> Probe:
    stream = _picture_stream(container)
    _check_size(stream.codec_context.width, stream.codec_context.height)
    if stream.index_entries and _index_end(stream) > file.size:
        # A file that ends where its own structure does is not cut short: its index is wrong.
        code = "truncated" if sniff.is_cut_short(file) else "pictures_missing"
        raise MediaProblem(code, f"pictures lie up to byte {_index_end(stream)} of {file.size}")
    first, interlaced = _first_picture(container, stream, file)
    origin = first.pts or 0
    fps = grid_rate(
        probe_length.sampled_times(container, stream),
        [stream.base_rate, stream.average_rate, stream.guessed_rate],
    )
    tick_s = stream.time_base or Fraction(1)
    true_s = probe_length.true_length_s(container, stream, origin, file)
    frame_count = max(1, nearest(true_s * fps))
    rotation = nearest(Fraction(-first.rotation, 90)) * 90 % 360
    sar = stream.codec_context.sample_aspect_ratio or stream.sample_aspect_ratio or Fraction(1)
    width, height = display_size(first.width, first.height, sar, rotation)
    audio, audio_codec = probe_sound.examine(container, origin * tick_s, fps, frame_count)
    return {
        "container": container.format.name,
        "video_codec": stream.codec_context.name,
        "audio_codec": audio_codec,
        "width": width,
        "height": height,
        "duration_ms": max(1, nearest(frame_count / fps * 1000)),
        "fps_num": fps.numerator,
        "fps_den": fps.denominator,
        "frame_count": frame_count,
        "video_stream_index": stream.index,
        "video_origin_pts": origin,
        "rotation_deg": rotation if rotation in ROTATIONS else 0,
        "full_range": first.color_range == 2 or first.format.name.startswith("yuvj"),
        "transfer": TRANSFERS.get(int(first.color_trc), "sdr"),
        "interlaced": interlaced,
        "audio": audio,
    }


def _picture_stream(container: InputContainer) -> VideoStream:
    """The picture track people mean: no cover art, the default one, else the largest."""
    if len(container.streams) > MOST_TRACKS:
        raise MediaProblem("too_many_streams", f"{len(container.streams)} tracks")
    tracks = [
        stream
        for stream in container.streams.video
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
    ]
    if not tracks:
        raise MediaProblem("no_video" if container.streams.audio else "not_video", "no picture track")
    usable = [track for track in tracks if track.codec_context and track.codec_context.name in PICTURE_CODECS]
    if not usable:
        names = ", ".join(t.codec_context.name if t.codec_context else "unknown" for t in tracks)
        raise MediaProblem("codec_not_supported", names)
    return max(
        usable,
        key=lambda t: (
            bool(t.disposition & Disposition.default),
            t.codec_context.width * t.codec_context.height,
        ),
    )


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LONGEST_SIDE_PX or width * height > MOST_PIXELS:
        raise MediaProblem("too_large_picture", f"{width}x{height}")
    if 0 < min(width, height) < SHORTEST_SIDE_PX:
        raise MediaProblem("too_small_picture", f"{width}x{height}")


def _index_end(stream: VideoStream) -> int:
    """Byte after the last picture by the file's index (sizes are known to MP4's alone)."""
    last = stream.index_entries[len(stream.index_entries) - 1]
    return last.pos + last.size if last.size < 1 << 30 else last.pos


def _first_picture(
    container: InputContainer, stream: VideoStream, file: sniff.Readable
) -> tuple[VideoFrame, bool]:
    """The first picture that decodes, and whether it and those behind it are interlaced."""
    decoder = GridDecoder(container, stream.index, stream.start_time or 0, Fraction(25))
    try:
        pictures = decoder.first_pictures()
        picture = next(pictures)
    except MediaProblem:
        code = "truncated" if sniff.is_cut_short(file) else "damaged"
        raise MediaProblem(code, "no picture decodes") from None
    _check_size(picture.width, picture.height)
    if stream.codec_context.field_order == PROGRESSIVE and not picture.interlaced_frame:
        return picture, False  # spares decoding a few more
    return picture, is_interlaced(chain([picture], pictures))


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> Any:
    raise MediaProblem("playlist", f"the file asks for another one: {url[:80]!r}")
