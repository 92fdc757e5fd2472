"""What a confined child can do: probe, encode a chunk, make storyboard sheets or a poster.

A job gets a block cache over its source and gives a JSON-like answer and blobs. Demuxers and decoders
stay open between jobs on the same source, so the next chunk of a film begins where the last one ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from schemas.media.grid import chunk_segments, plan_cuts
from schemas.media.plan import AUDIO_RENDITION, Plan, fps_of
from streams.media.encode_audio import encode_sound
from streams.media.encode_video import Track, encode_pictures
from streams.media.pictures import GridDecoder
from streams.media.poster import PosterPicker
from streams.media.probe import open_source, probe
from streams.media.sound import SoundReader
from streams.media.source import BlockCache, RangeFile
from streams.media.storyboard import make_poster, make_sheets

Answer = tuple[dict[str, Any], list[bytes]]
Report = Callable[[int], None]
DECODER_THREADS = 2


class OpenSource:
    """The source a child works on, with its open decoders. One at a time is kept: memory stays bounded."""

    def __init__(self, key: str, cache: BlockCache) -> None:
        self.key = key
        self.cache = cache
        self._pictures: GridDecoder | None = None
        self._sound: SoundReader | None = None
        self._plan_hash = ""

    def close(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
        if self._sound is not None:
            self._sound.close()
        self._pictures = self._sound = None

    def probe(self) -> dict[str, Any]:
        return dict(probe(RangeFile(self.cache)))

    def pictures(self, plan: Plan) -> GridDecoder:
        self._for(plan)
        if self._pictures is None:
            container = open_source(RangeFile(self.cache))
            self._pictures = GridDecoder(
                container,
                plan["video_stream_index"],
                plan["video_origin_pts"],
                fps_of(plan),
                DECODER_THREADS,
                deinterlace=plan["deinterlace"],
            )
        return self._pictures

    def sound(self, plan: Plan) -> SoundReader:
        self._for(plan)
        if self._sound is None:
            tick_s = self.pictures(plan).stream.time_base or Fraction(1)
            container = open_source(RangeFile(self.cache))
            self._sound = SoundReader(
                container, plan["audio"]["stream_index"], plan["video_origin_pts"] * tick_s
            )
        return self._sound

    def _for(self, plan: Plan) -> None:
        if plan["profile_hash"] != self._plan_hash:
            self.close()
            self._plan_hash = plan["profile_hash"]


def run(name: str, arguments: dict[str, Any], source: OpenSource, report: Report) -> Answer:
    """Do a job by name. Raises MediaProblem for what the source is to blame for."""
    if name == "probe":
        return {"probe": source.probe()}, []
    if name == "chunk":
        return _chunk(arguments["plan"], arguments["chunk_index"], arguments["urgent"], source, report)
    if name == "sheets":
        made = make_sheets(arguments["plan"], RangeFile(source.cache), arguments["key"])
        return {"poster_segment": made.poster_segment}, made.sheets
    if name == "poster":
        return {}, [make_poster(RangeFile(source.cache), arguments["key"])]
    raise ValueError(f"unknown job {name!r}; expected probe, chunk, sheets or poster")


def _chunk(plan: Plan, chunk_index: int, urgent: bool, source: OpenSource, report: Report) -> Answer:
    """All rungs and the sound of one chunk. Blobs: per rendition its init segment, then its segments;
    with the first chunk the poster, if `poster` says so."""
    began, cpu = time.monotonic(), time.process_time()
    segments = chunk_segments(plan, chunk_index)
    cuts = plan_cuts(plan)
    frames = cuts[segments.end] - cuts[segments.start]
    tracks: dict[str, Track] = {}
    if plan["audio"]["mode"] != "none":
        tracks[AUDIO_RENDITION] = encode_sound(plan, segments, source.sound(plan))
    decoder = source.pictures(plan)
    decoded = decoder.decoded
    picker = PosterPicker(plan)
    pictures = encode_pictures(
        plan,
        segments,
        decoder,
        side_by_side=urgent,
        on_frame=lambda done: report(done * 100 // frames),
        look=picker if chunk_index == 0 else lambda slot, pictures: None,
    )
    tracks.update(pictures)
    poster = picker.poster()
    answer = {
        "chunk_index": chunk_index,
        "first_segment_number": segments.start,
        "frames": frames,
        "renditions": [
            {"name": name, "codecs": track.codecs, "segments": len(track.segments)}
            for name, track in tracks.items()
        ],
        "poster": poster is not None,
        "timings": {
            "wall_s": time.monotonic() - began,
            "cpu_s": time.process_time() - cpu,
            "decoded_frames": decoder.decoded - decoded,
            "process": os.getpid(),
        },
    }
    blobs = [blob for track in tracks.values() for blob in (track.init, *track.segments)]
    return answer, blobs if poster is None else [*blobs, poster]
