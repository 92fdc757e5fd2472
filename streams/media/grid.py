"""The frame grid as the encoder names it; the arithmetic is shared and lives in `schemas.media.grid`."""

from schemas.media.grid import (
    AAC_FRAME_SAMPLES,
    Span,
    audio_frames_covering,
    audio_spans,
    chunk_segments,
    chunks_of,
    cuts_of,
    frame_ticks,
    nearest,
    plan_cuts,
    timescale_of,
)

__all__ = [
    "AAC_FRAME_SAMPLES",
    "Span",
    "audio_frames_covering",
    "audio_spans",
    "chunk_segments",
    "chunks_of",
    "cuts_of",
    "frame_ticks",
    "nearest",
    "plan_cuts",
    "timescale_of",
]
