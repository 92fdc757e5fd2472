"""Given/when/then for the media domain: events made of few words, and a story that folds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from schemas.event import Event
from schemas.media.grid import chunks_of, cuts_of
from schemas.media.plan import Plan
from streams.engine import Out
from streams.media.rules import decide

ASSET = "film-1"
HASH = "0123456789abcdef"
SOURCE = {"size_bytes": 20_000_000, "part_size_bytes": 8_388_608, "part_count": 3, "source_hash": "a" * 64}
INFO = {
    "container": "mov,mp4,m4a",
    "video_codec": "h264",
    "audio_codec": "aac",
    "width": 1280,
    "height": 720,
    "duration_ms": 10_000,
}


def plan_of(seconds: float = 10, fps: int = 24, rungs: tuple[str, ...] = ("360p", "720p")) -> Plan:
    """A plan as the probe makes it: 24 frames a second, sound at 48 kHz."""
    frame_count = round(seconds * fps)
    cuts = cuts_of(_fraction(fps), frame_count)
    heights = {name: int(name.removesuffix("p")) for name in rungs}
    return {
        "profile_version": 1,
        "profile_hash": HASH,
        "encoder_build": "test",
        "fps_num": fps,
        "fps_den": 1,
        "frame_count": frame_count,
        "timescale": fps * 512,
        "segment_count": len(cuts) - 1,
        "chunk_count": len(chunks_of(_fraction(fps), cuts)),
        "video_stream_index": 0,
        "video_origin_pts": 0,
        "rotation_deg": 0,
        "full_range": False,
        "transfer": "sdr",
        "deinterlace": False,
        "renditions": [
            {"name": n, "width": h * 16 // 9, "height": h, "max_kbps": h * 3} for n, h in heights.items()
        ],
        "audio": {
            "mode": "encode",
            "sample_rate_hz": 48_000,
            "channels": 2,
            "bitrate_kbps": 128,
            "stream_index": 1,
            "frame_count": -(-round(seconds * 48_000) // 1024),
            "start_samples": 0,
        },
        "protection": None,
    }


def _fraction(fps: int) -> Fraction:
    return Fraction(fps)


def segment_size(name: str, number: int) -> int:
    """Size in bytes of a made-up segment: different for each."""
    return 10_000 + 1_000 * len(name) + 37 * (number * number % 101)


def event(name: str, *, at_ms: int = 1_000_000, key: str = ASSET, **data: Any) -> Event:
    """One event of the media domain (or, with a dot in its name, of another) about the asset."""
    full = f"kinolog.{name}" if "." in name else f"kinolog.media.{name}"
    if not full.startswith("kinolog.engine."):
        data = {"asset_id": key, **data}
    return Event(type=full, key=key, data=data, id=f"{name}@{at_ms}", at_ms=at_ms)


def started(**more: Any) -> Event:
    return event(
        "UploadStarted", title="A film", file_name="film.mp4", declared_size_bytes=20_000_000, **more
    )


def completed(**more: Any) -> Event:
    return event("UploadCompleted", source=SOURCE, **more)


def probed(plan: Plan | None = None, **more: Any) -> Event:
    return event("SourceProbed", work_id=f"{ASSET}:probe", info=INFO, plan=plan or plan_of(), **more)


def encoded(index: int, plan: Plan | None = None, **more: Any) -> Event:
    """A worker's report on a chunk, with sizes that depend on rendition and segment alone."""
    plan = plan or plan_of()
    fps = _fraction(plan["fps_num"])
    span = chunks_of(fps, cuts_of(fps, plan["frame_count"]))[index]
    names = [r["name"] for r in plan["renditions"]] + ["audio"]
    renditions = [
        {
            "name": name,
            "codecs": "mp4a.40.2" if name == "audio" else f"avc1.{name}",
            "first_segment_number": span.start,
            "segment_sizes_bytes": [segment_size(name, n) for n in range(span.start, span.end)],
        }
        for name in names
    ]
    return event(
        "ChunkEncoded",
        **{
            "work_id": f"{ASSET}:{HASH}:chunk:{index}",
            "profile_hash": plan["profile_hash"],
            "chunk_index": index,
            "renditions": renditions,
            "reused": False,
            "encode_ms": 900,
            **more,
        },
    )


def failed(index: int, *, attempt: int = 1, retryable: bool = True, **more: Any) -> Event:
    made_by = {"work_id": f"{ASSET}:{HASH}:chunk:{index}", "profile_hash": HASH}
    return event(
        "ChunkFailed",
        chunk_index=index,
        attempt=attempt,
        code="internal",
        sentence="It did not work.",
        retryable=retryable,
        **{**made_by, **more},
    )


def work_failed(kind: str, *, attempt: int = 1, retryable: bool = True, **more: Any) -> Event:
    return event(
        "WorkFailed",
        kind=kind,
        attempt=attempt,
        code="internal",
        sentence="It did not work.",
        retryable=retryable,
        **{"work_id": f"{ASSET}:{kind}", **more},
    )


def storyboard_made(**more: Any) -> Event:
    numbers = dict.fromkeys(("sheet_count", "columns", "rows", "tile_count"), 1)
    sizes = {
        "tile_width": 160,
        "tile_height": 90,
        "interval_ms": 2000,
        "poster_width": 640,
        "poster_height": 360,
    }
    ids = {"work_id": f"{ASSET}:{HASH}:storyboard", "profile_hash": HASH}
    return event("StoryboardMade", **{**ids, **numbers, **sizes, **more})


def erased(attempt: int = 1, object_count: int = 7, **more: Any) -> Event:
    return event(
        "ObjectsErased", work_id=f"{ASSET}:erasure", attempt=attempt, object_count=object_count, **more
    )


def due(at_ms: int) -> Event:
    return event(
        "engine.TimerDue", at_ms=at_ms, timer_id=f"media.asset:{ASSET}", due_at_ms=at_ms, note="whatever"
    )


Decide = Callable[[Any, Event], tuple[Any, list[Out]]]


@dataclass
class Story:
    """Folds events; `outs` are those of the last one."""

    decide: Decide = decide
    state: Any = None
    outs: list[Out] = field(default_factory=list)

    def given(self, *events: Event) -> Story:
        for each in events:
            self.state, self.outs = self.decide(self.state, each)
        return self

    def when(self, each: Event) -> Story:
        return self.given(each)

    def then(self, *names: str) -> Story:
        """The last event led to exactly these, timers aside; chunk requests carry their index."""
        assert self.said() == list(names)
        return self

    def said(self) -> list[str]:
        return [_name(out) for out in self.outs if not out.topic.startswith("engine.timer")]

    def timers(self) -> list[Out]:
        return [out for out in self.outs if out.topic.startswith("engine.timer")]

    def data(self, name: str) -> dict[str, Any]:
        """The content of the one output of that name."""
        found = [out.data for out in self.outs if _name(out) == name]
        assert len(found) == 1, f"expected one {name}, found {self.said()}"
        return dict(found[0])


def _name(out: Out) -> str:
    name = out.type.rpartition(".")[2]
    return f"{name}#{out.data['chunk_index']}" if "chunk_index" in out.data else name
