"""What a confined child answers, held against what was asked before anybody believes it.

Once a decoder is taken over, whoever wrote the video writes these answers. Names become object keys, codecs
stand in manifests, and lengths become lists, so each is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypedDict, TypeVar, cast

from schemas.media.grid import chunk_segments
from schemas.media.plan import AUDIO_RENDITION, Plan
from streams.media.encoder_process import EncoderFailed
from streams.media.probe import LONGEST_SIDE_PX, Probe
from streams.media.probe_length import LONGEST_S
from streams.media.rates import FASTEST, SLOWEST

Answer = TypeVar("Answer")
CODECS: Final = re.compile(r"[A-Za-z0-9.]{1,40}")  # RFC 6381, one codec
LONGEST_NAME: Final = 100  # of a container or codec
JPEG_MAGIC: Final = b"\xff\xd8\xff"
LARGEST_POSTER_BYTES: Final = 8 << 20


class EncodedRendition(TypedDict):
    """One rendition of a chunk."""

    name: str
    codecs: str
    init: bytes
    segments: list[bytes]


class ChunkResult(TypedDict):
    """All rungs, and `audio` where there is sound, of one chunk."""

    chunk_index: int
    first_segment_number: int
    renditions: dict[str, EncodedRendition]
    poster: bytes | None  # a JPEG; of the first chunk only, where it shows anything
    timings: dict[str, float]


def chunk_result(plan: Plan, chunk_index: int, answer: dict[str, Any], blobs: Sequence[bytes]) -> ChunkResult:
    """Every rendition of the plan with every segment of the chunk; EncoderFailed for anything else."""
    return _believed("chunk", lambda: _chunk(plan, chunk_index, answer, blobs))


def _chunk(plan: Plan, chunk_index: int, answer: dict[str, Any], blobs: Sequence[bytes]) -> ChunkResult:
    span = chunk_segments(plan, chunk_index)
    wanted = {rendition["name"] for rendition in plan["renditions"]}
    if plan["audio"]["mode"] != "none":
        wanted.add(AUDIO_RENDITION)
    told = answer["renditions"]
    if len(told) != len(wanted) or {made["name"] for made in told} != wanted:
        raise ValueError("other renditions than the plan's")
    with_poster = answer["poster"] is True
    if with_poster and chunk_index != 0:
        raise ValueError("a poster of another chunk than the first")
    if len(blobs) != len(told) * (1 + span.length) + with_poster:
        raise ValueError(f"{len(blobs)} pieces")
    if with_poster and not (blobs[-1].startswith(JPEG_MAGIC) and len(blobs[-1]) <= LARGEST_POSTER_BYTES):
        raise ValueError("a poster that is no picture")
    renditions: dict[str, EncodedRendition] = {}
    pieces = iter(blobs)
    for made in told:
        if not CODECS.fullmatch(made["codecs"]):
            raise ValueError("codecs that are none")
        init, *segments = (next(pieces) for _ in range(1 + span.length))
        renditions[made["name"]] = {
            "name": made["name"],
            "codecs": made["codecs"],
            "init": init,
            "segments": segments,
        }
    return {
        "chunk_index": chunk_index,
        "first_segment_number": span.start,
        "renditions": renditions,
        "poster": blobs[-1] if with_poster else None,
        "timings": answer["timings"],
    }


def probe_result(answer: dict[str, Any]) -> Probe:
    """A probe within the limits that the examination itself keeps; EncoderFailed for anything else."""
    return _believed("probe", lambda: _probe(answer["probe"]))


def _probe(found: dict[str, Any]) -> Probe:
    for name in ("fps_num", "fps_den", "frame_count", "width", "height", "duration_ms"):
        if type(found[name]) is not int or found[name] < 1:
            raise ValueError(f"{name} is no whole number from 1")
    if not SLOWEST <= found["fps_num"] / found["fps_den"] <= FASTEST:
        raise ValueError("a rate beyond the grid's")
    if found["frame_count"] > (LONGEST_S + 1) * FASTEST or found["duration_ms"] > (LONGEST_S + 1) * 1000:
        raise ValueError("longer than any film")
    if type(found["interlaced"]) is not bool:
        raise ValueError("interlaced is neither true nor false")
    # Pixels that are not square stretch one side, by eight at the most.
    if max(found["width"], found["height"]) > 8 * LONGEST_SIDE_PX:
        raise ValueError("larger than any picture")
    for name in ("container", "video_codec", "transfer"):
        if len(found[name]) > LONGEST_NAME:
            raise ValueError(f"a {name} that is none")
    return cast(Probe, found)


def _believed(job: str, read: Callable[[], Answer]) -> Answer:
    try:
        return read()
    except (ValueError, KeyError, TypeError) as error:
        raise EncoderFailed(f"the answer to the {job} job is not one: {error!r}") from error
