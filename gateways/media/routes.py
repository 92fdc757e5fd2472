"""Every route of the streaming service, in one list."""

from __future__ import annotations

from typing import Final

from gateways.core.adaptive import Priority
from gateways.core.idempotency import HEADERS as IDEMPOTENT
from gateways.core.permissions import (
    ASSETS_CHANGE,
    ASSETS_DELETE,
    ASSETS_READ,
    ASSETS_WRITE,
    LOG_READ,
    SESSION,
)
from gateways.core.routes import Handler, Route
from gateways.core.signing_in import SESSION_ROUTES
from gateways.media import assets, live, log, models, playback, protecting
from gateways.media.upload import upload
from gateways.web.routes import page_routes

_ASSET: Final = "/v1/assets/{asset_id:[a-z0-9-]{1,64}}"
_NAME: Final = "[A-Za-z0-9]{1,32}"
_HASH: Final = "[A-Za-z0-9]{1,64}"
_NUMBER: Final = "[0-9]{1,7}"
_MISSING: Final = ("not-found", "gone", "unavailable")
_RESUME: Final = (("Last-Event-ID", "id of the last event seen"),)
_RANGE: Final = (("Range", "one byte range"), ("If-None-Match", "ETag of a copy"))
NO_BODY_LIMIT: Final = 1 << 62
"""Uploads count their own bytes against MAX_UPLOAD_BYTES, which a declaration cannot know."""


def _get(path: str, handler: Handler, summary: str, tag: str, **more: object) -> Route:
    fields: dict[str, object] = {
        "permission": ASSETS_READ, "problems": _MISSING, "max_body_bytes": 0, "tag": tag, **more
    }  # fmt: skip
    return Route(method="GET", path=path, handler=handler, summary=summary, **fields)  # type: ignore[arg-type]


def _media(path: str, handler: Handler, summary: str, content_type: str) -> Route:
    return _get(
        path, handler, summary, "playback", shared=True, response_type=content_type, timeout_s=None,
        problems=(*_MISSING, "too-early", "conflict", "bad-range"), headers=_RANGE,
        limits=None, priority=Priority.PLAYBACK,
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (
    *SESSION_ROUTES,
    Route(
        method="POST", path="/v1/assets", handler=upload, permission=ASSETS_WRITE, status=202,
        summary="Upload a film", response=models.Accepted, query=models.UploadQuery,
        body_types=("multipart/form-data", "application/octet-stream", "video/*"), reads_stream=True,
        max_body_bytes=NO_BODY_LIMIT, timeout_s=None, headers=IDEMPOTENT, tag="assets",
        problems=(
            "malformed-request", "empty-upload", "timeout", "upload-in-progress", "conflict", "too-large",
            "unsupported-media-type", "idempotency-key-reused", "overloaded", "unavailable", "store-full",
        ),
    ),
    _get(
        "/v1/assets", assets.list_assets, "The library, newest first: what you may see", "assets",
        permission=SESSION, response=models.AssetPage, query=models.AssetsQuery, problems=("unavailable",),
    ),
    _get(
        _ASSET, assets.get_asset, "One asset", "assets", shared=True, response=models.Asset,
        query=models.AssetQuery,
    ),
    Route(
        method="PATCH", path=_ASSET, handler=assets.change_asset, permission=ASSETS_CHANGE, owned=True,
        status=202, summary="Change an asset's title or who may see it", body=models.AssetChange,
        response=models.Accepted, timeout_s=15.0, headers=IDEMPOTENT, problems=(*_MISSING, "conflict"),
        tag="assets",
    ),
    Route(
        method="DELETE", path=_ASSET, handler=assets.delete_asset, permission=ASSETS_DELETE, owned=True,
        status=202, query=models.AssetDeletion,
        summary="Delete an asset, whatever it is doing", response=models.Accepted, max_body_bytes=0,
        timeout_s=15.0, headers=IDEMPOTENT, problems=_MISSING, tag="assets",
    ),
    Route(
        method="POST", path=f"{_ASSET}/protection", handler=protecting.protect_asset,
        permission=ASSETS_CHANGE, owned=True, status=202,
        summary="Protect a finished film, or protect it otherwise", body=models.ProtectionWanted,
        response=models.Accepted, timeout_s=15.0, headers=IDEMPOTENT, problems=(*_MISSING, "conflict"),
        tag="assets",
    ),
    _get(
        f"{_ASSET}/events", live.asset_events, "Its state and progress, live", "assets", shared=True,
        timeout_s=None,
        response_type="text/event-stream", headers=_RESUME,
    ),
    _get(
        f"{_ASSET}/log", log.asset_log, "Its events on the log", "log", permission=LOG_READ, owned=True,
        response=models.LogPage, query=models.LogQuery,
    ),
    _get(
        f"{_ASSET}/log/stream", log.log_stream, "Its events on the log, live", "log", permission=LOG_READ,
        owned=True, response_type="text/event-stream", query=models.LogQuery, timeout_s=None, headers=_RESUME,
    ),
    _get(
        "/v1/log/{ce_id:[A-Za-z0-9._:-]{1,200}}", log.log_entry, "One event, its causes and effects", "log",
        permission=LOG_READ, owned=True, response=models.LogDetail,
    ),
    _media(f"{_ASSET}/hls/master.m3u8", playback.hls_master, "HLS: the ladder", playback.HLS_TYPE),
    _media(
        f"{_ASSET}/hls/{{rendition:{_NAME}}}.m3u8", playback.hls_media, "HLS: one rendition",
        playback.HLS_TYPE,
    ),
    _media(f"{_ASSET}/dash/manifest.mpd", playback.dash_manifest, "DASH", playback.DASH_TYPE),
    _media(
        f"{_ASSET}/hls-clearkey/master.m3u8", playback.clear_key_hls_master,
        "HLS for players of Clear Key: the ladder", playback.HLS_TYPE,
    ),
    _media(
        f"{_ASSET}/hls-clearkey/{{rendition:{_NAME}}}.m3u8", playback.clear_key_hls_media,
        "HLS for players of Clear Key: one rendition", playback.HLS_TYPE,
    ),
    _media(
        f"{_ASSET}/dash-clearkey/manifest.mpd", playback.clear_key_dash_manifest,
        "DASH for players of Clear Key", playback.DASH_TYPE,
    ),
    _media(
        f"{_ASSET}/media/{{profile_hash:{_HASH}}}/{{rendition:{_NAME}}}/init.mp4",
        playback.init_segment, "Init segment of a rendition", "video/mp4",
    ),
    _media(
        f"{_ASSET}/media/{{profile_hash:{_HASH}}}/{{rendition:{_NAME}}}/{{number:{_NUMBER}}}.m4s",
        playback.media_segment, "Media segment of a rendition", "video/mp4",
    ),
    _media(f"{_ASSET}/poster.jpg", playback.poster, "Poster", "image/jpeg"),
    _media(f"{_ASSET}/storyboard.vtt", playback.storyboard_vtt, "Storyboard: the index", "text/vtt"),
    _media(
        f"{_ASSET}/storyboard/{{number:{_NUMBER}}}.jpg", playback.storyboard_sheet, "Storyboard: a sheet",
        "image/jpeg",
    ),
    *page_routes("streaming"),
)  # fmt: skip
