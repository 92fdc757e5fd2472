"""Rules of rate: what is declared, measured on the bytes by the definitions of the two specifications."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from xml.etree import ElementTree

from tests.judges.report import Presentation, Problem, Rendition, Report, Segment

TOLERANCE = 0.10  # Apple's authoring rules: measured within 10 per cent of declared
MPD = "{urn:mpeg:dash:schema:mpd:2011}"


def bandwidth_problems(report: Report) -> list[Problem]:
    """Breaches in the declared rates of both formats; unreadable segments are left to the rules of time."""
    found: list[Problem] = []
    if report.hls is not None:
        found += _hls(report.hls)
    if report.dash is not None:
        found += _dash(report.dash)
    return found


def peak_bps(segments: Sequence[Segment], target_s: float) -> float:
    """RFC 8216: the largest rate of any run of segments lasting 0.5 to 1.5 target durations.

    A track too short to have such a run counts as a whole.
    """
    peak = 0.0
    for first in range(len(segments)):
        bits, length_s = 0, 0.0
        for segment in segments[first:]:
            bits, length_s = bits + segment.size_bytes * 8, length_s + segment.duration_s
            if length_s > 1.5 * target_s:
                break
            if length_s >= 0.5 * target_s:
                peak = max(peak, bits / length_s)
    return peak or average_bps(segments)


def average_bps(segments: Sequence[Segment]) -> float:
    length_s = sum(segment.duration_s for segment in segments)
    return sum(segment.size_bytes for segment in segments) * 8 / length_s if length_s else 0.0


def needed_bps(segments: Sequence[Segment], min_buffer_s: float) -> float:
    """ISO 23009-1: the smallest rate at which, after filling minBufferTime from any segment on, each later
    segment is there whole when its turn comes."""
    need = 0.0
    for first in range(len(segments)):
        run = segments[first:]
        starts = accumulate((segment.duration_s for segment in run), initial=0.0)
        bits = 0
        for segment, start_s in zip(run, starts, strict=False):
            bits += segment.size_bytes * 8
            need = max(need, bits / (min_buffer_s + start_s))
    return need


def _whole(rendition: Rendition) -> bool:
    return bool(rendition.segments) and all(segment.readable for segment in rendition.segments)


def _hls(presentation: Presentation) -> Iterator[Problem]:
    sounds = {
        group: each for each in presentation.of_kind("audio") for group in each.declared["audio_groups"]
    }
    for video in presentation.of_kind("video"):
        tracks = [video, *(sounds[group] for group in video.declared["audio_groups"] if group in sounds)]
        if not all(_whole(track) for track in tracks) or not video.target_duration_s:
            continue
        peak = sum(peak_bps(track.segments, track.target_duration_s or 0) for track in tracks)
        average = sum(average_bps(track.segments) for track in tracks)
        declared = {"bandwidth": peak, "average_bandwidth": average}
        for name, measured in declared.items():
            said = video.declared[name]
            if said is None:
                if name == "bandwidth" or video.ended:
                    yield Problem(f"hls.{name}", video.url, "is not declared")
            elif measured > said * (1 + TOLERANCE):
                yield Problem(f"hls.{name}", video.url, f"declared {said}, measured {measured:.0f} bit/s")
            elif video.ended and measured < said * (1 - TOLERANCE):
                text = f"declared {said}, measured only {measured:.0f} bit/s"
                yield Problem(f"hls.{name}", video.url, text)


def _dash(presentation: Presentation) -> Iterator[Problem]:
    if not presentation.source:
        return
    root = ElementTree.fromstring(presentation.source)  # noqa: S314 - served by the test itself
    min_buffer_s = iso_seconds(root.get("minBufferTime", "PT0S"))
    if min_buffer_s <= 0:
        yield Problem("dash.bandwidth", presentation.url, "minBufferTime is missing or zero")
        return
    for rendition in presentation.renditions:
        said = rendition.declared["bandwidth"]
        if not _whole(rendition):
            continue
        need = needed_bps(rendition.segments, min_buffer_s)
        if not said or need > said:
            where = f"{presentation.url} {rendition.name}"
            yield Problem("dash.bandwidth", where, f"declared {said}, playing needs {need:.0f} bit/s")


def iso_seconds(duration: str) -> float:
    """Seconds of an xs:duration without years, months or days, such as PT1H2M3.5S."""
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration of hours, minutes and seconds")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
