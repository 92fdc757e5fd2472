"""The plan of an encoding as encoder, deciders and manifest writers read it.

It mirrors the record `Plan` of the events; every number a segment depends on stands in it, so that any
process on any machine makes the same bytes from the same plan and source.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypedDict

AudioMode = Literal["none", "copy", "encode"]
Transfer = Literal["sdr", "pq", "hlg"]

AUDIO_RENDITION = "audio"


class Rendition(TypedDict):
    """One rung of the ladder: even sizes in square pixels, upright."""

    name: str
    width: int
    height: int
    max_kbps: int


class AudioPlan(TypedDict):
    """What becomes of the sound; with mode `none` every number is 0 and `stream_index` is -1."""

    mode: str
    sample_rate_hz: int
    channels: int
    bitrate_kbps: int
    stream_index: int
    frame_count: int
    start_samples: int


class Plan(TypedDict):
    """All that is needed to encode any part of a film."""

    profile_version: int
    profile_hash: str
    encoder_build: str
    fps_num: int
    fps_den: int
    frame_count: int
    timescale: int
    segment_count: int
    chunk_count: int
    video_stream_index: int
    video_origin_pts: int
    rotation_deg: int
    full_range: bool
    transfer: str
    deinterlace: bool
    renditions: list[Rendition]
    audio: AudioPlan


def fps_of(plan: Plan) -> Fraction:
    """Frames per second of the output."""
    return Fraction(plan["fps_num"], plan["fps_den"])


def rendition_named(plan: Plan, name: str) -> Rendition:
    """The rung of that name; KeyError names those there are."""
    for rendition in plan["renditions"]:
        if rendition["name"] == name:
            return rendition
    known = ", ".join(r["name"] for r in plan["renditions"])
    raise KeyError(f"no rendition {name!r} in this plan; it has {known}")
