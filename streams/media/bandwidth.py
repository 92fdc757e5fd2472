"""Measured rates of a rendition, added up chunk by chunk in any order. Pure.

HLS declares the highest rate of any run of segments that lasts 0.5 to 1.5 target durations. Away from the
ends every segment lasts a whole target duration, and a run of several is never faster than its fastest
member; only the ramp at the head and the rest at the tail hold segments too short to count alone. So the
highest single rate and the sizes at both ends are all that has to be kept, however long the film is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from schemas.media.grid import audio_durations, video_durations
from schemas.media.plan import AUDIO_RENDITION, Plan
from streams.media.life import Measured

HEAD: Final = 4  # the ramp and the segment after it
TAIL: Final = 3


def added(so_far: Measured | None, segments: Mapping[str, Any], plan: Plan) -> Measured:
    """`so_far` and one chunk's RenditionSegments; give each chunk once, in any order."""
    durations = segment_durations_s(plan, segments["name"])
    shortest_s, _ = run_limits_s(plan)
    first, sizes = segments["first_segment_number"], segments["segment_sizes_bytes"]
    old = so_far or Measured(codecs=segments["codecs"], size_bytes=0, peak_bps=0, edges={})
    peak_bps, edges = old["peak_bps"], dict(old["edges"])
    for number, size in enumerate(sizes, first):
        if durations[number] >= shortest_s:
            peak_bps = max(peak_bps, _bps(size, durations[number]))
        if number < HEAD or number >= len(durations) - TAIL:
            edges[str(number)] = size
    return Measured(
        codecs=old["codecs"], size_bytes=old["size_bytes"] + sum(sizes), peak_bps=peak_bps, edges=edges
    )


def measured_renditions(measured: Mapping[str, Measured], plan: Plan) -> list[dict[str, Any]]:
    """The MeasuredRenditions, lowest rung first, the sound last, once every chunk has been added."""
    names = [r["name"] for r in plan["renditions"]] + [AUDIO_RENDITION]
    return [measured_rendition(name, measured[name], plan) for name in names if name in measured]


def measured_rendition(name: str, whole: Measured, plan: Plan) -> dict[str, Any]:
    """The MeasuredRendition of the schemas, once every chunk has been added."""
    durations = segment_durations_s(plan, name)
    count = len(durations)
    average_bps = _bps(whole["size_bytes"], sum(durations))
    peak_bps = max(whole["peak_bps"], average_bps)
    for numbers in (range(min(HEAD, count)), range(max(0, count - TAIL), count)):
        sizes = [whole["edges"].get(str(number), 0) for number in numbers]
        peak_bps = max(peak_bps, peak_of_runs(sizes, [durations[n] for n in numbers], *run_limits_s(plan)))
    return {
        "name": name,
        "codecs": whole["codecs"],
        "peak_bps": peak_bps,
        "average_bps": average_bps,
        "total_size_bytes": whole["size_bytes"],
    }


def peak_of_runs(
    sizes_bytes: Sequence[int], durations_s: Sequence[float], shortest_s: float, longest_s: float
) -> int:
    """Highest bits per second of any run of neighbours within these lengths; 0 if there is none."""
    peak_bps = 0
    for start in range(len(sizes_bytes)):
        size, length_s = 0, 0.0
        for i in range(start, len(sizes_bytes)):
            size, length_s = size + sizes_bytes[i], length_s + durations_s[i]
            if length_s > longest_s:
                break
            if length_s >= shortest_s:
                peak_bps = max(peak_bps, _bps(size, length_s))
    return peak_bps


def segment_durations_s(plan: Plan, rendition: str) -> tuple[float, ...]:
    """Length of every segment of a rung, or of `audio`, in seconds."""
    audio = plan["audio"] if rendition == AUDIO_RENDITION else None
    sound = tuple(sorted(audio.items())) if audio else ()
    return _durations_s(plan["fps_num"], plan["fps_den"], plan["frame_count"], plan["timescale"], sound)


def run_limits_s(plan: Plan) -> tuple[float, float]:
    """Shortest and longest run of segments that counts for the peak, in seconds."""
    longest_s = max(segment_durations_s(plan, plan["renditions"][0]["name"]))
    target_s = max(1, int(longest_s + 0.5))  # HLS rounds segments to whole seconds
    slack_s = plan["fps_den"] / plan["fps_num"]  # a cut lies up to half a frame off its second at either end
    return target_s / 2 - slack_s, target_s * 3 / 2 + slack_s


@lru_cache(maxsize=128)  # a few milliseconds for a long film, and asked for with each of its chunks
def _durations_s(
    fps_num: int, fps_den: int, frame_count: int, timescale: int, sound: tuple[tuple[str, Any], ...]
) -> tuple[float, ...]:
    grid = {"fps_num": fps_num, "fps_den": fps_den, "frame_count": frame_count, "timescale": timescale}
    plan = cast("Plan", {**grid, "audio": dict(sound)})
    if sound:
        return tuple(samples / plan["audio"]["sample_rate_hz"] for samples in audio_durations(plan))
    return tuple(ticks / timescale for ticks in video_durations(plan))


def _bps(size_bytes: int, length_s: float) -> int:
    return round(size_bytes * 8 / length_s) if length_s > 0 else 0
