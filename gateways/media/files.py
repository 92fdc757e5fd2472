"""Sends an object of the store to a player: ranges, validators, constant memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from gateways.core.problem import Problem
from gateways.media.context import ObjectStore
from gateways.media.ranges import Range, unchanged, wanted
from streams.core import metrics
from streams.core.objects import NoSuchObject, RangeNotSatisfiable

SMALL_BYTES: Final = 256 * 1024
"""Up to this an object goes out in one piece: fewer wake-ups for the many short segments."""


async def send_object(
    request: web.Request,
    objects: ObjectStore,
    key: str,
    content_type: str,
    etag: str,
    cache_control: str,
    sent: Callable[[int], None] = lambda _: None,
) -> web.StreamResponse:
    """200, 206 or 304. Problem 404 if the object is gone, 416 for a range beyond it.

    The store is asked before the head goes out; should it fail later, the connection is cut. `sent` is told
    of the bytes as they go out.
    """
    headers: dict[str, str] = {
        hdrs.ETAG: etag,
        hdrs.CACHE_CONTROL: cache_control,
        hdrs.ACCEPT_RANGES: "bytes",
    }
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    try:
        size = (await objects.stat(key)).size
        part = wanted(request, size, etag)
        start, end = part or Range(0, size)
        if part is not None:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{size}"
        headers[hdrs.CONTENT_TYPE] = content_type
        status = 200 if part is None else 206
        if request.method == hdrs.METH_HEAD:
            return web.Response(status=status, headers={**headers, hdrs.CONTENT_LENGTH: str(end - start)})
        if end - start <= SMALL_BYTES:
            body = await objects.get(key, start, end) if size else b""
            metrics.MEDIA_BYTES.inc(len(body))
            sent(len(body))
            return web.Response(status=status, headers=headers, body=body)
        return await _stream(request, objects, key, Range(start, end), status, headers, sent)
    except (NoSuchObject, RangeNotSatisfiable) as error:
        raise Problem("not-found", "The object store no longer has this; load the manifest again.") from error


async def _stream(
    request: web.Request,
    objects: ObjectStore,
    key: str,
    part: Range,
    status: int,
    headers: dict[str, str],
    sent: Callable[[int], None],
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = part.end - part.start
    async for chunk in objects.stream(key, part.start, part.end):
        if not response.prepared:
            await response.prepare(request)
        await response.write(chunk)
        metrics.MEDIA_BYTES.inc(len(chunk))
        sent(len(chunk))
    await response.write_eof()
    return response
