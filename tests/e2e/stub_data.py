"""Sample assets and log entries as the HTTP API gives them."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

Json = dict[str, Any]

RUNGS = [
    {"name": "360p", "width": 640, "height": 360, "bandwidth": 780_000},
    {"name": "480p", "width": 854, "height": 480, "bandwidth": 1_450_000},
    {"name": "720p", "width": 1280, "height": 720, "bandwidth": 2_900_000},
    {"name": "1080p", "width": 1920, "height": 1080, "bandwidth": 5_300_000},
]


PLAYABLE = {"playable", "ready"}


def now_ms() -> int:
    return int(time.time() * 1000)


def asset(
    title: str, state: str = "ready", *, age_s: float = 3600, duration_s: float = 596, **more: Any
) -> Json:
    """One asset as `GET /v1/assets/{id}` shows it."""
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{title}-{state}"))
    base = f"/v1/assets/{identity}"
    known = state in {"processing", "playable", "ready"}
    done, total = {"playable": (4, 12), "processing": (0, 12), "ready": (12, 12)}.get(state, (0, 0))
    document: Json = {
        "id": identity,
        "title": title,
        "owner_id": None,
        "visibility": "private",
        "state": state,
        "created_at_ms": now_ms() - int(age_s * 1000),
        "updated_at_ms": now_ms() - int(age_s * 500),
        "duration_ms": int(duration_s * 1000) if known else 0,
        "size_bytes": int(duration_s * 1_150_000),
        "width": 1920 if known else 0,
        "height": 1080 if known else 0,
        "renditions": RUNGS if known else [],
        "progress": {
            "percent": 100 * done / total if total else 0,
            "chunks_done": done,
            "chunks_total": total,
        },
        "failure": None,
        "links": {
            "self": base,
            "events": f"{base}/events",
            "log": f"{base}/log",
            "hls": f"{base}/hls/master.m3u8",
            "dash": f"{base}/dash/manifest.mpd",
            "hls_clearkey": f"{base}/hls-clearkey/master.m3u8",
            "dash_clearkey": f"{base}/dash-clearkey/manifest.mpd",
            "poster": f"{base}/poster.jpg",
            "storyboard": f"{base}/storyboard.vtt" if state in PLAYABLE else None,
            "watch": f"/watch/{identity}",
        },
    }
    return document | more


def failure(code: str, sentence: str) -> Json:
    return {"code": code, "sentence": sentence}


def library(count: int = 14) -> list[Json]:
    """A library in every state, newest first."""
    titles = [
        "Harbour at first light",
        "Interview with the lighthouse keeper, unedited second take with room tone",
        "Glacier crossing",
        "City in the rain",
        "Workshop: tuning a piano",
        "Night train",
        "The beekeepers",
        "Open sea, day 3",
        "Rehearsal",
        "Desert, wide",
        "Old quarter",
        "Forest floor, macro",
        "Launch event",
        "Titles",
    ]
    broken = failure(
        "not_a_video",
        "This file is not a video. Choose an MP4, MOV, MKV, WebM or AVI file and upload it again.",
    )
    states: list[tuple[str, Json]] = [
        ("playable", {}),
        ("processing", {}),
        ("uploaded", {}),
        ("failed", {"failure": broken}),
    ]
    items = []
    for index in range(count):
        state, more = states[index] if index < len(states) else ("ready", {})
        title = titles[index % len(titles)] + ("" if index < len(titles) else f" {index}")
        items.append(
            asset(
                title,
                state,
                age_s=40 * 3.1**index if index < 9 else 9e5 + index * 4e4,
                duration_s=34 + index * 97 % 700,
                **more,
            )
        )
    return items


class LogWriter:
    """Builds entries of one asset's log, with ids, offsets and causes as the real ones have."""

    def __init__(self, asset_id: str, start_ms: int | None = None) -> None:
        self.asset_id = asset_id
        self.at_ms = start_ms if start_ms is not None else now_ms() - 60_000
        self.trace = hashlib.sha256(asset_id.encode()).hexdigest()[:32]
        self.entries: list[Json] = []

    def add(
        self,
        name: str,
        data: Json | None = None,
        *,
        cause: str | None = None,
        after_ms: int = 5,
        topic: str = "media.asset.events",
        source: str = "media.asset",
    ) -> Json:
        self.at_ms += after_ms
        number = len(self.entries)
        entry: Json = {
            "id": hashlib.sha256(f"{self.asset_id}/{number}".encode()).hexdigest()[:32],
            "type": name if "." in name else f"kinolog.media.{name}",
            "topic": topic,
            "partition": 7,
            "offset": 41 + number,
            "key": self.asset_id,
            "at_ms": self.at_ms,
            "source": source,
            "causation_id": cause,
            "trace_id": self.trace,
            "data": {"asset_id": self.asset_id, **(data or {})},
        }
        self.entries.append(entry)
        return entry


def log_of(asset_id: str, chunks: int = 6) -> list[Json]:
    """The whole life of a small film on the log, from the upload to ready."""
    log = LogWriter(asset_id)
    requests = {"topic": "media.asset.requests", "source": "gateway.streaming"}
    work = {"topic": "media.work.requests", "source": "media.asset"}
    facts = {"topic": "media.work.events", "source": "media.encode"}
    started = log.add(
        "UploadStarted", {"title": "Harbour at first light", "file_name": "harbour.mp4"}, **requests
    )
    log.add("AssetCreated", {"title": "Harbour at first light"}, cause=started["id"])
    done = log.add(
        "UploadCompleted", {"source": {"size_bytes": 22_700_112, "parts": 3}}, after_ms=840, **requests
    )
    uploaded = log.add("AssetUploaded", {"source": {"size_bytes": 22_700_112}}, cause=done["id"])
    probe = log.add(
        "ProbeRequested", {"work_id": "probe-1", "attempt": 1}, cause=done["id"], after_ms=0, **work
    )
    log.add("WorkLeased", {"work_id": "probe-1", "kind": "probe", "worker": "w1"}, cause=probe["id"], **facts)
    info = {"format": "mp4", "video": {"codec": "h264", "width": 1920, "height": 1080}, "duration_ms": 30_000}
    probed = log.add(
        "SourceProbed",
        {"work_id": "probe-1", "info": info},
        cause=probe["id"],
        after_ms=72,
        topic="media.asset.requests",
        source="media.probe",
    )
    log.add(
        "AssetPlanned",
        {
            "plan": {
                "fps_num": 24,
                "fps_den": 1,
                "frame_count": 720,
                "segment_count": 17,
                "chunk_count": chunks,
                "renditions": RUNGS,
            }
        },
        cause=probed["id"],
    )
    asked = [
        log.add(
            "ChunkRequested",
            {"work_id": f"chunk-{n}", "chunk_index": n, "attempt": 1, "priority": 0 if n == 0 else 5},
            cause=probed["id"],
            after_ms=0,
            **work,
        )
        for n in range(chunks)
    ]
    for number, request in enumerate(asked):
        of = {
            "work_id": f"chunk-{number}",
            "kind": "chunk",
            "chunk_index": number,
            "worker": f"w{number % 2 + 1}",
        }
        log.add("WorkLeased", of | {"attempt": 1}, cause=request["id"], after_ms=12, **facts)
        for percent in (25, 50, 75):
            log.add("WorkProgressed", of | {"percent": percent}, cause=request["id"], after_ms=110, **facts)
        made = log.add(
            "ChunkEncoded",
            of | {"encode_ms": 431, "reused": False},
            cause=request["id"],
            after_ms=120,
            topic="media.asset.requests",
            source="media.encode",
        )
        log.add("ChunkAccepted", {"chunk_index": number, "renditions": []}, cause=made["id"], after_ms=4)
        if number == 0:
            log.add("AssetPlayable", {"renditions": RUNGS}, cause=made["id"], after_ms=0)
    log.add("AssetReady", {"renditions": RUNGS}, cause=log.entries[-2]["id"], after_ms=0)
    assert uploaded["id"] != done["id"]
    return log.entries
