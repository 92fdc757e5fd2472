"""What the media domain shows: the library's asset documents, and who works on what. Pure.

Both fold one topic by asset id into the documents of `schemas.media.views`. An event about an asset that the
projection does not know (or knows as deleted) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from schemas.event import Event
from schemas.media.protection import Protection, ProtectionView
from schemas.media.views import (
    WORK_SHOWN,
    AssetDocument,
    ProgressDocument,
    RenditionView,
    Tombstone,
    WorkView,
    listings,
)
from schemas.media.visibility import owner_of, visibility_of
from streams.engine import Op

DECLARED_FACTOR: Final = 1.5  # peak of a two-second segment over the encoder's ceiling, before measuring

Library = AssetDocument | Tombstone


def library(state: Library | None, event: Event) -> tuple[Library | None, list[Op]]:
    """One asset's document after an event of media.asset.events."""
    if event.type == "kinolog.media.AssetCreated":
        created = _created(event)
        return created, [Op("ZADD", listing, event.at_ms, event.key) for listing in listings(created)]
    if state is None:
        return None, []
    if event.type == "kinolog.media.AssetDeleted":
        return _tombstone(state, event, erased=False), _unlisted(state, listings(state))
    if event.type == "kinolog.media.AssetErased":
        return _tombstone(state, event, erased=True), []
    change = _CHANGES.get(event.type)
    if change is None or state["state"] == "deleted":
        return state, []
    document = cast("AssetDocument", {**state, "updated_at_ms": event.at_ms})
    change(document, event.data, event.at_ms)
    return document, _relisted(state, document)


def _relisted(before: AssetDocument, document: AssetDocument) -> list[Op]:
    """What brings the listings from one document of an asset to the next."""
    old, new = listings(before), listings(document)
    added = [x for x in new if x not in old]
    return [
        *_unlisted(before, [x for x in old if x not in new]),
        *(Op("ZADD", listing, document["created_at_ms"], document["id"]) for listing in added),
    ]


def _unlisted(document: Library, suffixes: list[str]) -> list[Op]:
    return [Op("ZREM", listing, document["id"]) for listing in suffixes]


def _created(event: Event) -> AssetDocument:
    return {
        "id": event.key,
        "title": event.data["title"],
        "title_sealed": event.data.get("title_sealed"),
        "file_name": event.data["file_name"],
        "state": "uploading",
        "created_at_ms": event.at_ms,
        "updated_at_ms": event.at_ms,
        "ready_at_ms": None,
        "size_bytes": event.data["declared_size_bytes"],
        "source_hash": None,
        "duration_ms": None,
        "width": None,
        "height": None,
        "source": None,
        "plan": None,
        "planned_at_ms": None,
        "renditions": [],
        "audio": None,
        "progress": {"percent": 0, "chunks_done": 0, "chunks_total": 0, "eta_s": None},
        "done": [],
        "poster": None,
        "storyboard": None,
        "failure": None,
        "owner_id": owner_of(event.data),
        "visibility": visibility_of(event.data),
        "protection": _protection(event.data.get("protection")),
        "protecting": None,
        "protection_failure": None,
    }


def _protection(said: dict[str, Any] | None) -> ProtectionView | None:
    if said is None:
        return None
    kids = {key["label"]: key["kid"] for key in said.get("keys", ())}
    return cast("ProtectionView", {**said, "keys": kids})


def _tombstone(state: Library, event: Event, *, erased: bool) -> Tombstone:
    return {
        "id": event.key,
        "state": "deleted",
        "created_at_ms": state["created_at_ms"],
        "updated_at_ms": event.at_ms,
        "erased": erased,
        "owner_id": owner_of(state),
        "visibility": visibility_of(state),
    }


def _uploaded(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "uploaded"
    document["size_bytes"] = data["source"]["size_bytes"]
    document["source_hash"] = data["source"]["source_hash"]


def _planned(document: AssetDocument, data: dict[str, Any], at_ms: int) -> None:
    plan, info = data["plan"], data["info"]
    document["state"] = "processing"
    document["plan"], document["source"], document["planned_at_ms"] = plan, info, at_ms
    document["protection"] = _protection(plan.get("protection"))
    document["duration_ms"] = info["duration_ms"]
    document["width"], document["height"] = info["width"], info["height"]
    document["renditions"] = [
        _rendition(r["name"], r["width"], r["height"], r["max_kbps"] * 1000 * DECLARED_FACTOR)
        for r in plan["renditions"]
    ]
    if plan["audio"]["mode"] != "none":
        declared_bps = plan["audio"]["bitrate_kbps"] * 1000 * DECLARED_FACTOR
        document["audio"] = _rendition("audio", 0, 0, declared_bps)
    document["progress"] = {**document["progress"], "chunks_total": plan["chunk_count"]}


def _rendition(name: str, width: int, height: int, declared_bps: float) -> RenditionView:
    return {
        "name": name,
        "width": width,
        "height": height,
        "bandwidth": round(declared_bps),
        "average_bandwidth": None,
        "codecs": None,
    }


def _chunk_accepted(document: AssetDocument, data: dict[str, Any], at_ms: int) -> None:
    protecting = document.get("protecting")
    if protecting is not None:
        document["protecting"] = {**protecting, "chunks_done": protecting["chunks_done"] + 1}
        return
    document["done"] = with_chunk(document["done"], data["chunk_index"])
    done = sum(end - first for first, end in document["done"])
    total = document["progress"]["chunks_total"]
    elapsed_ms = at_ms - (document["planned_at_ms"] or at_ms)
    document["progress"] = {
        "percent": done * 100 // total,
        "chunks_done": done,
        "chunks_total": total,
        "eta_s": round(elapsed_ms / done * (total - done) / 1000),
    }


def with_chunk(done: list[list[int]], index: int) -> list[list[int]]:
    """Ordered ranges [first, end) with one more chunk in them; the same if it is there already."""
    before = [r for r in done if r[1] < index]
    after = [r for r in done if r[0] > index + 1]
    touching = [r for r in done if r[1] >= index and r[0] <= index + 1]
    first = min([index, *(r[0] for r in touching)])
    end = max([index + 1, *(r[1] for r in touching)])
    return [*before, [first, end], *after]


def _playable(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "playable"
    document["poster"] = data.get("poster")
    _merge_renditions(document, {r["name"]: {"codecs": r["codecs"]} for r in data["renditions"]})


def _ready(document: AssetDocument, data: dict[str, Any], at_ms: int) -> None:
    document["state"] = "ready"
    document["ready_at_ms"] = at_ms
    _merge_renditions(document, _measured(data))


def _measured(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        r["name"]: {
            "codecs": r["codecs"],
            "bandwidth": r["peak_bps"],
            "average_bandwidth": r["average_bps"],
        }
        for r in data["renditions"]
    }


def _merge_renditions(document: AssetDocument, found: dict[str, dict[str, Any]]) -> None:
    document["renditions"] = [_with(r, found.get(r["name"], {})) for r in document["renditions"]]
    if document["audio"] is not None:
        document["audio"] = _with(document["audio"], found.get("audio", {}))


def _with(rendition: RenditionView, found: dict[str, Any]) -> RenditionView:
    return cast("RenditionView", {**rendition, **found})


def _protection_started(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    total = document["progress"]["chunks_total"]
    wanted = cast("Protection", data["protection"])
    document["protecting"] = {**wanted, "chunks_done": 0, "chunks_total": total}
    document["protection_failure"] = None


def _asset_protected(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["plan"], document["protecting"] = data["plan"], None
    document["protection"] = _protection(data["plan"]["protection"])
    document["poster"], document["storyboard"] = data["poster"], data["storyboard"]
    _merge_renditions(document, _measured(data))


def _protection_failed(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["protecting"] = None
    document["protection_failure"] = {"code": data["code"], "sentence": data["sentence"]}


def _storyboard_added(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    shown = {k: v for k, v in data.items() if k not in ("asset_id", "profile_hash")}
    document["storyboard"] = cast("Any", shown)


def _changed(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    sealed = data.get("title_sealed")
    if sealed is not None or data["title"] is not None:
        document["title"], document["title_sealed"] = data["title"] or "", sealed
    if data["visibility"] is not None:
        document["visibility"] = visibility_of(data)


def _transferred(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["owner_id"] = owner_of(data)


def _failed(document: AssetDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "failed"
    document["failure"] = {"code": data["code"], "sentence": data["sentence"]}
    document["progress"] = {**document["progress"], "eta_s": None}


_CHANGES: Final[dict[str, Callable[[AssetDocument, dict[str, Any], int], None]]] = {
    "kinolog.media.AssetUploaded": _uploaded,
    "kinolog.media.AssetPlanned": _planned,
    "kinolog.media.ChunkAccepted": _chunk_accepted,
    "kinolog.media.AssetPlayable": _playable,
    "kinolog.media.AssetReady": _ready,
    "kinolog.media.StoryboardAdded": _storyboard_added,
    "kinolog.media.AssetFailed": _failed,
    "kinolog.media.ProtectionStarted": _protection_started,
    "kinolog.media.AssetProtected": _asset_protected,
    "kinolog.media.ProtectionFailed": _protection_failed,
    "kinolog.media.AssetChanged": _changed,
    "kinolog.media.AssetTransferred": _transferred,
}


def progress(state: ProgressDocument | None, event: Event) -> tuple[ProgressDocument | None, list[Op]]:
    """What is in hand for one asset after an event of media.work.events; None when nothing is."""
    if event.type == "kinolog.media.ContentKeysUsed":
        return state, []
    data = event.data
    work = [w for w in (state["work"] if state else []) if w["work_id"] != data["work_id"]]
    if event.type != "kinolog.media.WorkEnded":
        before = next((w for w in (state["work"] if state else []) if w["work_id"] == data["work_id"]), None)
        work = [*work, _in_hand(before, event)][-WORK_SHOWN:]
    if not work:
        return None, []
    return {"work": sorted(work, key=_age), "updated_at_ms": event.at_ms}, []


def _in_hand(before: WorkView | None, event: Event) -> WorkView:
    data = event.data
    leased = event.type == "kinolog.media.WorkLeased" or before is None
    return {
        "work_id": data["work_id"],
        "kind": data["kind"],
        "chunk_index": data["chunk_index"],
        "percent": data.get("percent", 0),
        "worker": data["worker"],
        "attempt": data["attempt"] if "attempt" in data else (before["attempt"] if before else 1),
        "leased_at_ms": event.at_ms if leased or before is None else before["leased_at_ms"],
        "updated_at_ms": event.at_ms,
    }


def _age(work: WorkView) -> tuple[int, str]:
    return work["leased_at_ms"], work["work_id"]
