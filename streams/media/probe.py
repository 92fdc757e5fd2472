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
from streams.media import probe_sound, sniff
from streams.media.deinterlace import is_interlaced
from streams.media.ladder import display_size
from streams.media.pictures import MOST_PIXELS, GridDecoder, packets_of
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
OPEN_OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "none",
    "max_streams": "64",
    "probesize": "5000000",
    "analyzeduration": "5000000",
}
READ_AHEAD_BYTES = 1 << 18
LONGEST_SIDE_PX = 8192
SHORTEST_SIDE_PX = 16
LONGEST_S = 24 * 3600
SAMPLED_PACKETS = 120
SAMPLED_BYTES = 4_000_000
TAIL_S = 5
MISSING_S = Fraction(1, 2)
ABSURD_PICTURE_S = 60
ABSURD_FROM_S = 3600
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


def open_source(file: sniff.Readable) -> InputContainer:
    """A demuxer over the file, of the allowed kinds only; MediaProblem `not_video` otherwise."""
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            options=OPEN_OPTIONS,
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
        _sampled_times(container, stream), [stream.base_rate, stream.average_rate, stream.guessed_rate]
    )
    end_pts, last_pts, pictures = _true_end(container, stream, origin)
    tick_s = stream.time_base or Fraction(1)
    true_s = (end_pts - origin) * tick_s
    _check_length(true_s, pictures, stream, container, file)
    _check_last_picture((last_pts - origin) * tick_s, true_s, stream)
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
    if len(container.streams) > int(OPEN_OPTIONS["max_streams"]):
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


def _sampled_times(container: InputContainer, stream: VideoStream) -> list[Fraction]:
    """When the first pictures are shown, ascending; B-pictures may leave the last few incomplete."""
    tick_s = stream.time_base or Fraction(1)
    _rewind(container, stream)
    times: list[int] = []
    read = 0
    for packet in packets_of(container, stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            continue
        times.append(stamp)
        read += packet.size
        if len(times) >= SAMPLED_PACKETS or (read > SAMPLED_BYTES and len(times) > 24):
            times = sorted(times)[:-16] if len(times) > 32 else sorted(times)
            break
    return [stamp * tick_s for stamp in sorted(set(times))]


def _true_end(container: InputContainer, stream: VideoStream, origin: int) -> tuple[int, int, int]:
    """(time stamps at which the last picture ends and begins, pictures known of), by the last packets."""
    tick_s = stream.time_base or Fraction(1)
    says_s = stream.duration * tick_s if stream.duration else Fraction(container.duration or 0, av.time_base)
    start = origin + int(max(Fraction(0), says_s - TAIL_S) / tick_s)
    if says_s > TAIL_S and _seek(container, stream, start):
        end, last, seen = _last_end(container, stream)
        if seen:
            return end, last, max(stream.frames, len(stream.index_entries), seen)
    _rewind(container, stream)
    end, last, seen = _last_end(container, stream)
    if not seen:
        raise MediaProblem("damaged", "no packets of pictures")
    return end, last, seen


def _last_end(container: InputContainer, stream: VideoStream) -> tuple[int, int, int]:
    tick_s = stream.time_base or Fraction(1)
    usual = max(1, nearest(1 / (stream.average_rate * tick_s))) if stream.average_rate else 1
    end, seen, last_pts, before = -(1 << 62), 0, -(1 << 62), -(1 << 62)
    for packet in packets_of(container, stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or packet.size == 0 or packet.is_discard:
            continue
        seen += 1
        if stamp > last_pts:
            before, last_pts = last_pts, stamp
            step = stamp - before if seen > 1 and not packet.duration else usual
            end = stamp + (packet.duration or step)
    return end, last_pts, seen


def _check_length(
    true_s: Fraction, pictures: int, stream: VideoStream, container: InputContainer, file: sniff.Readable
) -> None:
    if true_s <= 0:
        raise MediaProblem("lying_duration", "the last picture ends before the first begins")
    if true_s > ABSURD_FROM_S and (true_s / max(1, pictures) > ABSURD_PICTURE_S or file.size < true_s * 25):
        raise MediaProblem("lying_duration", f"{float(true_s):.0f} s from {file.size} bytes")
    if true_s > LONGEST_S:
        raise MediaProblem("too_long", f"{float(true_s) / 3600:.1f} hours")
    says_s = Fraction(container.duration or 0, av.time_base)
    if stream.frames and stream.average_rate:
        says_s = max(says_s, stream.frames / stream.average_rate)
    if says_s > true_s + MISSING_S and sniff.is_cut_short(file):
        raise MediaProblem("truncated", f"{float(true_s):.1f} s of {float(says_s):.1f} s are there")


def _check_last_picture(begins_s: Fraction, ends_s: Fraction, stream: VideoStream) -> None:
    """A picture may stay for as long as it likes, but not far beyond the end that its own track declares:
    with a wrong timescale an edit list leaves one picture of many, which then fills hours.

    How little there is to see or to store says nothing: a slideshow is a film.
    """
    says_s = Fraction(stream.duration or 0) * (stream.time_base or Fraction(1))
    if says_s > 0 and begins_s <= says_s and ends_s > says_s + max(says_s, Fraction(TAIL_S)):
        detail = f"the last picture ends at {float(ends_s):.0f} s, its track at {float(says_s):.0f} s"
        raise MediaProblem("lying_duration", detail)


def _rewind(container: InputContainer, stream: VideoStream) -> None:
    if not _seek(container, stream, min(0, stream.start_time or 0)):
        container.seek(0, backward=True)


def _seek(container: InputContainer, stream: Any, pts: int) -> bool:
    try:
        container.seek(pts, stream=stream, backward=True)
    except FFmpegError:
        return False
    return True


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> Any:
    raise MediaProblem("playlist", f"the file asks for another one: {url[:80]!r}")
