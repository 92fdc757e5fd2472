"""How long a source truly is, and when its pictures are shown: asked of the packets, never of a header."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from schemas.media.grid import nearest
from streams.media import sniff
from streams.media.pictures import packets_of
from streams.media.reasons import MediaProblem

LONGEST_S = 24 * 3600
SAMPLED_PACKETS = 120
SAMPLED_BYTES = 4_000_000
TAIL_S = 5
MISSING_S = Fraction(1, 2)
ABSURD_PICTURE_S = 60
ABSURD_FROM_S = 3600


def true_length_s(
    container: InputContainer, stream: VideoStream, origin: int, file: sniff.Readable
) -> Fraction:
    """From the first picture, at `origin`, to the end of the last; MediaProblem if that cannot be."""
    end_pts, last_pts, pictures = _true_end(container, stream, origin)
    tick_s = stream.time_base or Fraction(1)
    true_s = (end_pts - origin) * tick_s
    _check_length(true_s, pictures, stream, container, file)
    _check_last_picture((last_pts - origin) * tick_s, true_s, stream)
    return true_s


def sampled_times(container: InputContainer, stream: VideoStream) -> list[Fraction]:
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
