"""The frame grid: where segments and chunks begin and end. Pure; the same answer in every process.

Segments are counted in frames, never in seconds, so a rate such as 24000/1001 has exact cuts. The first
two seconds are a ramp (0.5, 0.5, 1 s) so that playback starts early; every later segment is two seconds.
A rest shorter than half a second joins the segment before it: no segment is too short to hold sound.
"""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from schemas.media.plan import AudioPlan, Plan, fps_of

RAMP_ENDS_S = (Fraction(1, 2), Fraction(1), Fraction(2))
SEGMENT_S = 2
SHORTEST_S = Fraction(1, 2)
SEGMENTS_PER_CHUNK = 2
AAC_FRAME_SAMPLES = 1024


class Span(NamedTuple):
    """A half-open range [start, end)."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def nearest(value: Fraction) -> int:
    """Round to the nearest integer, halves upwards (Python's round goes to even and would jitter cuts)."""
    return int((value + Fraction(1, 2)).__floor__())


def cuts_of(fps: Fraction, frame_count: int) -> list[int]:
    """First frame of every segment, then `frame_count`: segment i spans [cuts[i], cuts[i + 1])."""
    if fps <= 0 or frame_count < 1:
        raise ValueError(f"a grid needs fps > 0 and at least one frame, got {fps} and {frame_count}")
    step = max(1, nearest(SEGMENT_S * fps))
    last_start = frame_count - max(1, nearest(SHORTEST_S * fps))
    cuts = [0]
    for end_s in RAMP_ENDS_S:
        cut = nearest(end_s * fps)
        if cuts[-1] < cut <= last_start:
            cuts.append(cut)
    following = nearest(RAMP_ENDS_S[-1] * fps) + step
    cuts.extend(range(max(following, cuts[-1] + 1), last_start + 1, step))
    return [*cuts, frame_count]


def chunks_of(fps: Fraction, cuts: list[int]) -> list[Span]:
    """Segment range of every chunk: chunk 0 is the ramp, each later one up to two segments."""
    segment_count = len(cuts) - 1
    ramp = max(1, bisect_left(cuts, max(1, nearest(RAMP_ENDS_S[-1] * fps)), 0, segment_count))
    starts = [0, *range(ramp, segment_count, SEGMENTS_PER_CHUNK)]
    return [Span(a, b) for a, b in pairwise([*starts, segment_count])]


def timescale_of(fps: Fraction) -> int:
    """Units per second of video tracks; a frame is a whole number of them."""
    return fps.numerator * 512 if fps.denominator == 1 else fps.numerator


def frame_ticks(plan: Plan) -> int:
    """Units of the video timescale per frame."""
    ticks = Fraction(plan["timescale"]) / fps_of(plan)
    if ticks.denominator != 1:
        raise ValueError(f"timescale {plan['timescale']} holds no whole number of units per frame")
    return ticks.numerator


def plan_cuts(plan: Plan) -> list[int]:
    """`cuts_of` for a plan."""
    return cuts_of(fps_of(plan), plan["frame_count"])


def chunk_segments(plan: Plan, chunk_index: int) -> Span:
    """Segment numbers of a chunk; IndexError names the range there is."""
    chunks = chunks_of(fps_of(plan), plan_cuts(plan))
    if not 0 <= chunk_index < len(chunks):
        raise IndexError(f"no chunk {chunk_index}: this plan has chunks 0 to {len(chunks) - 1}")
    return chunks[chunk_index]


def video_durations(plan: Plan) -> list[int]:
    """Duration of every video segment in units of the plan's timescale."""
    ticks = frame_ticks(plan)
    return [(b - a) * ticks for a, b in pairwise(plan_cuts(plan))]


def audio_spans(plan: Plan) -> list[Span]:
    """AAC frames of every audio segment: those that begin within the time of the video segment."""
    audio, fps = plan["audio"], fps_of(plan)
    if audio["mode"] == "none":
        return []
    cuts = plan_cuts(plan)
    edges = [_first_frame_at(audio, Fraction(cut) / fps) for cut in cuts[:-1]]
    edges = [min(edge, audio["frame_count"]) for edge in edges]
    return [Span(a, b) for a, b in pairwise([*edges, audio["frame_count"]])]


def audio_durations(plan: Plan) -> list[int]:
    """Duration of every audio segment in samples."""
    return [span.length * AAC_FRAME_SAMPLES for span in audio_spans(plan)]


def audio_frames_covering(fps: Fraction, frame_count: int, sample_rate_hz: int, start_samples: int) -> int:
    """AAC frames that begin before the last picture ends."""
    end_samples = Fraction(frame_count) / fps * sample_rate_hz - start_samples
    return max(1, ceil(end_samples / AAC_FRAME_SAMPLES))


def duration_s(plan: Plan) -> Fraction:
    """Length of the film in seconds, exactly."""
    return Fraction(plan["frame_count"]) / fps_of(plan)


def _first_frame_at(audio: AudioPlan, at_s: Fraction) -> int:
    samples = at_s * audio["sample_rate_hz"] - audio["start_samples"]
    return max(0, ceil(samples / AAC_FRAME_SAMPLES))
