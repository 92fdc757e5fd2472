"""Choosing the sound track and what becomes of it: none, copy or encode."""

from __future__ import annotations

from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from schemas.media.grid import AAC_FRAME_SAMPLES, audio_frames_covering, nearest
from schemas.media.plan import AudioPlan

KEPT_RATES_HZ = (44_100, 48_000)
USUAL_RATE_HZ = 48_000
KBPS = {1: 96, 2: 128}
COPY_UP_TO_KBPS = 330
COPY_MAY_END_EARLY_S = Fraction(35, 1000)
SIDE_TRACKS = (
    Disposition.visual_impaired
    | Disposition.hearing_impaired
    | Disposition.comment
    | Disposition.descriptions
)
SILENT: AudioPlan = {
    "mode": "none",
    "sample_rate_hz": 0,
    "channels": 0,
    "bitrate_kbps": 0,
    "stream_index": -1,
    "frame_count": 0,
    "start_samples": 0,
}


def examine(
    container: InputContainer, origin_s: Fraction, fps: Fraction, frame_count: int
) -> tuple[AudioPlan, str | None]:
    """The plan for the sound of a film whose pictures begin at `origin_s`, and the source's codec."""
    track = _main_track(container)
    if track is None:
        return SILENT, None
    codec = track.codec_context.name
    copied = _copy_plan(container, track, origin_s, fps, frame_count)
    if copied is not None:
        return copied, codec
    channels = 1 if track.codec_context.channels == 1 else 2
    rate = track.codec_context.sample_rate
    rate = rate if rate in KEPT_RATES_HZ else USUAL_RATE_HZ
    return {
        "mode": "encode",
        "sample_rate_hz": rate,
        "channels": channels,
        "bitrate_kbps": KBPS[channels],
        "stream_index": track.index,
        "frame_count": audio_frames_covering(fps, frame_count, rate, 0),
        "start_samples": 0,
    }, codec


def _main_track(container: InputContainer) -> AudioStream | None:
    """The default track that is decodable, else the first; commentary and the like come last."""
    usable = [
        track
        for track in container.streams.audio
        if track.codec_context and track.codec_context.sample_rate > 0
    ]
    return max(
        usable,
        key=lambda t: (not t.disposition & SIDE_TRACKS, bool(t.disposition & Disposition.default), -t.index),
        default=None,
    )


def _copy_plan(
    container: InputContainer, track: AudioStream, origin_s: Fraction, fps: Fraction, frame_count: int
) -> AudioPlan | None:
    """A plan that passes packets through, where they lie without a gap on a grid that covers the film.

    Only MP4's index tells that without reading the file; other containers are encoded.
    """
    context, index, tick_s = track.codec_context, track.index_entries, track.time_base
    if context.name != "aac" or context.profile != "LC" or context.channels not in (1, 2) or tick_s is None:
        return None
    rate = context.sample_rate
    if "mp4" not in container.format.name or len(index) != track.frames or len(index) < 2:
        return None
    if not 8000 <= rate <= 48_000 or not 0 < (track.bit_rate or 0) <= COPY_UP_TO_KBPS * 1000:
        return None
    starts = [(index[i].timestamp * tick_s - origin_s) * rate for i in (0, len(index) // 2, len(index) - 1)]
    steps = (0, len(index) // 2, len(index) - 1)
    if any(
        abs(at - starts[0] - step * AAC_FRAME_SAMPLES) > 1 for at, step in zip(starts, steps, strict=True)
    ):
        return None
    first = nearest(starts[0])
    start_samples = first % AAC_FRAME_SAMPLES
    if first > AAC_FRAME_SAMPLES:
        return None
    there = len(index) + (first - start_samples) // AAC_FRAME_SAMPLES
    wanted = audio_frames_covering(fps, frame_count, rate, start_samples)
    if (wanted - there) * Fraction(AAC_FRAME_SAMPLES, rate) > COPY_MAY_END_EARLY_S:
        return None
    return {
        "mode": "copy",
        "sample_rate_hz": rate,
        "channels": context.channels,
        "bitrate_kbps": nearest(Fraction(track.bit_rate or 0, 1000)),
        "stream_index": track.index,
        "frame_count": min(wanted, there),
        "start_samples": start_samples,
    }
