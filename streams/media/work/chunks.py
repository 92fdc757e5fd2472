"""ChunkRequested -> ChunkEncoded.

Segments are named by what they are made of, and the summary is written when all of them are there. So a
request that comes again finds the summary and reports without encoding, and one whose worker was killed in
the middle writes the same bytes to the same keys.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final, TypedDict

import orjson
import structlog

from schemas.media import objects as keys
from schemas.media.grid import plan_cuts
from schemas.media.plan import AUDIO_RENDITION, Plan
from schemas.media.storyboard import poster_rendition
from streams.core import metrics
from streams.core.objects import NoSuchObject
from streams.engine import Event, Out, Work
from streams.media.answers import ChunkResult, EncodedRendition
from streams.media.encoder_process import SourceUnreadable
from streams.media.encrypting import encrypted
from streams.media.reasons import MediaProblem
from streams.media.work.progress import Progress
from streams.media.work.protecting import content_keys
from streams.media.work.running import report
from streams.media.work.source import uploaded
from streams.media.work.tools import Objects, Tools

log = structlog.get_logger("kinolog.media.work")

PUTS_AT_ONCE: Final = 8


class Made(TypedDict):
    """What a chunk consists of, as its summary keeps it and its report says it."""

    renditions: list[dict[str, Any]]  # RenditionSegments of the schemas
    poster: dict[str, int] | None  # Poster of the schemas


async def encode_chunk(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Encode every rung and the sound of one chunk, store them, and say so."""
    tools: Tools = work.resources
    asset_id, profile_hash = event.data["asset_id"], event.data["plan"]["profile_hash"]
    summary = keys.summary_key(asset_id, profile_hash, event.data["chunk_index"])
    made = await _made_before(tools.objects, summary)
    if made is not None:
        return [_encoded(event, made, reused=True, encode_ms=0)]
    began = time.monotonic()
    result = await _encode(event, tools, progress)
    if event.data["plan"].get("protection") is not None:
        keys_of_film = await content_keys(asset_id, event.data["plan"], tools, progress)
        result = await asyncio.to_thread(
            encrypted, event.data["plan"], result, keys_of_film, allow_unconfined=tools.allow_unconfined
        )
    encode_ms = round((time.monotonic() - began) * 1000)
    made = _made(event.data["plan"], result)
    await _store(tools.objects, asset_id, profile_hash, result)
    # Last, and only now: whoever finds it may rely on every segment.
    await tools.objects.put(summary, orjson.dumps(made), keys.SUMMARY_TYPE)
    _count(made, event.data["plan"])
    return [_encoded(event, made, reused=False, encode_ms=encode_ms)]


async def _made_before(objects: Objects, summary: str) -> Made | None:
    try:
        found = await objects.get(summary)
    except NoSuchObject:
        return None
    try:
        summarised = orjson.loads(found)
        return Made(renditions=summarised["renditions"], poster=summarised.get("poster"))
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        log.warning("unreadable summary, encoding again", object_key=summary, error=str(error))
        return None


async def _encode(event: Event, tools: Tools, progress: Progress) -> ChunkResult:
    with uploaded(event.data["asset_id"], event.data["source"], tools) as source:
        try:
            return await tools.encoders.run_chunk(
                event.data["plan"],
                event.data["chunk_index"],
                source,
                priority=event.data["priority"],
                on_progress=progress,
            )
        except SourceUnreadable:
            if source.missing:
                raise MediaProblem("source_missing", source.missing) from None
            raise


async def _store(objects: Objects, asset_id: str, profile_hash: str, result: ChunkResult) -> None:
    """All segments, some at a time; of the first chunk the init segments (those of all are equal) and
    the poster too. Raises the first failure, as a single put does: an outage is to be known as one."""
    room = asyncio.Semaphore(PUTS_AT_ONCE)

    async def put(key: str, data: bytes, content_type: str) -> None:
        async with room:
            await objects.put(key, data, content_type)

    try:
        async with asyncio.TaskGroup() as group:
            for key, data, content_type in _objects_of(asset_id, profile_hash, result):
                group.create_task(put(key, data, content_type))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _objects_of(asset_id: str, profile_hash: str, result: ChunkResult) -> Iterator[tuple[str, bytes, str]]:
    """Key, content and type of each."""
    if result["poster"] is not None:
        yield keys.poster_key(asset_id, profile_hash), result["poster"], keys.PICTURE_TYPE
    for name, rendition in result["renditions"].items():
        if result["chunk_index"] == 0:
            yield keys.init_key(asset_id, profile_hash, name), rendition["init"], keys.INIT_TYPE
        for number, segment in enumerate(rendition["segments"], result["first_segment_number"]):
            yield keys.segment_key(asset_id, profile_hash, name, number), segment, keys.SEGMENT_TYPE


def _made(plan: Plan, result: ChunkResult) -> Made:
    rung = poster_rendition(plan)
    return Made(
        renditions=[_segments(r, result["first_segment_number"]) for r in result["renditions"].values()],
        poster=None if result["poster"] is None else {"width": rung["width"], "height": rung["height"]},
    )


def _segments(rendition: EncodedRendition, first: int) -> dict[str, Any]:
    return {
        "name": rendition["name"],
        "codecs": rendition["codecs"],
        "first_segment_number": first,
        "segment_sizes_bytes": [len(segment) for segment in rendition["segments"]],
    }


def _encoded(event: Event, made: Made, *, reused: bool, encode_ms: int) -> Out:
    return report(
        event,
        "ChunkEncoded",
        profile_hash=event.data["plan"]["profile_hash"],
        chunk_index=event.data["chunk_index"],
        **made,
        reused=reused,
        encode_ms=encode_ms,
    )


def _count(made: Made, plan: Plan) -> None:
    cuts = plan_cuts(plan)
    for segments in made["renditions"]:
        name, first, sizes = (
            segments["name"],
            segments["first_segment_number"],
            segments["segment_sizes_bytes"],
        )
        metrics.ENCODED_BYTES.labels(name).inc(sum(sizes))
        if name != AUDIO_RENDITION:
            metrics.ENCODED_FRAMES.labels(name).inc(cuts[first + len(sizes)] - cuts[first])
