"""What sessions are shown as: rows of ClickHouse, and in Redis who watches now. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from schemas.analytics.views import KEEP_WATCHED_MS, UNSEEN, VIEW_MEASURED, WATCHED_MS, WATCHING
from schemas.event import Event
from streams.analytics.measure import DAY_MS
from streams.analytics.state import FAR_MS
from streams.analytics.steps import WATCHED
from streams.engine import Op

Row = dict[str, Any]

TRIM_EVERY: Final = 64  # offsets: of neighbours that only add, one command is made


def _place(event: Event) -> Row:
    return {"topic": event.topic, "partition": event.partition, "offset": event.offset}


# --- analytics.view.events


def live(event: Event) -> list[Op]:
    """Who watches now: a session until WATCHED_MS after its last beat, unless it is paused or over."""
    if event.type != VIEW_MEASURED:
        return []
    data = event.data
    member, until_ms = data["view_id"] + data["asset_id"], data["last_at_ms"] + WATCHED_MS
    if data["state"] not in WATCHED or data["bot"]:
        return [Op("ZREM", WATCHING, member)]
    watched = Op("ZADD", WATCHING, until_ms, member)
    if event.offset % TRIM_EVERY:
        return [watched]
    return [watched, Op("ZREMRANGEBYSCORE", WATCHING, "-inf", event.at_ms - KEEP_WATCHED_MS)]


_TIMES: Final = ("watched_ms", "playing_ms", "media_ms", "covered_ms", "stalled_ms", "bitrate_ms")
MOST_MS: Final = 2**32 - 1  # 49 days: what the table keeps of a session's times


def views(event: Event) -> list[Row]:
    """Of a measure: the session's row; and one that takes away what stood under another day."""
    data = event.data
    moved = data["moved_from_day"]
    times = {name: min(data[name], MOST_MS) for name in _TIMES}
    row = {**_place(event), "gone": 0, "day": data["started_at_ms"] // DAY_MS, **data, **times}
    del row["moved_from_day"]
    return [row] if moved is None else [row, {**row, "gone": 1, "day": moved}]


# --- analytics.playback.events

_WHO: Final = ("view_id", "asset_id", "source", "player", "country", "bot", "received_at_ms")
_BEAT: Final = (
    "sn", "ts_ms", "at_ms", "kind", "state", "playhead_ms", "rate", "rendition", "bitrate_kbps",
    "stalled_total_ms", "stalls_total", "dropped_frames_total", "error", "clamped",
)  # fmt: skip


def beats(event: Event) -> list[Row]:
    """A report of a player as it came."""
    data = event.data
    row = {**_place(event), "id": event.id, **{name: data[name] for name in _WHO}}
    said = data["beats"]
    for name in _BEAT:
        row[f"beat.{name}"] = [beat[name] for beat in said]
    return [row]


def delivery(event: Event) -> list[Row]:
    """What a report of the streaming gateway says was sent, by rendition."""
    data = event.data
    view_id = "" if data["view_id"].startswith(UNSEEN) else data["view_id"]
    same = {name: data[name] for name in ("asset_id", "owner_id", "country", "device", "bot")}
    rows = []
    by_rendition = sorted(data["segments"], key=lambda segment: segment["rendition"])
    for rendition, group in groupby(by_rendition, key=lambda segment: segment["rendition"]):
        segments = list(group)
        at_ms = min(segment["at_ms"] for segment in segments)
        if not 0 <= at_ms <= FAR_MS or any(segment["bytes"] < 0 for segment in segments):
            raise ValueError(f"segments of {rendition} are not in their range: {segments}")
        sent = {"requests": len(segments), "bytes": sum(segment["bytes"] for segment in segments)}
        when = {"id": event.id, "day": at_ms // DAY_MS, "at_ms": at_ms, "view_id": view_id}
        rows.append({**_place(event), **when, **same, "rendition": rendition, **sent})
    return rows


# --- media.asset.events

_STEPS: Final = {
    f"kinolog.media.Asset{step.capitalize()}": step
    for step in ("created", "uploaded", "planned", "playable", "ready", "failed", "deleted")
}


def assets(event: Event) -> list[Row]:
    """A step that a film took from its upload to its audience."""
    step = _STEPS.get(event.type)
    if step is None:
        return []
    what = {"domain": "media", "step": step, "subject": event.key, "asset_id": event.key}
    return [{**_place(event), **what, "owner_id": event.data.get("owner_id") or "", "at_ms": event.at_ms}]


# --- drm.account.events

_ANSWERS: Final = {"kinolog.drm.LicenceGranted": "granted", "kinolog.drm.LicenceDenied": "denied"}


def licences(event: Event) -> list[Row]:
    """That a playing asked for a licence, and what it was answered."""
    answer = _ANSWERS.get(event.type)
    if answer is None:
        return []
    data = event.data
    what = {"domain": "drm", "subject": data["stream_id"], "asset_id": data["asset_id"], "owner_id": ""}
    steps = (("asked", data["asked_at_ms"]), (answer, event.at_ms))
    return [{**_place(event), **what, "step": step, "at_ms": at_ms} for step, at_ms in steps]
