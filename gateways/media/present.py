"""From the library's documents to the API's models: names, links, nothing computed."""

from __future__ import annotations

from typing import Any, Final, cast

from gateways.core.titles import shown_titles
from gateways.media.models import (
    Asset,
    Failure,
    Links,
    LiveProgress,
    Progress,
    Protecting,
    ProtectionShown,
    Rendition,
    Work,
)
from schemas.media.protection import Scheme, has_clear_key, protection_of
from schemas.media.views import AssetDocument, FailureView, ProgressDocument, WorkView, has_poster
from schemas.media.visibility import owner_of, visibility_of
from streams.core.sealing import Sealer

PLAYABLE: Final = frozenset({"playable", "ready"})
STALE_WORK_MS: Final = 60_000


def links(asset_id: str, document: AssetDocument | None = None) -> Links:
    """Links of an asset; those of things that do not exist yet are null."""
    base = f"/v1/assets/{asset_id}"
    state = document["state"] if document is not None else "uploading"
    storyboard = document is not None and document["storyboard"] is not None
    clear_key = document is not None and has_clear_key(document)
    return Links(
        self=base,
        events=f"{base}/events",
        log=f"{base}/log",
        hls=f"{base}/hls/master.m3u8" if state in PLAYABLE else None,
        dash=f"{base}/dash/manifest.mpd" if state == "ready" else None,
        hls_clearkey=f"{base}/hls-clearkey/master.m3u8" if state in PLAYABLE and clear_key else None,
        dash_clearkey=f"{base}/dash-clearkey/manifest.mpd" if state == "ready" and clear_key else None,
        poster=f"{base}/poster.jpg" if document is not None and has_poster(document) else None,
        storyboard=f"{base}/storyboard.vtt" if storyboard else None,
        watch=f"/watch/{asset_id}",
    )


async def asset(sealer: Sealer, document: AssetDocument) -> Asset:
    """One asset as the API shows it, its title opened."""
    [title] = await shown_titles(sealer, [(document["id"], document)])
    return titled(document, title)


def titled(document: AssetDocument, title: str) -> Asset:
    """One asset as the API shows it under this title."""
    progress = document["progress"]
    return Asset(
        id=document["id"],
        title=title,
        owner_id=owner_of(document),
        visibility=visibility_of(document),
        protection=_protection(document),
        protecting=_protecting(document),
        protection_failure=_failure(document.get("protection_failure")),
        state=document["state"],
        created_at_ms=document["created_at_ms"],
        updated_at_ms=document["updated_at_ms"],
        duration_ms=document["duration_ms"],
        size_bytes=document["size_bytes"],
        width=document["width"],
        height=document["height"],
        renditions=[
            Rendition(name=r["name"], width=r["width"], height=r["height"], bandwidth=r["bandwidth"])
            for r in document["renditions"]
        ],
        progress=Progress(
            percent=progress["percent"],
            chunks_done=progress["chunks_done"],
            chunks_total=progress["chunks_total"],
        ),
        failure=_failure(document["failure"]),
        links=links(document["id"], document),
    )


def _protection(document: AssetDocument) -> ProtectionShown | None:
    found = protection_of(document)
    if found is None:
        return None
    return ProtectionShown(
        scheme=cast("Scheme", found["scheme"]),
        systems=found["systems"],
        policy=found["policy_id"],
        version=found["version"],
        keys=found["keys"],
    )


def _protecting(document: AssetDocument) -> Protecting | None:
    found = document.get("protecting")
    if found is None:
        return None
    return Protecting(
        scheme=cast("Scheme", found["scheme"]),
        systems=found["systems"],
        policy=found["policy_id"],
        version=found["version"],
        percent=found["chunks_done"] * 100 // found["chunks_total"],
    )


def _failure(found: FailureView | None) -> Failure | None:
    return Failure(code=found["code"], sentence=found["sentence"]) if found is not None else None


def live_progress(document: AssetDocument, work: ProgressDocument | None) -> LiveProgress:
    """How far it has got and who is on it. Entries that a dead worker left behind are not shown."""
    progress = document["progress"]
    newest_ms = work["updated_at_ms"] if work is not None else 0
    return LiveProgress(
        percent=progress["percent"],
        chunks_done=progress["chunks_done"],
        chunks_total=progress["chunks_total"],
        eta_s=progress["eta_s"],
        work=[_work(w) for w in (work["work"] if work is not None else ()) if _fresh(w, newest_ms)],
    )


def _fresh(work: WorkView, newest_ms: int) -> bool:
    return newest_ms - work["updated_at_ms"] < STALE_WORK_MS


def _work(work: WorkView) -> Work:
    return Work(work_id=work["work_id"], kind=work["kind"], percent=work["percent"], worker=work["worker"])


def alive(raw: dict[str, Any] | None) -> AssetDocument | None:
    """The document, unless there is none or only the tombstone of a deleted asset."""
    if raw is None or raw["state"] == "deleted":
        return None
    return cast("AssetDocument", raw)
