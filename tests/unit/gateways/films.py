"""A film in the world of the tests: planned, encoded chunk by chunk, ready; by the events of its workers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from schemas.media.grid import (
    audio_frames_covering,
    chunk_segments,
    chunks_of,
    cuts_of,
    timescale_of,
)
from schemas.media.plan import Plan
from tests.unit.gateways.fakes import MemoryObjects
from tests.unit.gateways.world import World

PROFILE = "abcdef0123456789"
FPS = Fraction(25)
REQUESTS = "media.asset.requests"


def plan_of(frames: int = 250) -> Plan:
    """Ten seconds at 25 frames: seven segments in four chunks, two rungs and sound."""
    cuts = cuts_of(FPS, frames)
    return {
        "profile_version": 1,
        "profile_hash": PROFILE,
        "encoder_build": "test",
        "fps_num": 25,
        "fps_den": 1,
        "frame_count": frames,
        "timescale": timescale_of(FPS),
        "segment_count": len(cuts) - 1,
        "chunk_count": len(chunks_of(FPS, cuts)),
        "video_stream_index": 0,
        "video_origin_pts": 0,
        "rotation_deg": 0,
        "full_range": False,
        "transfer": "sdr",
        "deinterlace": False,
        "renditions": [
            {"name": "360p", "width": 640, "height": 360, "max_kbps": 800},
            {"name": "720p", "width": 1280, "height": 720, "max_kbps": 2800},
        ],
        "audio": {
            "mode": "encode",
            "sample_rate_hz": 48000,
            "channels": 2,
            "bitrate_kbps": 128,
            "stream_index": 1,
            "frame_count": audio_frames_covering(FPS, frames, 48000, 0),
            "start_samples": 0,
        },
    }


class Film:
    """Reports of the workers for one asset; objects land in the store as they would."""

    def __init__(self, world: World, objects: MemoryObjects, asset_id: str) -> None:
        self.world, self.objects, self.asset_id = world, objects, asset_id
        self.plan = plan_of()

    async def report(self, name: str, **data: Any) -> None:
        """A request of a worker to the asset's decider."""
        full = {"asset_id": self.asset_id, **data}
        await self.world.publish(REQUESTS, self.asset_id, f"kinolog.media.{name}", full)

    async def probed(self) -> None:
        info = {
            "container": "mov,mp4", "video_codec": "h264", "audio_codec": "aac", "width": 1280, "height": 720,
            "duration_ms": self.plan["frame_count"] * 40,
        }  # fmt: skip
        await self.report("SourceProbed", work_id="w", info=info, plan=self.plan)

    async def encoded(self, chunk: int, *, poster: bool = False) -> None:
        span = chunk_segments(self.plan, chunk)
        folder = f"assets/{self.asset_id}/{PROFILE}"
        renditions = []
        for name in ("360p", "720p", "audio"):
            self.objects.objects.setdefault(f"{folder}/{name}/init.mp4", f"init {name}".encode())
            for number in range(span.start, span.end):
                self.objects.objects[f"{folder}/{name}/{number}.m4s"] = f"{name} {number} ".encode() * 100
            if poster:
                self.objects.objects[f"{folder}/poster.jpg"] = b"\xff\xd8 poster"
            codecs = "mp4a.40.2" if name == "audio" else "avc1.64001f"
            renditions.append(
                {
                    "name": name,
                    "codecs": codecs,
                    "first_segment_number": span.start,
                    "segment_sizes_bytes": [800] * (span.end - span.start),
                }
            )
        await self.report(
            "ChunkEncoded", work_id="w", profile_hash=PROFILE, chunk_index=chunk, renditions=renditions,
            reused=False, encode_ms=1, poster={"width": 1280, "height": 720} if poster else None,
        )  # fmt: skip

    async def storyboard(self) -> None:
        folder = f"assets/{self.asset_id}/{PROFILE}"
        self.objects.objects[f"{folder}/poster.jpg"] = b"\xff\xd8 poster"
        self.objects.objects[f"{folder}/storyboard/0.jpg"] = b"\xff\xd8 sheet"
        await self.report(
            "StoryboardMade", work_id="w", profile_hash=PROFILE, sheet_count=1, columns=5, rows=5,
            tile_width=160, tile_height=90, tile_count=5, interval_ms=2000, poster_width=1280,
            poster_height=720,
        )  # fmt: skip

    async def ready(self) -> None:
        """From probed to the storyboard."""
        await self.probed()
        for chunk in range(self.plan["chunk_count"]):
            await self.encoded(chunk)
        await self.storyboard()
