"""What players ask for: manifests computed from the plan, segments, poster and storyboard.

Segments are immutable: their URL holds the profile's hash, which changes when the bytes would. A segment
that the plan has but no worker has made yet is 425 with Retry-After; one that the plan has not is 404.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from gateways.core.problem import Problem
from gateways.media.assets import find_document
from gateways.media.context import media_of
from gateways.media.delivered import INIT
from gateways.media.files import send_object
from gateways.media.manifests import dash, hls
from gateways.media.present import PLAYABLE
from gateways.media.ranges import unchanged
from gateways.media.storyboard import web_vtt
from schemas.media import objects as keys
from schemas.media.grid import chunks_of, plan_cuts
from schemas.media.plan import AUDIO_RENDITION, Plan, fps_of
from schemas.media.protection import has_clear_key
from schemas.media.views import AssetDocument, has_poster
from schemas.media.visibility import PUBLIC, visibility_of

HLS_TYPE: Final = "application/vnd.apple.mpegurl"
DASH_TYPE: Final = "application/dash+xml"
SEGMENT_TYPE: Final = {"audio": "audio/mp4", "video": "video/mp4"}
GROWING: Final = "no-cache"
PICTURE: Final = "max-age=300"
IMMUTABLE: Final = "max-age=31536000, immutable"
SHARED_IMMUTABLE: Final = "max-age=31536000, s-maxage=3600, immutable"
"""A cache that many share lets go of segments after an hour: what was public may have become private."""
RETRY_AFTER_S: Final = "1"


async def hls_master(request: web.Request) -> web.StreamResponse:
    return await _hls_master(request, clear_key=False)


async def _hls_master(request: web.Request, *, clear_key: bool) -> web.StreamResponse:
    document = await _playable(request, clear_key=clear_key)
    return _text(request, document, _written(document, "hls", lambda: hls.master(document)), HLS_TYPE)


async def clear_key_hls_master(request: web.Request) -> web.StreamResponse:
    """The same; the media playlists beside it speak of Clear Key."""
    return await _hls_master(request, clear_key=True)


async def hls_media(request: web.Request) -> web.StreamResponse:
    return await _hls_media(request, clear_key=False)


async def clear_key_hls_media(request: web.Request) -> web.StreamResponse:
    return await _hls_media(request, clear_key=True)


async def _hls_media(request: web.Request, *, clear_key: bool) -> web.StreamResponse:
    rendition = request.match_info["rendition"]
    if rendition == hls.STORYBOARD:  # the image stream that the multivariant playlist names
        document = await _with_storyboard(request)
    else:
        document = await _playable(request, clear_key=clear_key)
        _known_rendition(_plan(document), rendition)
    what = f"hls/{rendition}/{clear_key}"
    text = _written(document, what, lambda: hls.media(document, rendition, clear_key=clear_key))
    return _text(request, document, text, HLS_TYPE)


async def dash_manifest(request: web.Request) -> web.StreamResponse:
    return await _dash(request, clear_key=False)


async def clear_key_dash_manifest(request: web.Request) -> web.StreamResponse:
    return await _dash(request, clear_key=True)


async def _dash(request: web.Request, *, clear_key: bool) -> web.StreamResponse:
    document = await _playable(request, clear_key=clear_key)
    if document["state"] != "ready":
        raise _too_early("The DASH manifest comes when the film is ready; HLS plays before.")
    text = _written(document, f"dash/{clear_key}", lambda: dash.manifest(document, clear_key=clear_key))
    return _text(request, document, text, DASH_TYPE)


async def init_segment(request: web.Request) -> web.StreamResponse:
    document = await _playable(request)
    rendition = _rendition(request, document)
    key = keys.init_key(document["id"], _plan(document)["profile_hash"], rendition)
    return await _segment(request, document, rendition, key, INIT)


async def media_segment(request: web.Request) -> web.StreamResponse:
    document = await _playable(request)
    rendition = _rendition(request, document)
    number = int(request.match_info["number"])
    plan = _plan(document)
    if number >= plan["segment_count"]:
        raise Problem("not-found", f"The film has segments 0 to {plan['segment_count'] - 1}.")
    if not _is_done(document, _chunk_of(plan, number)):
        raise _too_early("This segment is not encoded yet; ask again in a moment.")
    key = keys.segment_key(document["id"], plan["profile_hash"], rendition, number)
    return await _segment(request, document, rendition, key, number)


async def poster(request: web.Request) -> web.StreamResponse:
    document = await _with_pictures(request, has_poster)
    return await _picture(request, document, keys.poster_key(document["id"], _plan(document)["profile_hash"]))


async def storyboard_vtt(request: web.Request) -> web.StreamResponse:
    document = await _with_storyboard(request)
    storyboard = document["storyboard"]
    assert storyboard is not None
    text = web_vtt(storyboard, document["duration_ms"] or 0, "storyboard/{n}.jpg")
    return _text(request, document, text, "text/vtt")


async def storyboard_sheet(request: web.Request) -> web.StreamResponse:
    document = await _with_storyboard(request)
    number = int(request.match_info["number"])
    storyboard = document["storyboard"]
    if storyboard is None or number >= storyboard["sheet_count"]:
        raise Problem("not-found", "The storyboard has no such sheet; storyboard.vtt names those there are.")
    key = keys.sheet_key(document["id"], _plan(document)["profile_hash"], number)
    return await _picture(request, document, key)


# --- what is there


async def _playable(request: web.Request, *, clear_key: bool = False) -> AssetDocument:
    """The film, once it can be watched; with `clear_key` only one that players of Clear Key can open."""
    document = await find_document(request)
    if document["state"] in PLAYABLE:
        if clear_key and not has_clear_key(document):
            raise Problem(
                "not-found", "The film is not protected for Clear Key: it has no manifests for that."
            )
        return document
    if document["state"] == "failed":
        failure = document["failure"]
        raise Problem(
            "conflict",
            failure["sentence"] if failure is not None else "This film failed; upload it again.",
            code=failure["code"] if failure is not None else "failed",
        )
    raise _too_early("The film is not playable yet; its events tell when it is.")


async def _with_storyboard(request: web.Request) -> AssetDocument:
    return await _with_pictures(request, lambda document: document["storyboard"] is not None)


async def _with_pictures(request: web.Request, are_there: Callable[[AssetDocument], bool]) -> AssetDocument:
    document = await find_document(request)
    if not are_there(document):
        if document["state"] == "failed":
            raise Problem("not-found", "This film failed: it has no pictures.")
        raise _too_early("The pictures are made after the film; its events tell when they are there.")
    return document


def _too_early(sentence: str) -> Problem:
    return Problem("too-early", sentence, headers={hdrs.RETRY_AFTER: RETRY_AFTER_S})


def _plan(document: AssetDocument) -> Plan:
    plan = document["plan"]
    if plan is None:
        raise _too_early("The film is not planned yet; its events tell when it is.")
    return plan


def _known_rendition(plan: Plan, name: str) -> None:
    names = [r["name"] for r in plan["renditions"]]
    if plan["audio"]["mode"] != "none":
        names.append(AUDIO_RENDITION)
    if name not in names:
        raise Problem("not-found", f"The film has no rendition {name!r}; it has {', '.join(names)}.")


def _rendition(request: web.Request, document: AssetDocument) -> str:
    plan = _plan(document)
    if request.match_info["profile_hash"] != plan["profile_hash"]:
        raise Problem("not-found", "The film has another profile now; load its manifest again.")
    name = request.match_info["rendition"]
    _known_rendition(plan, name)
    return name


_CHUNK_ENDS: OrderedDict[tuple[int, int, int], list[int]] = OrderedDict()


def _chunk_of(plan: Plan, number: int) -> int:
    """Index of the chunk that holds segment `number`; grids of the latest films are kept."""
    key = (plan["fps_num"], plan["fps_den"], plan["frame_count"])
    owners = _CHUNK_ENDS.get(key)
    if owners is None:
        spans = chunks_of(fps_of(plan), plan_cuts(plan))
        owners = [index for index, span in enumerate(spans) for _ in range(span.length)]
        _CHUNK_ENDS[key] = owners
        if len(_CHUNK_ENDS) > 64:
            _CHUNK_ENDS.popitem(last=False)
    return owners[number]


def _is_done(document: AssetDocument, chunk: int) -> bool:
    return any(first <= chunk < end for first, end in document["done"])


# --- answers

_WRITTEN: OrderedDict[tuple[object, ...], str] = OrderedDict()
KEPT_MANIFESTS: Final = 256


def _written(document: AssetDocument, what: str, write: Callable[[], str]) -> str:
    """A manifest, kept for as long as the document is as it was: players of one film ask for the same."""
    key = (
        document["id"], what, document["state"], document["updated_at_ms"],
        document["progress"]["chunks_done"], document["storyboard"] is None, _plan(document)["profile_hash"],
    )  # fmt: skip
    text = _WRITTEN.get(key)
    if text is None:
        text = _WRITTEN[key] = write()
        if len(_WRITTEN) > KEPT_MANIFESTS:
            _WRITTEN.popitem(last=False)
    return text


def _cached(document: AssetDocument, how: str, how_shared: str | None = None) -> str:
    """Cache-Control: of public assets also for caches that many share."""
    if visibility_of(document) == PUBLIC:
        return f"public, {how_shared or how}"
    return f"private, {how}"


async def _segment(
    request: web.Request, document: AssetDocument, rendition: str, key: str, number: int
) -> web.StreamResponse:
    media, asked_at_ms, total = media_of(request), int(time.time() * 1000), 0

    def sent(size: int) -> None:
        nonlocal total
        total += size

    kind = SEGMENT_TYPE["audio" if rendition == AUDIO_RENDITION else "video"]
    cached = _cached(document, IMMUTABLE, SHARED_IMMUTABLE)
    try:
        return await send_object(request, media.objects, key, kind, _etag(key), cached, sent)
    finally:  # also what went out to a player that turned away
        if total and media.delivered is not None:
            media.delivered.add(request, document, _plan(document), rendition, number, total, asked_at_ms)


async def _picture(request: web.Request, document: AssetDocument, key: str) -> web.StreamResponse:
    objects, cached = media_of(request).objects, _cached(document, PICTURE)
    return await send_object(request, objects, key, keys.PICTURE_TYPE, _etag(key), cached)


def _etag(key: str) -> str:
    """The key names the bytes: its hash is as good as theirs."""
    return f'"{hashlib.sha256(key.encode()).hexdigest()[:24]}"'


def _text(request: web.Request, document: AssetDocument, text: str, content_type: str) -> web.Response:
    """A computed text: revalidated each time, since a growing film changes it."""
    raw = text.encode()
    etag = f'"{hashlib.sha256(raw).hexdigest()[:24]}"'
    headers = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: _cached(document, GROWING)}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=raw, content_type=content_type, charset="utf-8", headers=headers)
