"""Rules of time: manifests declare what the segments hold, and the segments join without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.judges.report import Presentation, Problem, Rendition, Report, Segment

# A declared duration is a decimal of a ratio; half a millisecond is what three decimals can lose.
DURATION_TOLERANCE_S = 0.0006
# Declared starts in HLS are sums of declared durations, so they drift by the rounding; 10 ms is far below
# half a frame at 50 frames per second.
START_TOLERANCE_S = 0.010
# Sound begins and ends on its own grid of 1024 samples; more than 40 ms would be heard as out of step.
SOUND_TOLERANCE_S = 0.040


def timing_problems(report: Report) -> list[Problem]:
    """Every breach found in HLS and DASH, and between the two."""
    found: list[Problem] = []
    for presentation in report.presentations:
        found += _presentation(presentation)
    if report.hls is not None and report.dash is not None:
        found += _between(report.hls, report.dash)
    return found


def _presentation(presentation: Presentation) -> Iterator[Problem]:
    if presentation.status != 200:
        yield Problem("manifest.status", presentation.url, f"answered {presentation.status}, expected 200")
    for word in presentation.said:
        yield Problem("manifest.syntax", presentation.url, word)
    if not presentation.of_kind("video"):
        yield Problem("manifest.empty", presentation.url, "declares no video rendition")
    for rendition in presentation.renditions:
        yield from _rendition(rendition)
    yield from _together(presentation)


def _rendition(rendition: Rendition) -> Iterator[Problem]:
    where = f"{rendition.url} {rendition.name}"
    if rendition.status != 200:
        yield Problem("playlist.status", where, f"answered {rendition.status}, expected 200")
    elif not rendition.segments:
        yield Problem("playlist.empty", where, "declares no segment")
    for init in rendition.inits:
        if init.status != 200:
            yield Problem("init.status", init.url, f"answered {init.status}, expected 200")
    for segment in rendition.segments:
        yield from _segment(segment)
    for before, after in pairwise(rendition.segments):
        yield from _join(before, after)
    if rendition.second_opinion:
        yield from _second_opinion(rendition, where)


def _segment(segment: Segment) -> Iterator[Problem]:
    if segment.status != 200:
        yield Problem("segment.status", segment.name, f"answered {segment.status}, expected 200")
    for fault in segment.faults:
        yield Problem("segment.boxes", segment.name, fault)
    if not segment.readable:
        return
    if abs(segment.declared_duration_s - segment.duration_s) > DURATION_TOLERANCE_S:
        yield Problem(
            "segment.duration",
            segment.name,
            f"declared {segment.declared_duration_s:.6f} s, its samples last {segment.duration_s:.6f} s",
        )
    if abs(segment.declared_start_s - segment.start_s) > START_TOLERANCE_S:
        yield Problem(
            "segment.start",
            segment.name,
            f"declared to start at {segment.declared_start_s:.6f} s, starts at {segment.start_s:.6f} s",
        )


def _join(before: Segment, after: Segment) -> Iterator[Problem]:
    if not (before.readable and after.readable):
        return
    end = (before.tfdt or 0) + (before.duration or 0)
    if after.tfdt != end:
        yield Problem(
            "segment.gap",
            after.name,
            f"decode time {after.tfdt}, but {before.name} ends at {end} (timescale {after.timescale})",
        )


def _second_opinion(rendition: Rendition, where: str) -> Iterator[Problem]:
    """m3u8-parser must have read the same playlist as hls-parser."""
    other = rendition.second_opinion
    for word in other["said"]:
        yield Problem("manifest.syntax", where, word)
    ours = [segment.declared_duration_s for segment in rendition.segments]
    if other["durations_s"] != ours or other["target_duration_s"] != rendition.target_duration_s:
        yield Problem("manifest.ambiguous", where, "two parsers read different durations from this playlist")
    if other["ended"] != rendition.ended:
        yield Problem("manifest.ambiguous", where, "two parsers disagree whether this playlist has ended")


def _together(presentation: Presentation) -> Iterator[Problem]:
    """Renditions of one presentation share their cuts; sound begins and ends with the pictures."""
    videos, sounds = presentation.of_kind("video"), presentation.of_kind("audio")
    cuts = {
        rendition.name: [(segment.start_s, segment.duration_s) for segment in rendition.segments]
        for rendition in videos
        if all(segment.readable for segment in rendition.segments)
    }
    if len({tuple(each) for each in cuts.values()}) > 1:
        yield Problem("renditions.aligned", presentation.url, f"segments differ among {', '.join(cuts)}")
    if not videos or not videos[0].segments:
        return
    film = videos[0].segments
    for sound in sounds:
        if not sound.segments:
            continue
        for what, ours, theirs in (
            ("starts", sound.segments[0].start_s, film[0].start_s),
            ("ends", sound.segments[-1].end_s, film[-1].end_s),
        ):
            if abs(ours - theirs) > SOUND_TOLERANCE_S:
                text = f"sound {what} at {ours:.3f} s, pictures at {theirs:.3f} s"
                yield Problem("sound.aligned", f"{presentation.url} {sound.name}", text)
        if sound.segments[0].presentation_start and sound.segments[0].presentation_start < 0:
            yield Problem("sound.priming", sound.segments[0].name, "the first sound lies before time 0")
    if (
        presentation.duration_s is not None
        and abs(presentation.duration_s - film[-1].end_s) > START_TOLERANCE_S
    ):
        text = f"declares {presentation.duration_s:.3f} s, the pictures end at {film[-1].end_s:.3f} s"
        yield Problem("manifest.duration", presentation.url, text)


def _between(hls: Presentation, dash: Presentation) -> Iterator[Problem]:
    """Both formats lead to the same bytes."""

    def tracks(presentation: Presentation) -> set[tuple[str, ...]]:
        return {tuple(segment.url for segment in rendition.segments) for rendition in presentation.renditions}

    if tracks(hls) != tracks(dash):
        only = len(tracks(hls) ^ tracks(dash))
        yield Problem("formats.same", dash.url, f"{only} tracks are not the same segments in HLS and DASH")
