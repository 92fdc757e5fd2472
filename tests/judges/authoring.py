"""Apple's authoring rules for HLS, as far as they concern what this platform publishes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.judges.report import Presentation, Problem, Rendition, Report

KEY_FRAME_EVERY_S = 2.1  # "about every two seconds": a cut lies up to half a frame off
SIZE_TOLERANCE_PX = 0.5
RATE_TOLERANCE_FPS = 0.002
VIDEO_RANGES = {"SDR", "PQ", "HLG"}


def authoring_problems(report: Report) -> list[Problem]:
    """Breaches in the HLS presentation; segments that cannot be read are left to the rules of time."""
    if report.hls is None:
        return []
    found = list(_master(report.hls))
    for rendition in report.hls.renditions:
        found += _playlist(rendition)
    for video in report.hls.of_kind("video"):
        found += _video(video)
    return found


def _master(master: Presentation) -> Iterator[Problem]:
    if not master.source.startswith("#EXTM3U\n"):
        yield Problem("hls.header", master.url, "does not begin with #EXTM3U")
    if not master.independent_segments:
        yield Problem("hls.independent", master.url, "EXT-X-INDEPENDENT-SEGMENTS is missing")
    if (master.version or 0) < 6:
        yield Problem("hls.version", master.url, f"EXT-X-VERSION is {master.version}, EXT-X-MAP needs 6")
    for presentation in (master, *master.renditions):
        kind = (presentation.content_type or "").split(";")[0]
        if kind != "application/vnd.apple.mpegurl":
            yield Problem("hls.type", presentation.url, f"content type {kind!r}")
    sounds = master.of_kind("audio")
    groups = {group for sound in sounds for group in sound.declared["audio_groups"]}
    for video in master.of_kind("video"):
        if sounds and not groups & set(video.declared["audio_groups"]):
            yield Problem("hls.audio_group", video.url, "names no audio group, though there is sound")
    if sounds and not any(sound.declared["channels"] in ("1", "2", 1, 2) for sound in sounds):
        yield Problem("hls.stereo", master.url, 'no audio rendition declares CHANNELS="2" (or "1")')
    for codec in (codec for sound in sounds for init in sound.inits if (codec := init.codecs)):
        for video in master.of_kind("video"):
            if codec not in (video.declared["codecs"] or "").split(","):
                yield Problem("hls.codecs", video.url, f"CODECS lacks the sound's {codec}")


def _playlist(rendition: Rendition) -> Iterator[Problem]:
    if rendition.status != 200:
        return
    for segment in rendition.segments:
        # RFC 8216 4.3.3.1: rounded to the nearest integer; half a second rounds up.
        if int(segment.declared_duration_s + 0.5) > (rendition.target_duration_s or 0):
            text = (
                f"EXTINF {segment.declared_duration_s} exceeds TARGETDURATION {rendition.target_duration_s}"
            )
            yield Problem("hls.target_duration", f"{rendition.url} {segment.name}", text)
    if rendition.ended and rendition.playlist_type != "VOD":
        yield Problem("hls.playlist_type", rendition.url, "a finished film without EXT-X-PLAYLIST-TYPE:VOD")
    if not rendition.ended and rendition.playlist_type != "EVENT":
        yield Problem("hls.playlist_type", rendition.url, "a growing film without EXT-X-PLAYLIST-TYPE:EVENT")
    if rendition.discontinuities:
        yield Problem("hls.discontinuity", rendition.url, f"{rendition.discontinuities} discontinuities")
    if len({segment.url for segment in rendition.segments}) < len(rendition.segments):
        yield Problem("hls.repeated", rendition.url, "the same segment is listed twice")


def _video(video: Rendition) -> Iterator[Problem]:
    said = video.declared
    for name in ("codecs", "width", "frame_rate", "video_range"):
        if not said[name]:
            attribute = {"width": "RESOLUTION"}.get(name, name.upper().replace("_", "-"))
            yield Problem("hls.attribute", video.url, f"{attribute} is missing")
    if said["video_range"] and said["video_range"] not in VIDEO_RANGES:
        yield Problem("hls.attribute", video.url, f"VIDEO-RANGE is {said['video_range']}")
    for init in video.inits:
        yield from _declared_as_encoded(video, init.codecs, init.width, init.height)
    readable = [segment for segment in video.segments if segment.readable]
    for segment in readable:
        if not (segment.first_is_idr and segment.first_is_sync):
            yield Problem("hls.idr", segment.name, "does not start with an IDR picture")
    times = [time / (s.timescale or 1) for s in readable for time in s.idr_times]
    for before, after in pairwise(times):
        if after - before > KEY_FRAME_EVERY_S:
            text = f"no key frame between {before:.3f} and {after:.3f} s"
            yield Problem("hls.key_frames", video.url, text)
    frames, length_s = sum(s.sample_count for s in readable), sum(s.duration_s for s in readable)
    rate = said["frame_rate"]
    if rate and length_s and abs(frames / length_s - rate) > RATE_TOLERANCE_FPS:
        text = f"FRAME-RATE {rate}, measured {frames / length_s:.3f}"
        yield Problem("hls.frame_rate", video.url, text)


def _declared_as_encoded(
    video: Rendition, codecs: str | None, width: float | None, height: float | None
) -> Iterator[Problem]:
    said = video.declared
    if codecs and codecs not in (said["codecs"] or "").split(","):
        yield Problem("hls.codecs", video.url, f"CODECS {said['codecs']!r}, the init segment says {codecs}")
    for name, real in (("width", width), ("height", height)):
        if said[name] and real and abs(said[name] - real) > SIZE_TOLERANCE_PX:
            yield Problem("hls.resolution", video.url, f"{name} {said[name]}, the init segment says {real}")
